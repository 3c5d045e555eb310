"""A server for authentik's flows API, generated from its OpenAPI contract."""
