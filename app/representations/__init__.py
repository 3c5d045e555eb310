"""How what is stored looks in an answer: the members of the contract, in its order."""
