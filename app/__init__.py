"""A server for authentik's flows API, made from its OpenAPI contract."""
