"""The application of `flows dev`: it serves the contract as it was saved last, or the last one that was good."""
