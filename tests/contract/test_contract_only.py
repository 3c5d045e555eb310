"""Edits of the YAML that change the behaviour, and nothing else does."""

import ast
import inspect
from pathlib import Path

import yaml

import app
from app import handlers
from app.application import handlers_of
from app.contract.document.yaml_file import read_file
from tests.asgi import FLOWS
from tests.contract_files import shipped

# What stands in every program: log levels, everyday names of members and keys, small numbers.
EVERYDAY = {
    "debug",
    "info",
    "warning",
    "error",
    "name",
    "number",
    "order",
    "message",
    "file",
    "required",
    "success",
    "invalid",
    2,
    5,
    6,
    10,
    30,
    500,
}

# Words of Python that are values of the contract too, by where they stand, with what they are there.
HOMONYMS = {
    ("conformance/scenarios.py", "users"): "the property of that name",
    (
        "contract/validation/wording.py",
        "Null characters are not allowed.",
    ): "authentik's sentence for NUL, which has a code",
    ("executor/challenges.py", "ak-stage-access-denied"): "the challenge that no stage asks",
    ("executor/challenges.py", "ak-stage-flow-error"): "the challenge that no stage asks",
    ("executor/challenges.py", "xak-flow-redirect"): "the challenge that no stage asks",
    ("executor/cookies.py", "authentik"): "who signs the cookie",
    ("executor/expressions/people.py", "email"): "the property of that name",
    ("executor/expressions/people.py", "username"): "the property of that name",
    ("executor/expressions/tasks.py", "username"): "the property of that name",
    ("executor/interpreter/evaluation.py", "username"): "the property of that name",
    ("executor/interpreter/objects.py", "all"): "the method of rows of Django",
    ("executor/interpreter/objects.py", "username"): "the property of that name",
    ("executor/people.py", "email"): "the property of that name",
    ("executor/people.py", "username"): "the property of that name",
    **{
        ("executor/fields.py", kind): "a type of fields that takes no values of its own, or may be left out"
        for kind in ("checkbox", "hidden", "separator", "static", "text_area_read_only", "text_read_only")
    },
    (
        "executor/fields.py",
        "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
    ): "authentik's sentence for a value of a prompt",
    ("executor/fields.py", "Enter a valid email address."): "authentik's sentence for a value of a prompt",
    ("executor/fields.py", "Null characters are not allowed."): "authentik's sentence for a value of a prompt",
    ("executor/inspector.py", "email"): "the property of that name",
    ("executor/inspector.py", "username"): "the property of that name",
    ("executor/fields.py", "dropdown"): "a type of fields with choices",
    ("executor/fields.py", "field_key"): "the property of that name",
    ("executor/stages/prompt.py", "password"): "the type of fields with secrets",
    ("executor/fields.py", "radio-button-group"): "a type of fields with choices",
    ("executor/stages/set_up.py", "authentik"): "the name by which devices know the server",
    ("executor/stages/user_write.py", "password"): "the property of that name",
    ("executor/planning.py", "internal_service_account"): "the type of the users of outposts",
    ("executor/policies/engine.py", "all"): "what the word means",
    ("pages/comparisons.py", "none"): "an option's word for no rating",
    ("pages/interface/shown.py", "date"): "the type of inputs of HTML",
    ("executor/mail/postman.py", "password"): "the property of that name",
    ("executor/mail/postman.py", "username"): "the property of that name",
    ("executor/mail/smtp.py", "localhost"): "this machine",
    ("executor/stages/email.py", "email"): "the property of that name",
    ("executor/stages/email.py", "email_sent"): "a key of the context of plans",
    ("mail_servers.py", 25): "the port of SMTP",
    (
        "executor/stages/authenticator_validate.py",
        "authentication",
    ): "the designation in which a device may say who the user is",
    ("executor/stages/authenticator_validate.py", "webauthn"): "the kind of devices that can say who the user is",
    ("executor/stages/consent.py", "always_require"): "the mode that keeps nothing",
    ("executor/stages/consent.py", "expiring"): "the mode with an end",
    ("executor/stages/identification.py", "authentication"): "the designation whose button has a label of its own",
    ("executor/stages/identification.py", "password"): "the property of that name",
    ("executor/stages/identification.py", "upn"): "a property of users that has another name in the contract",
    ("executor/stages/password.py", "password"): "the property of that name",
    ("executor/stages/password.py", "recovery"): "the designation of the flows to link",
    ("conformance/base_states.py", "email"): "the property of that name",
    ("conformance/base_states.py", "identifier"): "the property of that name",
    ("conformance/base_states.py", "password"): "the property of that name",
    ("diagrams/drawing.py", "WF"): "the classes of wide characters in Unicode",
    ("conformance/caller.py", "identifier"): "the property of that name",
    ("conformance/caller.py", "username"): "the property of that name",
    ("blueprints/document.py", 50): "how deeply a blueprint may be nested",
    ("blueprints/document.py", 100): "how many `%TAG` directives a blueprint may have",
    ("blueprints/limits.py", 100): "how many mistakes are told, and how long a name is in a log",
    ("blueprints/tags.py", 100): "how long a formatted text may be, in parts",
    ("application.py", "bearer"): "a security scheme of OpenAPI",
    ("blueprints/exporting.py", "authentik_flows.flow"): "the model of the exported object",
    ("cli/coverage.py", 100): "as much as there can be, in percent",
    ("cli/coverage.py", "text"): "a format of a report",
    ("cli/coverage_reports.py", 100): "as much as there can be, in percent",
    ("cli/coverage_reports.py", "text"): "a format of a report",
    ("cli/diff.py", "none"): "an option's word for no rating",
    ("cli/diff.py", "text"): "a format of a report",
    ("cli/upgrade.py", "text"): "a format of a report",
    ("cli/examination.py", "warn"): "the state of a line",
    ("cli/examination.py", "localhost"): "this machine",
    ("cli/stored.py", 25): "how many objects are checked without a pause",
    ("cli/token.py", "8"): "a letter of base32",
    ("contract/checks/operations.py", "bearer"): "a security scheme of OpenAPI",
    ("contract/request/authentication.py", "bearer"): "a security scheme of OpenAPI",
    ("contract/request/origin.py", "localhost"): "this machine",
    ("metrics.py", 0.5): "a bound of a histogram",
    ("cli/stored.py", 100): "how many violations are listed",
    ("domain.py", "cascade"): "what the tables do",
    ("domain.py", "cascade_many"): "what the tables do",
    ("domain.py", "set_default"): "what the tables do",
    ("domain.py", "set_null"): "what the tables do",
    ("server/worker.py", "none"): "uvicorn's word for no WebSocket protocol",
    ("contract/response/responses.py", "Not found."): "the sentence for paths that no contract has",
    ("contract/response/responses.py", "date"): "the header of that name",
    ("contract/checks/responses.py", "password"): "a format that refuses nothing",
    ("contract/checks/keywords.py", "date-time"): "a format of OpenAPI",
    ("contract/checks/cycles.py", 100): "how many schemas may lead on to one another",
    ("contract/document/construction.py", 100): "how deeply a contract may be nested",
    ("contract/validation/schemas.py", "date"): "a format of OpenAPI",
    ("contract/validation/schemas.py", "date-time"): "a format of OpenAPI",
    ("contract/validation/schemas.py", "email"): "a format of OpenAPI",
    ("contract/validation/schemas.py", "password"): "a format of OpenAPI",
    ("contract/response/responses.py", 100): "the status of an answer that goes on",
    ("contract/validation/wording.py", "Enter a number."): "authentik's sentence for what is none",
    ("contract/validation/wording.py", "This list may not be empty."): "authentik's sentence for `minItems`",
    ("handlers/_samples.py", 100): "how many objects a page has",
    ("contract/checks/texts.py", "password"): "a format of OpenAPI",
    ("contract/validation/violations.py", 100): "how many mistakes are listed",
    ("pages/__init__.py", "Not found."): "the sentence for paths that no contract has",
    ("diagrams/diagram.py", "none"): "what is not drawn",
    ("conformance/fuzz_hooks.py", "authorization"): "the header of that name",
    ("recording/har.py", "text"): "a member of an archive",
    ("recording/secrets.py", "password"): "a format that is never shown",
    ("review/comparing/access.py", "authorization"): "the header of that name",
    ("review/comparing/differences.py", "none"): "what the word means",
    ("review/comparing/enums.py", "any"): "what the word means",
    ("review/comparing/extensions.py", "all"): "what the word means",
    ("review/comparing/limits.py", "none"): "what the word means",
    ("review/comparing/objects.py", "any"): "what the word means",
    ("review/comparing/objects.py", "none"): "what the word means",
    ("review/comparing/parameters.py", "authorization"): "the header of that name",
    ("review/comparing/values.py", "any"): "what the word means",
    ("review/comparing/values.py", "none"): "what the word means",
    ("review/comparing/values.py", "password"): "a format that only shows how a value is typed",
    ("review/formats.py", "text"): "a format of a report",
    ("upgrade/formats.py", "text"): "a format of a report",
    ("review/traffic_validator.py", 100): "a hundred statuses make a range",
    ("review/traffic.py", "text"): "a member of an archive",
    ("representations/objects.py", "authentication"): "the member of that name",
    ("store/collections/backgrounds.py", 100): "how long the name of an upload may be",
    ("store/engine/engines.py", "any"): "PostgreSQL's word for any kind of server",
    ("store/schema/tables.py", "text"): "a type of SQL",
    ("store/schema/tables.py", "authentication"): "the member of that name",
    ("store/schema/migrations/versions/0001_flows_and_tokens.py", "authentication"): "the member of that name",
    ("contract/validation/wording.py", "Enter a valid email address."): "authentik's sentence for `format: email`",
    ("contract/validation/wording.py", "Enter a valid URL."): "authentik's sentence for `format: uri`",
    ("handlers/users.py", "password"): "the property of that name",
    ("representations/objects.py", "users"): "the collection of that name",
    ("representations/people.py", "email"): "the property of that name",
    ("representations/people.py", "username"): "the property of that name",
    ("representations/people.py", "users"): "the property of that name",
    ("store/queries/people.py", "username"): "the property of that name",
    ("store/queries/people.py", "users"): "the collection of that name",
    ("handlers/tokens.py", "app_password"): "the intent of that name",
    ("handlers/tokens.py", "expiring"): "the property of that name",
    ("handlers/users.py", "app_password"): "the intent of that name",
    ("handlers/users.py", "email"): "the property of that name",
    ("handlers/users.py", "expiring"): "the property of that name",
    ("handlers/users.py", "identifier"): "the property of that name",
    ("handlers/users.py", "service_account"): "the type of that name",
    ("handlers/users.py", "username"): "the property of that name",
    ("handlers/stages.py", "username"): "the property of that name",
    ("handlers/prompts.py", "ak-stage-prompt"): "the component of the challenge",
    ("store/collections/capabilities.py", "expiring"): "the property of that name",
    ("store/collections/capabilities.py", "identifier"): "the property of that name",
    ("store/collections/owned_tokens.py", "identifier"): "the property of that name",
    ("store/collections/owners.py", "service_account"): "the type of that name",
    ("store/collections/owners.py", "username"): "the property of that name",
    ("contract/checks/collections.py", "password"): "the format of that name",
    ("store/collections/capabilities.py", "password"): "the secret of that name",
    ("store/collections/secret_repositories.py", "password"): "the secret of that name",
    ("store/collections/repositories.py", "expiring"): "the property of that name",
    ("store/collections/repositories.py", "identifier"): "the property of that name",
    ("store/collections/tokens.py", "api"): "the intent of that name",
    ("store/collections/tokens.py", "expiring"): "the property of that name",
    ("store/engine/locking.py", 255): "the greatest value of a byte",
    ("store/queries/token_views.py", "expiring"): "the property of that name",
    ("store/queries/token_views.py", "identifier"): "the property of that name",
    ("store/schema/migrations/versions/0005_tokens_of_users.py", "expiring"): "the property of that name",
    ("store/schema/tables.py", "expiring"): "the property of that name",
    ("representations/objects.py", "expiring"): "the property of that name",
    ("representations/objects.py", "identifier"): "the property of that name",
    ("conformance/replay.py", "users"): "a group of recorded cases",
    ("tracing.py", "none"): "OpenTelemetry's word for no exporter",
}

