"""The limits of an expression, for both the process and the server."""

MEMORY = 128 * 1024 * 1024
"""Bytes of address space of the process."""

LARGEST = 1024 * 1024
"""Bytes of an outcome."""

OUT_OF_MEMORY = 3
"""The exit status after an expression that needed too much memory."""

READY = b"ready\n"
"""The first line of the process."""
