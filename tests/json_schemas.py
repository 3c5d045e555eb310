"""The JSON schemas of well-known files, from the package check-jsonschema."""

import subprocess
import sys


def validate(schema, path):
    """Validate a file. :param schema: `compose-spec` or `github-workflows`"""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", path]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
