"""A repository of git with a contract on `main`, and a branch that changes it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.review.changes import CONTRACT

ROOT = Path(__file__).parents[2]
SHELL_ENVIRONMENT = {
    # The command beside the interpreter that runs the tests, with the code of this checkout.
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "PYTHONPATH": str(ROOT),
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    # A commit has the same name in each run.
    **{f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    **{f"GIT_{who}_DATE": "2024-08-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")},
}


def git(folder, *arguments):
    """Run git in a folder. :returns: what it prints"""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, env=SHELL_ENVIRONMENT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder):
    """Commit all that is there. :returns: the commit"""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Change")
    return git(folder, "rev-parse", "HEAD")


def repository(folder):
    """Make a repository with the contract in `openapi/` on `main`, and go to a branch of it. :returns: the contract"""
    if shutil.which("git") is None:
        # The tests pass on a machine that has only Python; whoever has cloned the project has git.
        pytest.skip("git is not installed")
    shutil.copytree(CONTRACT.parent, folder / "openapi")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    git(folder, "checkout", "--quiet", "-b", "change")
    return folder / "openapi" / CONTRACT.name
