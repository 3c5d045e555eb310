"""The official Python clients of other releases, each installed into a folder of its own, once.

What they depend on is there already, as the client of 2024.8 depends on the same. `locks/VERSION.txt` pins each with hashes.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKS = {path.stem: path for path in Path(__file__).with_name("locks").glob("*.txt")}
FOLDER = ROOT / ".venv" / "clients"


class Unreachable(Exception):
    """The package index can't be reached."""


def installed(version):
    """The folder with the client of a version. :raises Unreachable: it is not installed, and can't be"""
    folder, lock = FOLDER / version, LOCKS[version].read_text("utf-8")
    installed_lock = folder / "lock.txt"
    if not installed_lock.is_file() or installed_lock.read_text("utf-8") != lock:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--upgrade", "--target", str(folder), "--requirement", str(LOCKS[version])]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode and "DO NOT MATCH THE HASHES" not in result.stderr:
            raise Unreachable(result.stderr.strip().rpartition("\n")[2])
        assert result.returncode == 0, result.stderr
        installed_lock.write_text(lock, "utf-8")
    return folder


def run_tests(version, *arguments):
    """Run the tests of the generated client with the client of a version. :returns: the finished process"""
    folder = installed(version)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/client/test_generated_client.py", *arguments],
        env={**os.environ, "PYTHONPATH": path, "TEST_CLIENT_VERSION": version},
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
