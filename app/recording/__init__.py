"""Coverage of the contract by requests, and recorded traffic."""
