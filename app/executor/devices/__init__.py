"""Authentication devices of users, one module per kind; `attempts` verifies codes."""
