"""What an upgrade breaks for a client: its recorded requests, carried out by two versions of the contract and compared."""
