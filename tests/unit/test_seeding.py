"""The option --seed: which blueprints it names."""

import click
import pytest
from click.testing import CliRunner

from app.cli.seeding import seeding


@click.command()
@seeding
def command(seed):
    click.echo("the default flows" if seed.folder is None else seed.folder)


@pytest.mark.parametrize(("given", "named"), [("default", "the default flows"), ("./default", "default")])
def test_a_folder_named_default_is_given_as_a_path(tmp_path, monkeypatch, given, named):
    (tmp_path / "default").mkdir()
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(command, ["--seed", given]).stdout == f"{named}\n"
