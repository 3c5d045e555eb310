"""authentik's blueprints, version 1: YAML that says which objects there should be.

Nothing here knows of HTTP, nor of tables: it needs the store as `objects.py` describes it.
"""
