"""What a blueprint may read of the machine, if its owner allows it to a command."""

import os

import pytest

from app.blueprints.host_access import MAX_FILE, HostAccess
from app.blueprints.importing import apply
from tests.blueprints import MemoryStore, actions, blueprint, said, stage


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def folder(tmp_path):
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "name").write_text("  from a file\n")
    (tmp_path / "secret").write_text("secret")
    (allowed / "link").symlink_to(tmp_path / "secret")
    (allowed / "within").symlink_to(allowed / "name")
    (allowed / "circle").symlink_to(allowed / "circle")
    (allowed / "binary").write_bytes(b"\xff")
    (allowed / "large").write_bytes(b"a" * (MAX_FILE + 1))
    os.mkfifo(allowed / "pipe")
    return allowed


def made(store, value, machine):
    """The name of a stage that a tag stands for."""
    outcome = apply(store, blueprint(stage(value)), host=machine)
    assert actions(outcome) == ["created"], outcome.findings
    return next(iter(store.objects.values()))[1]["name"]


def rejected(store, value, machine):
    """What is said of a tag."""
    (line,) = said(apply(store, blueprint(stage(value)), host=machine))
    assert store.objects == {}
    return line


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("!Env PLANTED", "planted"),
        ("!Env [PLANTED, other]", "planted"),
        ("!Env [NOT_PLANTED, other]", "other"),
        ("!Env [EMPTY, other]", "other"),
        ("!Env [NOT_PLANTED, !Format ['%s', x]]", "x"),
    ],
)
def test_the_environment_is_read_if_that_is_allowed(store, monkeypatch, tag, name):
    monkeypatch.setenv("PLANTED", "planted")
    monkeypatch.setenv("EMPTY", "")
    assert made(store, tag, HostAccess(env=True)) == name


@pytest.mark.parametrize("tag", ["!Env NOT_PLANTED", '!Env "a\\0b"', "!Env ''"])
def test_a_variable_that_is_not_set_is_told(store, tag):
    assert "There is no variable" in rejected(store, tag, HostAccess(env=True))


def test_a_variable_that_is_no_text_is_told(store, monkeypatch):
    monkeypatch.setenv("PLANTED", os.fsdecode(b"\xff"))
    assert rejected(store, "!Env PLANTED", HostAccess(env=True)).endswith("The variable PLANTED is not UTF-8 text.")


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("!File name", "from a file"),
        ("!File §/name", "from a file"),
        ("!File within", "from a file"),
        ("!File ../allowed/name", "from a file"),
        ("!File [nothing, other]", "other"),
        ("!File [name, other]", "from a file"),
    ],
)
def test_a_file_of_an_allowed_folder_is_read(store, folder, tag, name):
    assert made(store, tag.replace("§", str(folder)), HostAccess(folders=(folder,))) == name


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing", "There is no file 'nothing'. Add it, or give a default"),
        ("../secret", "'../secret' is in none of the folders that --allow-files names."),
        ("[../secret, other]", "'../secret' is in none of the folders that --allow-files names."),
        ("link", "'link' is in none of the folders that --allow-files names."),
        ("/etc/passwd", "'/etc/passwd' is in none of the folders that --allow-files names."),
        ("circle", "'circle' "),
        ("binary", "'binary' is not UTF-8 text."),
        ("large", f"'large' is larger than {MAX_FILE} bytes."),
        ("pipe", "'pipe' is not a regular file."),
        (".", "'.' can't be read: Is a directory."),
        ('"a\\0b"', "The path of a file has no NUL in it."),
        ("[1, 2]", "A path is text."),
    ],
)
def test_nothing_else_is_read(store, folder, path, message):
    said = rejected(store, f"!File {path}", HostAccess(folders=(folder,)))
    assert message in said
    assert "secret" not in said.replace("../secret", "")


def test_the_first_of_several_folders_that_has_the_file_is_read(store, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    assert made(store, "!File name", HostAccess(folders=(other, folder))) == "from a file"


@pytest.mark.parametrize(("tag", "machine"), [("!Env HOME", "files"), ("!File name", "env")])
def test_what_is_allowed_allows_nothing_else(store, folder, tag, machine):
    allowed = HostAccess(env=True) if machine == "env" else HostAccess(folders=(folder,))
    assert " is refused: " in rejected(store, tag, allowed)


def test_only_so_many_files_are_read(store, folder):
    entry = stage("a", attrs="{other: !Enumerate [!Context many, SEQ, !File name]}")
    text = blueprint(entry, head=f"context: {{many: {[1] * 1_000}}}\n")
    (line,) = said(apply(store, text, host=HostAccess(folders=(folder,))))
    assert line.endswith("Tags produce more than 200000 values.")
