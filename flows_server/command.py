"""The command `flows`."""

import sys
from pathlib import Path


def main() -> None:
    """Run the command line of the server.

    The wheel has the server's package `app` in a folder of its own, so that projects with a package of that name can install it.
    """
    here = Path(__file__).resolve().parent
    installed = here / "lib"
    sys.path.insert(0, str(installed if installed.exists() else here.parent))
    from app.cli import main as run

    run()
