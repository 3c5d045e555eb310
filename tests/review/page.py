"""`docs/reviewing.md`, carried out in a repository: its patch applied, its waivers written, its commands run.

`python -m tests.review.page` writes anew what they answer.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.review.repository import ROOT, SHELL_ENVIRONMENT, repository

PAGE = ROOT / "docs" / "reviewing.md"
RECORDED = Path(__file__).parent / "recorded.har"
_BLOCK = re.compile(r"^```(diff|yaml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)$", re.MULTILINE)
_END = "--- end of the answer ---"
_WRITTEN_BY = {
    "diff": "git apply - <<'END'\n{}END",
    "yaml": "cat > openapi/waivers.yaml <<'END'\n{}END",
}


def carried_out(text, folder):
    """A page with what its commands answer now.

    :param folder: where the repository is made
    """
    repository(folder)
    shutil.copy(RECORDED, folder)
    script = []
    for language, block in _BLOCK.findall(text):
        if language == "console":
            script += [f"{command}\necho '{_END}'" for command in _COMMAND.findall(block)]
        elif language == "diff" or block.startswith("waivers:"):
            script.append(_WRITTEN_BY[language].format(block))
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=SHELL_ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    responses = iter(done.stdout.split(f"{_END}\n"))

    def answered(found):
        if found[1] != "console":
            return found[0]
        lines = "".join(f"$ {command}\n{next(responses)}" for command in _COMMAND.findall(found[2]))
        return f"```console\n{lines}```"

    return _BLOCK.sub(answered, text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        PAGE.write_text(carried_out(PAGE.read_text("utf-8"), Path(temporary) / "repository"), "utf-8")
