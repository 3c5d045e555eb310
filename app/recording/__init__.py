"""What clients exercise of the contract: which operations, answers, parameters and values; and the traffic itself."""