# Where rows become objects, requests become rows, and challenges become pages: there names of collections and properties stand.
MAPPED = ("store/", "representations/", "handlers/", "executor/", "pages/interface/")

# Names of collections and of properties of several words that mean something else in other places. A property of one word
# has the name of an everyday thing.
OTHER_MEANINGS = {
    "authentik_flows.flow": "what an exported blueprint begins with",
    "flows": "the name of the program",
    "groups": "a path of the recorded cases",
    "log_level": "a key of a line of the log",
    "num_pk": "what is masked in recorded cases",
    "non_field_errors": "authentik's name for what is wrong with an object as a whole",
    "tokens": "a line of the report of `flows doctor`",
    "user_pk": "a key of the recorded cases",
    "user_uid": "what is masked in recorded cases",
    "users": "a path of the recorded cases",
    "verbose_name": "a key of `x-model`",
    "verbose_name_plural": "a key of `x-model`",
}


def test_adding_an_enum_value(edited, client, make_flow):
    body = make_flow(layout="floating")
    assert client.post(FLOWS, body).json() == {"layout": ['"floating" is not a valid choice.']}
    client = edited(("        - sidebar_right\n", "        - sidebar_right\n        - floating\n"))
    created = client.post(FLOWS, body)
    assert (created.status, created.json()["layout"]) == (201, "floating")
    assert client.get(FLOWS).json()["results"] == [created.json()]


