"""The operations on policies beyond those of every kind."""

from collections.abc import Mapping
from typing import Any

from app import errors
from app.domain import RequestContext
from app.executor.people import Person
from app.executor.plan import Properties
from app.executor.policies.engine import PolicyFailure, PolicyRequest, Result, evaluate_policy
from app.store import Store
from app.store.queries.people import USERS


def policies_all_cache_info_retrieve(_store: Store) -> dict[str, int]:
    """The number of cached policy results: none, as results are not cached."""
    return {"count": 0}


def policies_all_cache_clear_create(_store: Store) -> None:
    """Discard the cached policy results, of which there are none."""


def policies_all_test_create(
    store: Store, key: str, body: Mapping[str, Any], request: RequestContext
) -> dict[str, Any]:
    """Evaluate a policy for a user. :raises NotFound: there is no such policy :raises Invalid: there is no such user"""
    policy = store.objects.get("policies", key)
    try:
        user = Person(store.objects.get(USERS, body["user"]), store=store)
    except errors.NotFound as error:
        raise errors.DanglingReference({"user": body["user"]}) from error
    try:
        http_request, context = request.credentials, body.get("context", {})
        tested = PolicyRequest(user, context, store, http_request, is_test=True)
        result = evaluate_policy(policy.name, policy.model, Properties(store.values(policy)), tested)
    except PolicyFailure as failure:
        result = Result(False, (str(failure),))
    return {"passing": result.passes, "messages": list(result.messages), "log_messages": []}
