"""authentik's blueprints, version 1: YAML files that list objects which should exist.

Nothing here knows of HTTP, nor of tables: it needs the store as `objects.py` describes it.
"""

from pathlib import Path

DEFAULT = Path(__file__).with_name("default.yaml")
"""The flows of a new authentik."""
