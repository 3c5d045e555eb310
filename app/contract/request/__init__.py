"""Request parsing: path, query, body, credentials and `Accept`."""
