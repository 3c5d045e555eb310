"""Commands that test a deployment, with tokens that it rejects."""

import pytest

COMMANDS = {
    "fuzz": ("--minutes", "0.05"),
    "replay": ("--empty-it",),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("token", "message"),
    [("wrong", "The deployment rejects the token of --token: 403"), ("", "The token of --token is empty")],
)
def test_a_command_with_a_rejected_token_exits_2_with_one_sentence(run, start, command, token, message):
    _, _, server = start()
    result = run(command, server.url, "--token", token, *COMMANDS[command])
    assert result.returncode == 2, result.stdout
    assert message in result.stderr.replace("\n", " ")
    assert not result.stdout


@pytest.mark.parametrize(
    ("token", "message"),
    [("wrong", "The deployment rejects the token of --as viewer: 403"), ("", "The token of --as viewer is empty")],
)
def test_a_replay_with_a_rejected_token_of_another_sender_exits_2(run, start, token, message):
    _, secret, server = start()
    result = run("replay", server.url, "--token", secret, "--empty-it", "--as", f"viewer={token}")
    assert result.returncode == 2, result.stdout
    assert message in result.stderr.replace("\n", " ")


@pytest.mark.parametrize("token", ["t\u00fc", "a\nb", "a b", "a\x7fb"])
@pytest.mark.parametrize(
    ("arguments", "contract"),
    [
        (("fuzz", "http://127.0.0.1:1", "--token"), "--token"),
        (("replay", "http://127.0.0.1:1", "--empty-it", "--token"), "--token"),
        (("request", "GET", "/", "--token"), "--token"),
    ],
)
def test_a_token_that_no_header_can_have_exits_2_and_is_not_shown(run, arguments, contract, token):
    result = run(*arguments, token)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"The token of {contract} can't be sent: a token has visible ASCII characters only" in result.stderr
    assert token not in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("other", ["viewer=t\u00fc", "viewer=a\nb", "t\u00fc"])
def test_a_token_of_another_sender_that_no_header_can_have_exits_2_and_is_not_shown(run, start, other):
    _, secret, server = start()
    result = run("replay", server.url, "--token", secret, "--empty-it", "--as", other)
    assert (result.returncode, result.stdout) == (2, "")
    assert ("--as viewer can't be sent" if "=" in other else "not of the form WHO=TOKEN") in result.stderr
    assert other.removeprefix("viewer=") not in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_without_a_deployment_exits_1(run, command):
    result = run(command, "http://127.0.0.1:1", "--token", "some", *COMMANDS[command])
    assert result.returncode == 1
    assert "does not answer" in result.stderr


def test_a_token_without_permissions_is_accepted(run, start):
    _, _, server = start()
    secret = run("token", "create", "other", "--permission", "authentik_policies_dummy.view_dummypolicy").stdout.strip()
    assert len(secret) == 43
    result = run("replay", server.url, "--token", secret, "--empty-it", "--group", "cache")
    assert result.returncode != 2
    assert "rejects" not in result.stderr