def test_adding_a_filter_parameter(edited, make_flow):
    parameter = """        - name: title
          in: query
          description: Only flows of exactly this title.
          schema:
            type: string
          x-filters: title
        - $ref: '#/components/parameters/FlowSearch'
        - name: ordering
"""
    before = "        - $ref: '#/components/parameters/FlowSearch'\n        - name: ordering\n"
    client = edited((before, parameter))
    for slug in ("one", "two"):
        client.post(FLOWS, make_flow(slug=slug, title=f"Title {slug}"))
    response = client.get(FLOWS, query="title=Title%20two")
    assert [flow["slug"] for flow in response.json()["results"]] == ["two"]
    assert client.get(FLOWS, query="title=other").json()["pagination"]["count"] == 0


def test_a_narrower_length(edited, make_flow):
    narrow = (
        "        slug: &slug\n          type: string\n          minLength: 1\n          maxLength: 50\n",
        "        slug: &slug\n          type: string\n          minLength: 1\n          maxLength: 7\n",
    )
    client = edited(narrow)
    response = client.post(FLOWS, make_flow(slug="eight-ch"))
    assert response.json() == {"slug": ["Ensure this field has no more than 7 characters."]}
    assert client.post(FLOWS, make_flow(slug="seven-c")).status == 201
    assert client.patch(FLOWS + "seven-c/", {"slug": "eight-ch"}).status == 400


