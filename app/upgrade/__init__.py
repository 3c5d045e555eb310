"""Effects of an upgrade on a client: its recorded requests, carried out by two versions, and the responses compared."""
