"""Expressions of policies, evaluated while a flow runs."""

import json

import pytest

from app.executor.policies import engine
from app.executor.stages import prompt as prompt_stage
from tests.conftest import application, client_of
from tests.executor import API, Browser, flow_of, log_of


@pytest.fixture
def client(client_on_each):
    """A client of a server that evaluates expressions."""
    return client_on_each


def bind(client, slug, expression, **bound):
    """Bind an expression policy to a flow."""
    name = f"expression {len(client.get(f'{API}/policies/expression/').json()['results'])}"
    made = client.post(f"{API}/policies/expression/", {"name": name, "expression": expression})
    assert made.status == 201, made.body
    flow = client.get(f"{API}/flows/instances/{slug}/").json()["policybindingmodel_ptr_id"]
    body = {"target": flow, "policy": made.json()["pk"], "order": 0, **bound}
    assert client.post(f"{API}/policies/bindings/", body).status == 201


def decided(client, expression, **bound):
    """What a flow with an expression answers: None if the expression passes, or else its messages."""
    flow_of(client, "asked", ("dummy", {}))
    bind(client, "asked", expression, **bound)
    challenge = Browser(client).get("asked").json()
    return None if challenge["component"] == "ak-stage-dummy" else challenge["error_message"]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("return True", None),
        ("return 'a'", None),
        ("return 0", "Flow does not apply to current user."),
        ("pass", "Flow does not apply to current user."),
        ("ak_message('not now')\nreturn False", "not now"),
        ("ak_message(str('flow_plan' in context))\nreturn False", "False"),
        ("context['flow_plan'].context['x'] = 1\nreturn True", "'flow_plan'"),
        ("raise ValueError('boom')", "boom"),
    ],
)  # fmt: skip
def test_an_expression_decides(client, expression, message):
    assert decided(client, expression) == message


@pytest.mark.parametrize(
    "expression",
    [
        "datetime.date.today().year > 2000",
        "datetime.datetime.today().year > 2000",
        "datetime.datetime.now(datetime.UTC).strftime('%Y') > '2000'",
        "datetime.time(1).strftime('%H') == '01'",
        "f'{datetime.date(2024, 1, 2):%d.%m.}' == '02.01.'",
        "'{:%d}'.format(datetime.date(2024, 1, 2)) == '02'",
        "datetime.date(2024, 1, 2).timetuple()[7] == 2",
        "datetime.datetime(2024, 1, 2).utctimetuple()[0] == 2024",
        "datetime.datetime.strptime('2024', '%Y').year == 2024",
        "'\\N{BULLET}'.encode('cp1252') == b'\\x95'",
        "'b\xfccher.example'.encode('idna') == b'xn--bcher-kva.example'",
        "'\xfc'.encode('ascii', 'namereplace').startswith(b'N', 1)",
    ],
)
def test_an_expression_uses_dates_and_encodings(client, expression):
    assert decided(client, f"import datetime\nreturn {expression}") is None


def test_expressions_that_are_off_have_the_result_of_their_binding_and_say_so(contract, tmp_path):
    with application(f"sqlite:///{tmp_path}/flows.sqlite3", contract, expressions="off") as (store, app):
        client = client_of(store, app)
        assert decided(client, "return True") == "This server does not evaluate expressions (FLOWS_EXPRESSIONS=off)."
        flow_of(client, "other", ("dummy", {}))
        bind(client, "other", "return False", failure_result=True)
        assert Browser(client).get("other").json()["component"] == "ak-stage-dummy"


def test_an_expression_that_fails_has_the_result_of_its_binding(client):
    assert decided(client, "raise ValueError('boom')", failure_result=True) is None


def test_the_log_names_policy_and_line_of_an_expression_that_fails(client):
    with log_of(engine) as lines:
        decided(client, "name = 'x'\nraise ValueError('boom')")
    (line,) = [line for line in lines if line["event"] == "policy failed"]
    assert (line["policy"], line["kind"]) == ("expression 0", "authentik_policies_expression.expressionpolicy")
    assert (line["reason"], line["line"]) == ("boom", 2)


