"""The contract as a document: its files, the places of its parts, and findings about them."""
