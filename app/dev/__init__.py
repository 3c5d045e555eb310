"""The application of `flows dev`: it serves the last valid contract that was saved."""