def test_the_log_names_prompt_and_line_of_a_value_that_fails(client):
    prompt = {"name": "p", "field_key": "a", "label": "A", "type": "text"}
    prompt |= {"initial_value": "b = 1\n\nreturn b / 0", "initial_value_expression": True}
    field = client.post(f"{API}/stages/prompt/prompts/", prompt).json()["pk"]
    flow_of(client, "asked", ("prompt/stages", {"fields": [field]}))
    with log_of(prompt_stage) as lines:
        Browser(client).get("asked")
    (line,) = [line for line in lines if line["event"] == "expression failed"]
    assert (line["flow"], line["prompt"], line["property"]) == ("asked", "p", "initial_value")
    assert (line["reason"], line["line"]) == ("division by zero", 3)


@pytest.mark.parametrize(
    "expression",
    [
        "return ak_user_by(username='jane').name == 'Jane'",
        "jane = ak_user_by(username='jane')\nreturn ak_user_by(email__iexact='JANE@example.com') == jane == ak_user_by(pk=jane.pk)",
        "return ak_user_by(username='nobody') is None and ak_user_by(username='jane', email='x') is None",
        "return ak_user_by(username='jane', type='internal', name__iexact='JANE').username == 'jane'",
        "jane = ak_user_by(username='jane')\nreturn ak_user_by(pk=jane.pk, name='Jane') == jane",
        "jane = ak_user_by(username='jane')\nreturn ak_user_by(pk=jane.pk, name='John') is None",
        "return ak_is_group_member(ak_user_by(username='jane'), name='staff')",
        "return not ak_user_by(username='jane').ak_groups.filter(name__in=['other']).exists()",
        "return ak_user_by(username='jane').group_attributes()['a'] == {'b': 1}",
        "return not ak_user_by(username='jane').has_usable_password()",
    ],
)
def test_an_expression_finds_users_and_their_groups(client, expression):
    user = client.post(f"{API}/core/users/", {"username": "jane", "name": "Jane", "email": "jane@example.com"}).json()
    client.post(f"{API}/core/groups/", {"name": "staff", "users": [user["pk"]], "attributes": {"a": {"b": 1}}})
    assert decided(client, expression) is None


@pytest.mark.parametrize(
    "arguments",
    [
        "", "username=1", "email=None", "pk='x'", "pk=[]", "pk=-1", "pk=10**40",
        "username='a\\0'", "pk='\\0'", "is_active=True", "a='b'",
    ],
)  # fmt: skip
def test_a_lookup_finds_nothing_or_says_what_is_wrong(client, arguments):
    message = decided(client, f"return ak_user_by({arguments}) is None")
    assert message is None or "can't search by" in message or "needs a property" in message


@pytest.mark.parametrize(
    ("change", "is_kept"),
    [
        ("plan['a'] = {'b': [1, 'c', None]}", True),
        ("plan['pending_user'] = ak_user_by(username='jane')", True),
        ("plan['pending_user'] = 'jane'", False),
        ("plan['a'] = request.user", False),
        ("plan['a'] = ak_message", False),
        ("plan['a'] = 10 ** 40", False),
        ("a = []\nfor one in range(400): a = [a]\nplan['a'] = a", False),
        ("plan['a'] = float('inf')", False),
        ("plan['a'] = plan", False),
    ],
)  # fmt: skip
def test_an_expression_changes_the_plan_to_what_can_be_stored_only(client, change, is_kept):
    client.post(f"{API}/core/users/", {"username": "jane", "name": "Jane"})
    ((_, binding),) = flow_of(client, "asked", ("dummy", {}))
    target = client.get(f"{API}/flows/bindings/{binding}/").json()["policybindingmodel_ptr_id"]
    bind(client, "asked", f"plan = context['flow_plan'].context\n{change}\nreturn True", target=target)
    component = Browser(client).get("asked").json()["component"]
    assert (component == "ak-stage-dummy") is is_kept


@pytest.mark.parametrize("depth", [50, 200, 253, 254, 255, 300, 900])
def test_a_nested_context_is_evaluated_or_the_test_says_that_it_is_not(client, depth):
    user = client.post(f"{API}/core/users/", {"username": "jane", "name": "Jane"}).json()["pk"]
    made = client.post(f"{API}/policies/expression/", {"name": "a", "expression": "return 'a' in context"})
    body = json.dumps({"user": user, "context": {"a": None}}).replace("null", "[" * depth + "]" * depth).encode()
    path, headers = f"{API}/policies/all/{made.json()['pk']}/test/", {"content-type": "application/json"}
    tested = client.post(path, body=body, headers=headers)
    assert tested.status == 400 or tested.json()["passing"] or tested.json()["messages"]


