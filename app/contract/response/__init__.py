"""Making responses: JSON that keeps to the contract, files, examples."""
