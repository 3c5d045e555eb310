"""The state of a thread."""

import threading
from typing import Any


class ThreadState(threading.local):
    """State of one thread for a database. Reading a default of the class is faster than handling a missing attribute.

    :ivar session: the session of an embedded database; None if it has none yet
    :ivar unit: the unit of work under way; None if there is none
    :ivar kept: the session for all statements; None to take one from the pool for each
    :ivar lock_timeout: in milliseconds; None for the default of the engine
    """

    session: Any = None
    unit: Any = None
    kept: Any = None
    lock_timeout: int | None = None
