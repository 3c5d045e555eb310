"""`flows replay`: requests recorded with authentik 2024.8.6, sent to any deployment."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from app.blueprints import DEFAULT
from app.cli.findings import rejected_tokens
from app.conformance.base_states import BaseStates
from app.conformance.raw_http import RawClient
from app.conformance.replay import (
    ADMIN,
    FLOWS,
    Case,
    Difference,
    Recording,
    Replay,
    SetupError,
    by_state,
    leaves_something,
    read_differences,
)
from app.conformance.scenarios import Player, Scenario, read_scenarios
from app.conformance.token_check import check_token

# Tokens that are invalid on any deployment, so that it needs none of its own for them.
INVALID = ("oracle-inactive-token", "oracle-expired-token", "oracle-apppw-token")
SHOWN = 20

PACKAGE = Path(__file__).parents[1]


@click.command(short_help="Replay recorded requests against a deployment.")
@click.argument("url", required=False)
@click.option("--token", required=True, envvar="FLOWS_TOKEN", help="A superuser's token. Default: FLOWS_TOKEN.")
@click.option(
    "--as",
    "others",
    multiple=True,
    metavar="WHO=TOKEN",
    help="A token for another sender of the recording, such as viewer=... May be repeated.",
)
@click.option("--empty-it", is_flag=True, help="Confirm that every flow of the deployment may be deleted. Required.")
@click.option(
    "--group",
    "groups",
    multiple=True,
    help="Only the cases of this group, or the scenarios whose names begin with it. May be repeated.",
)
@click.option(
    "--scenarios",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[FILE]",
    help="Run flows as recorded instead: the scenarios of the package, or of a file.",
)
@click.option(
    "--cases",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="The folder of another recording than that of the package.",
)
def command(
    url: str | None,
    token: str,
    others: tuple[str, ...],
    empty_it: bool,
    groups: tuple[str, ...],
    scenarios: str | None,
    cases: Path | None,
) -> None:
    """Send recorded requests to a deployment, and compare its responses with those of a real authentik.

    Each case starts with its own flows only: EVERY FLOW OF THE DEPLOYMENT IS DELETED. Cases of senders without a token are skipped.
    Exits 1 if a response differs and differences.yaml does not list it, and 2 if the deployment rejects a token.

    --scenarios runs flows step by step, as clients with cookies. IT ALSO SETS THE PASSWORD OF akadmin.

    Example: flows replay http://127.0.0.1:8000 --token $TOKEN --empty-it
    """
    if url is None and scenarios:
        url, scenarios = scenarios, ""  # `--scenarios URL`: the option takes what follows it
    if url is None:
        raise click.UsageError("Missing argument 'URL'.")
    if not empty_it:
        raise click.UsageError("Every flow of the deployment will be deleted: say so with --empty-it.")
    cases = cases or _recording()
    try:
        wire, differences = RawClient(url), read_differences(cases / "differences.yaml")
        if scenarios is not None:
            run = read_scenarios(Path(scenarios) if scenarios else cases / "executor" / "scenarios.jsonl")
        else:
            recording = Recording.read(cases)
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    if scenarios is not None:
        with rejected_tokens(url):
            check_token(url.rstrip("/") + FLOWS, token, "--token")
        _report(*_played(wire, run, groups, token, differences, url))
        return
    senders = dict(map(_other, others))
    with rejected_tokens(url):
        check_token(url.rstrip("/") + FLOWS, token, "--token")
        for sender, secret in senders.items():
            check_token(url.rstrip("/") + FLOWS, secret, f"--as {sender}")
    tokens = {ADMIN: token, **{_recorded(sender): secret for sender, secret in senders.items()}}
    chosen = [case for case in recording.cases if not groups or case["group"] in groups]
    _report(*_sent(Replay(wire, recording, tokens), chosen, differences, url))


def _sent(
    replay: Replay, cases: Sequence[Case], differences: Sequence[Difference], url: str
) -> tuple[Counter[str], list[str]]:
    """Send cases. :returns: the number of cases by result, and those that differ without an excuse"""
    known = (*replay.tokens, *INVALID)
    found: Counter[str] = Counter()
    unexpected: list[str] = []
    with click.progressbar(list(by_state(cases)), label="Recorded cases") as shown:
        for case in shown:
            sender = str(case.get("headers", ""))
            if "-token" in sender and not any(secret in sender for secret in known):
                found["left out: no token for the sender"] += 1
                continue
            if leaves_something(case):
                found["left out: makes a flow that no request can delete"] += 1
                continue
            problems = _run(replay, case, url)
            excuse = next((difference for difference in differences if difference.covers(case["id"])), None)
            if problems and excuse is None:
                unexpected.append(f"{case['id']}: {problems[0][:200]}")
            found["as recorded" if not problems else excuse.rule if excuse else "different"] += 1
    return found, unexpected


def _played(
    wire: RawClient,
    scenarios: Sequence[Scenario],
    groups: Sequence[str],
    token: str,
    differences: Sequence[Difference],
    url: str,
) -> tuple[Counter[str], list[str]]:
    """Run scenarios. :returns: the number of exchanges by result, and those that differ without an excuse"""
    found: Counter[str] = Counter()
    unexpected: list[str] = []
    chosen = [scenario for scenario in scenarios if not groups or scenario["id"].partition(".")[0] in groups]
    try:
        states = BaseStates(wire, token, DEFAULT)
        with click.progressbar(chosen, label="Recorded scenarios") as shown:
            for scenario in shown:
                states.put_back(scenario["base"])
                player = Player(wire, scenario, token)
                try:
                    player.set_up()
                except SetupError:
                    found["left out: needs objects that can't be created"] += 1
                    continue
                for number, problems in enumerate(player.play()):
                    name = f"{scenario['id']}/{number}"
                    excuse = next((difference for difference in differences if difference.covers(name)), None)
                    if problems and excuse is None:
                        unexpected.append(f"{name}: {problems[0][:200]}")
                    found["as recorded" if not problems else excuse.rule if excuse else "different"] += 1
    except SetupError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{url} does not answer: {error}") from error
    return found, unexpected


def _report(found: Counter[str], unexpected: Sequence[str]) -> None:
    """Print the results. Exits 1 if a response differs without an excuse."""
    for what, count in found.most_common():
        click.echo(f"{count:5} {what}")
    for line in unexpected[:SHOWN]:
        click.echo(line)
    if unexpected:
        raise SystemExit(1)


def _recording() -> Path:
    """The folder of the recording: among the tests of a checkout, or inside of this package when installed."""
    beside = PACKAGE.parent / "tests" / "oracle"
    return beside if beside.exists() else PACKAGE / "conformance" / "recording"


def _run(replay: Replay, case: Case, url: str) -> list[str]:
    try:
        return replay.run(case)
    except SetupError as error:
        return [f"what the case needs can't be made: {error}"]
    except OSError as error:
        raise click.ClickException(f"{url} does not answer: {error}") from error


def _other(text: str) -> tuple[str, str]:
    who, separator, secret = text.partition("=")
    if not separator:
        raise click.BadParameter("An --as is not of the form WHO=TOKEN.")
    return who, secret


def _recorded(sender: str) -> str:
    """The recorded token of a sender."""
    return f"oracle-{sender}-token"
