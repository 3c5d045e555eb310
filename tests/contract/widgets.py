"""Serves widgets.yaml: what a contract may ask for beside what the flows API does, by handlers that a test gives."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

from connexion.middleware import ConnexionMiddleware
from connexion.resolver import Resolver

from app.application import create_metrics
from app.contract import checks
from app.contract.request.authentication import BearerSecurityHandler
from app.contract.response.examples import no_handler
from app.contract.serve.compiled_contract import ActiveContract
from app.contract.serve.compiled_versions import CompiledVersions
from app.contract.serve.middleware import ContractMiddleware
from app.contract.serve.plan_runner import PlanRunner
from app.domain import File
from tests.asgi import Client
from tests.contract.keeping import implementation

CONTRACT = Path(__file__).parent / "widgets.yaml"

WIDGETS = "/api/widgets/"
ID = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"


def widgets_list(store, filters):
    return []


def widgets_create(store, body):
    return dict(body)


def widgets_retrieve(store, pk):
    return {"key": pk}


def widgets_update(store, pk, body):
    return dict(body)


def widgets_drawing_retrieve(store, pk):
    return File(b"a: 1")


def widgets_drawing_create(store, pk, body):
    return {}


def widgets_kinds_retrieve(store, kind, number):
    return {"name": f"{kind} {number}"}


def widgets_me_retrieve(store, request):
    return {"name": request.name, "superuser": request.superuser, "base_url": request.base_url}


def widgets_anybody_retrieve(store, request):
    return widgets_me_retrieve(store, request)


def widgets_test(store, body):
    return {"success": True}


HANDLERS = {name: function for name, function in globals().items() if name.startswith("widgets_")}


class Access(NamedTuple):
    """What a token may do that names its permissions: `widgets.view+widgets.change`; `root` may do everything."""

    name: str
    superuser: bool
    permissions: frozenset[str]
    user: str = ""
    expires: int = 0
    session: None = None


def access(token):
    return Access(token, token == "root", frozenset(token.split("+")))


async def nothing_else(scope, receive, send):
    raise AssertionError(f"{scope['path']} is not a path of the contract")


def serve(problems=lambda *_: {}, *, contract=CONTRACT, memory=None, body_limit=100_000, without=(), **handlers):
    """A client of an application that serves the contract.

    :param contract: a copy of it, if it was changed
    :param without: operations that have no handler
    :param handlers: the functions that the test is about, by operationId
    """
    served_by = {name: function for name, function in (HANDLERS | handlers).items() if name not in without}
    loaded = checks.load(contract, implementation(served_by, examples=bool(without)))
    runner = PlanRunner("the store", problems, body_limit, memory)
    app = ConnexionMiddleware(
        nothing_else,
        import_name=__name__,
        middlewares=[
            partial(
                ContractMiddleware,
                active_contract=(active := ActiveContract(loaded, runner, metrics := create_metrics(loaded))),
                versions=CompiledVersions(active, None),
                workers=None,
                pending=lambda: None,
                wait_for_lock=None,
                pipelined=lambda *_: None,
                metrics=metrics,
            ),
        ],
        resolver=Resolver(lambda name: served_by.get(name, no_handler)),
        security_map={"bearer": partial(BearerSecurityHandler, access)},
    )
    app.add_api(loaded.document)
    return Client(app, "root")