def test_an_expression_changes_values_of_earlier_prompts_before_a_user_is_written(client):
    prompt = {"name": "e-mail", "field_key": "email", "label": "E-mail", "type": "email", "required": True}
    field = client.post(f"{API}/stages/prompt/prompts/", prompt).json()["pk"]
    ((_, _), (_, binding)) = flow_of(client, "asked", ("prompt/stages", {"fields": [field]}), ("user_write", {}))
    client.patch(f"{API}/flows/bindings/{binding}/", {"evaluate_on_plan": False, "re_evaluate_policies": True})
    target = client.get(f"{API}/flows/bindings/{binding}/").json()["policybindingmodel_ptr_id"]
    change = "data = request.context['prompt_data']\ndata['username'] = data['email']\nreturn True"
    bind(client, "asked", change, target=target)
    browser = Browser(client)
    browser.post("asked", email="jane@example.com")
    assert browser.get("asked").json()["component"] == "xak-flow-redirect"
    assert [user["email"] for user in client.get(f"{API}/core/users/?username=jane@example.com").json()["results"]] == [
        "jane@example.com"
    ]


@pytest.mark.parametrize("redirect", ["''", "0", "[]", "1", "{'a': 1}"])
def test_a_redirect_that_is_no_text_leaves_the_check_of_the_next_url(client, redirect):
    ((_, binding),) = flow_of(client, "asked", ("dummy", {}))
    target = client.get(f"{API}/flows/bindings/{binding}/").json()["policybindingmodel_ptr_id"]
    bind(client, "asked", f"context['flow_plan'].context['redirect'] = {redirect}\nreturn True", target=target)
    browser = Browser(client)
    denied = browser.post("asked", "query=next%3Dhttps%253A%252F%252Fevil.example").json()
    assert denied["error_message"] == "Invalid next URL"
    assert browser.post("asked", "query=next%3D%252Fa").json() == {"component": "xak-flow-redirect", "to": "/a"}


def test_the_inspector_of_a_plan_whose_stages_were_all_dropped_has_nothing_to_show(client):
    ((_, binding),) = flow_of(client, "asked", ("dummy", {}))
    client.patch(f"{API}/flows/bindings/{binding}/", {"evaluate_on_plan": True})
    bind(
        client,
        "asked",
        "return False",
        target=client.get(f"{API}/flows/bindings/{binding}/").json()["policybindingmodel_ptr_id"],
    )
    browser, root = Browser(client), {"authorization": "Bearer root"}
    assert browser.send("GET", f"{API}/flows/instances/asked/execute/", headers=root).status == 400
    answer = browser.send("GET", f"{API}/flows/inspector/asked/", headers=root)
    assert (answer.status, answer.body) == (400, b"")
    assert browser.get("asked").json() == {"component": "xak-flow-redirect", "to": "/"}


def test_each_caller_gets_a_plan_of_their_own_by_the_policies_as_they_are_then(client):
    ((_, binding),) = flow_of(client, "asked", ("dummy", {}))
    client.patch(f"{API}/flows/bindings/{binding}/", {"evaluate_on_plan": True, "re_evaluate_policies": False})
    target = client.get(f"{API}/flows/bindings/{binding}/").json()["policybindingmodel_ptr_id"]
    bind(client, "asked", "return request.http_request.headers['User-Agent'] == 'a'", target=target)

    def begun(agent):
        path = f"{API}/flows/executor/asked/?query="
        return Browser(client).send("GET", path, headers={"user-agent": agent}).json()["component"]

    assert [begun(agent) for agent in "aba"] == ["ak-stage-dummy", "xak-flow-redirect", "ak-stage-dummy"]
    (policy,) = client.get(f"{API}/policies/expression/").json()["results"]
    client.patch(f"{API}/policies/expression/{policy['pk']}/", {"expression": "return False"})
    assert begun("a") == "xak-flow-redirect"
    assert client.get(f"{API}/flows/instances/cache_info/").json() == {"count": 0}
