"""A fuzzing run against a served process: as a superuser, as a reader, and without a token.

`make fuzz-long` runs this file; `test_schemathesis.py` a short form of it.
"""

import argparse
import contextlib
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg

from app.application import load_contract
from app.settings import Settings
from tests import postgresql
from tests.serving import wait_for

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "flows"
# Shares of the time: who may do more has more to find.
ROLES = {"superuser": 0.7, "reader": 0.2, "nobody": 0.1}


@contextlib.contextmanager
def served(engine, folder):
    """A server of one process on an empty store. Gives its URL, what creates a token for a role, and its output."""
    environment = {
        **os.environ,
        "FLOWS_PORT": "0",
        "FLOWS_LOG_LEVEL": "error",
        "FLOWS_BOOTSTRAP_TOKEN": "fuzz-superuser",
    }
    with contextlib.ExitStack() as stack:
        if engine == "postgresql":
            server = postgresql.start(folder / "postgresql")
            stack.callback(server.cleanup)
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("CREATE DATABASE fuzz")
            environment["FLOWS_DATABASE_URL"] = server.get_uri().replace("/postgres?", "/fuzz?")
        else:
            environment["FLOWS_DATABASE_URL"] = f"sqlite:///{folder}/flows.sqlite3"

        def run(*arguments):
            return subprocess.run(
                [COMMAND, *arguments], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
            ).stdout

        run("db", "upgrade")
        seeing = [name for name in load_contract(Settings()).document["x-permissions"] if ".view_" in name]
        numbers = itertools.count()

        def token(role):
            """Create a token where one is needed: one that was there before may have been deleted by a superuser's run."""
            if role != "reader":
                return {"superuser": "fuzz-superuser", "nobody": ""}[role]
            permissions = (f"--permission={name}" for name in seeing)
            return run("token", "create", f"{role}-{next(numbers)}", *permissions).strip()

        log = folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [COMMAND, "serve"], env=environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
            )
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)

        def url():
            assert process.poll() is None, log.read_text()
            return re.search(r"URL: +(http://[\d.]+:\d+)/", log.read_text())

        yield wait_for(url, "the start of the server")[1], token, log


def compiled(url, version):
    """Wait until a version is compiled: on a busy machine, requests of the fuzzer would time out."""
    with urllib.request.urlopen(f"{url}/{version}/api/v3/root/config/", timeout=300) as response:
        assert response.status == 200


def fuzz(url, token, reports, *options):
    """Run `flows fuzz`. :returns: its exit code and what it printed"""
    environment = {name: value for name, value in os.environ.items() if name != "FLOWS_TOKEN"}
    if token:
        environment["FLOWS_TOKEN"] = token
    command = [COMMAND, "fuzz", url, "--no-progress", "--reports", str(reports), *options]
    result = subprocess.run(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return result.returncode, result.stdout


def fuzz_version(url, token, name, minutes, seed, version):
    """Fuzz one version for a number of minutes; the default one if it has no name."""
    options = ["--minutes", str(max(0.05, minutes)), "--seed", str(seed)]
    if version:
        options += ["--version", version]
    return fuzz(url, token, ROOT / "reports" / "fuzz" / "-".join(filter(None, [name, version])), *options)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long on each engine")
    parser.add_argument("--engine", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--versions", type=lambda names: names.split(","), default=[], help="versions to fuzz at once")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="printed, so that a run can be repeated")
    chosen = parser.parse_args()
    failed = False
    for engine in ("sqlite", "postgresql") if chosen.engine == "both" else (chosen.engine,):
        with tempfile.TemporaryDirectory() as folder, served(engine, Path(folder)) as (url, token, log):
            for version in chosen.versions:
                compiled(url, version)
            for role, share in ROLES.items():
                started, minutes = time.monotonic(), chosen.minutes * share
                print(f"{engine}, {role}, seed {chosen.seed}: {minutes:.1f} minutes ...", flush=True)
                run = partial(fuzz_version, url, token(role), f"{engine}-{role}", minutes, chosen.seed)
                with ThreadPoolExecutor(len(chosen.versions) or 1) as together:
                    for version, (code, output) in zip(
                        chosen.versions or [""], together.map(run, chosen.versions or [""]), strict=True
                    ):
                        cases = re.search(r"Test cases:\s+(.+)", output)
                        taken = f"{time.monotonic() - started:.0f} s, {cases[1] if cases else 'no cases'}"
                        print(f"  {version} {taken}", flush=True)
                        if code:
                            failed = True
                            print(output)
            if logged := re.findall(r"^\{.*\}$", log.read_text(), re.MULTILINE):
                failed = True
                print("The server logged errors:", *logged[:20], sep="\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
