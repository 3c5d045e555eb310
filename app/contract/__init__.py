"""Contract: the YAML document, its boot checks, its plans, and the middleware that serves it."""
