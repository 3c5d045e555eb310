"""The contract as a document: its files, the locations of its parts, and findings."""
