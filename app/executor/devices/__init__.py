"""Devices by which users prove who they are, one module per kind; `attempts` tries the codes of those that have codes."""
