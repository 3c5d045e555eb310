"""Applications: found by their slugs, and the access of users to them."""

import orjson

from app.exchanges import HttpRequest
from app.executor.people import Person
from app.executor.policies.engine import PolicyRequest, Result, evaluate
from app.store import Store
from app.store.queries.object_views import ObjectRow

APPLICATIONS = "applications"
"""The collection."""


def application_with(store: Store, slug: str) -> ObjectRow:
    """The application with a slug. :raises NotFound: there is none"""
    return store.objects.get(APPLICATIONS, store.objects.key_of_name(APPLICATIONS, slug))


def access_to(store: Store, application: ObjectRow, user: Person | None, http_request: HttpRequest) -> Result:
    """The result of the policies of an application for a user. An application without policies is for everyone."""
    mode = orjson.loads(application.properties)["policy_engine_mode"]
    bindings = store.runnable_flows.policies_of_application(application.pk)
    return evaluate(bindings, mode, PolicyRequest(user, {}, store, http_request, reads_only=True), store.models)