def test_another_required_permission(edited, make_flow):
    client = edited(
        (
            "      x-required-permissions: [authentik_flows.add_flow]\n",
            "      x-required-permissions: [authentik_flows.add_flow, authentik_flows.view_flow]\n",
        )
    )
    adder = client.store.tokens.add("adder", permissions=["authentik_flows.add_flow"])
    both = client.store.tokens.add("both", permissions=["authentik_flows.add_flow", "authentik_flows.view_flow"])
    assert client.post(FLOWS, make_flow(), token=adder).status == 403
    assert client.post(FLOWS, make_flow(), token=both).status == 201


def test_a_required_parameter(edited):
    client = edited(
        ("          example: -designation,slug\n", "          required: true\n          example: -designation,slug\n")
    )
    for query in ("", "page=1"):
        response = client.get(FLOWS, query=query)
        assert (response.status, response.json()) == (400, {"ordering": ["This field is required."]})
    assert client.get(FLOWS, query="ordering=slug").status == 200


def test_a_sort_parameter_without_a_default(edited, make_flow):
    client = edited(("            type: string\n            default: slug,name\n", "            type: string\n"))
    made = sorted(client.post(FLOWS, make_flow()).json()["pk"] for _ in range(4))
    assert [flow["pk"] for flow in client.get(FLOWS).json()["results"]] == made


def test_what_is_searched_sorted_and_taken_by_default(edited, make_flow):
    client = edited(
        ("      x-searches: [name, slug, designation, title, denied_action]\n", "      x-searches: [title]\n"),
        ("            default: slug,name\n", "            default: -slug\n"),
        ("        default: 100\n", "        default: 2\n"),
        ("          x-create-default: stacked\n", "          x-create-default: sidebar_left\n"),
    )
    for slug in ("a", "b", "c"):
        created = client.post(FLOWS, make_flow(slug=slug, title=f"Title-{slug}"))
    assert created.json()["layout"] == "sidebar_left"
    response = client.get(FLOWS).json()
    assert [flow["slug"] for flow in response["results"]] == ["c", "b"]
    assert client.get(FLOWS, query="search=authentication").json()["pagination"]["count"] == 0
    assert client.get(FLOWS, query="search=title-b").json()["pagination"]["count"] == 1


def test_rows_of_before_are_searched_by_the_members_of_now(edited, make_flow):
    client = edited()
    client.post(FLOWS, make_flow(slug="a", name="Findable"))
    client = edited(
        ("      x-searches: [name, slug, designation, title, denied_action]\n", "      x-searches: [title]\n")
    )
    assert client.get(FLOWS, query="search=findable").json()["pagination"]["count"] == 0


def test_the_title_of_a_collection_names_its_objects_in_used_by(edited, make_flow):
    client = edited(
        ("    title: 'Flow-stage binding #{order} to {target}'\n", "    title: '{invalid_response_action} {stage}'\n")
    )
    stage = client.post("/api/v3/stages/dummy/", {"name": "pause"}).json()["pk"]
    flow = client.post(FLOWS, make_flow(slug="a")).json()["pk"]
    assert client.post("/api/v3/flows/bindings/", {"target": flow, "stage": stage, "order": 0}).status == 201
    names = [use["name"] for use in client.get(FLOWS + "a/used_by/").json()]
    assert names == [f"retry {stage}", "Stage pause"]


