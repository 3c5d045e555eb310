"""A server for authentik's flows API, made from its OpenAPI contract."""

import warnings

# `import connexion` loads Starlette's test client, which nothing here uses.
warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient` is deprecated")
