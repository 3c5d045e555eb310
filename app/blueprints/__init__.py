"""authentik's blueprints, version 1: YAML files that list objects which should exist.

This package is independent of HTTP and of tables: it accesses the store by its `Repository` interface.
"""

from pathlib import Path

DEFAULT = Path(__file__).with_name("default.yaml")
"""The flows of a new authentik."""