def test_a_path_parameter_that_handlers_call_otherwise(edited, make_flow):
    def calling_it_slug(handler):
        signature = inspect.signature(handler)
        names = [
            parameter.replace(name="slug" if name == "key" else name)
            for name, parameter in signature.parameters.items()
        ]

        def call(store, **arguments):
            return handler(store, **{"key" if name == "slug" else name: value for name, value in arguments.items()})

        call.__signature__ = signature.replace(parameters=names)
        return call

    served_by = {name: handler for name, handler in handlers_of(shipped()).items() if "flows_instances" in name}
    takes_key = {name for name in served_by if "key" in inspect.signature(served_by[name]).parameters}
    served_by |= handlers.discover() | {name: calling_it_slug(served_by[name]) for name in takes_key}
    client = edited(
        ("      example: welcome\n      x-argument: key\n", "      example: welcome\n"), served_by=served_by
    )
    client.post(FLOWS, make_flow(slug="a"))
    assert client.get(FLOWS + "a/").json()["slug"] == "a"
    assert client.delete(FLOWS + "a/").status == 204
    assert client.patch(FLOWS + "a/", {"layout": "nope"}).status == 404


def _constants(tree):
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in documentation:
            yield node


def _rules(node, keyword=None):
    """The enum values, lengths, bounds, patterns and defaults that a document states."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("enum", "x-searches", "x-orders-by", "x-required-permissions") and isinstance(value, list):
                yield from value if key == "enum" or key == "x-required-permissions" else ()
            elif key in (
                "maxLength",
                "minLength",
                "minimum",
                "maximum",
                "pattern",
                "default",
                "x-create-default",
                "x-url-template",
            ):
                yield value
            elif key in ("x-messages", "x-permissions") and isinstance(value, dict):
                yield from value.values() if key == "x-messages" else value.keys()
            elif key in ("x-unique", "x-not-found"):
                yield value
            elif key not in ("example", "examples"):
                yield from _rules(value)
    elif isinstance(node, list):
        for item in node:
            yield from _rules(item)


def test_no_rule_of_the_contract_stands_in_python_too(contract):
    # 0, 1 and the truth values are in every program.
    rules = {
        (type(rule), rule)
        for rule in _rules(contract.document)
        if not isinstance(rule, bool | dict | list | None) and rule not in (0, 1, "", None, *EVERYDAY)
    }
    assert {(str, "message_continue"), (int, 50), (int, 100), (str, "^[-a-zA-Z0-9_]+$")} <= rules
    package = Path(app.__file__).parent
    found = {
        (str(path.relative_to(package)), node.value)
        for path in package.rglob("*.py")
        for node in _constants(ast.parse(path.read_text("utf-8")))
        if (type(node.value), node.value) in rules
    }
    assert found == HOMONYMS.keys(), "a rule of the contract in Python, or an exception that is none any more"


def _property_names(node):
    """The names of all properties that a document describes."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "properties" and isinstance(value, dict):
                yield from value
            if key not in ("example", "examples"):
                yield from _property_names(value)
    elif isinstance(node, list):
        for item in node:
            yield from _property_names(item)


def test_names_of_the_contract_stand_only_where_objects_are_mapped(contract):
    schemas = contract.document["components"]["schemas"].values()
    declared = [*contract.document["x-collections"].values(), *(s["x-model"] for s in schemas if "x-model" in s)]
    names = {*contract.document["x-collections"], *(name for name in _property_names(contract.document) if "_" in name)}
    names |= {
        text for known in declared for text in (known.get("model"), known.get("name"), known.get("title")) if text
    }
    assert {"stage_bindings", "authentik_flows.stage", "Stage {name}", "evaluate_on_plan"} <= names
    package = Path(app.__file__).parent
    found = {
        node.value
        for path in package.rglob("*.py")
        if not str(path.relative_to(package)).startswith(MAPPED)
        for node in _constants(ast.parse(path.read_text("utf-8")))
        if isinstance(node.value, str) and node.value in names
    }
    assert found == OTHER_MEANINGS.keys(), "a name of the contract in Python, or an exception that is none any more"


def test_the_contract_is_yaml_1_2_as_other_tools_read_it(contract):
    for path in contract.files:
        text = path.read_bytes()
        assert yaml.safe_load(text) == read_file(path, path.name, "").document
