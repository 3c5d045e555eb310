"""What this process does beside answering: files that it opens, and programs that it starts."""

import contextlib
import sys

_STARTS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "pty.spawn", "socket.connect")
_heard = None


@contextlib.contextmanager
def noticed():
    """The paths that are opened, and all else that is started or asked elsewhere, while the block runs."""
    global _heard
    # A hook stays for as long as the process.
    if _heard is None:
        sys.addaudithook(_notice)
    _heard = heard = []
    try:
        yield heard
    finally:
        _heard = []


def _notice(event, arguments):
    if _heard is not None and (event == "open" or event in _STARTS):
        _heard.append(str(arguments[0]) if event == "open" else event)
