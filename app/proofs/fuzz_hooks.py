"""What Schemathesis has to know that the contract can't say. Loaded by `schemathesis.toml`."""

import itertools
import secrets
from typing import Any

import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.openapi.checks import MissingHeaderNotRejected
from schemathesis.specs.openapi.checks import missing_required_header as demand_401

# Below is one of the same name, and a name is registered once.
CHECKS.unregister(demand_401.__name__)

# A run's slugs differ from those of other runs on the same deployment.
_run = secrets.token_hex(4)
_numbers = itertools.count()


@schemathesis.hook  # type: ignore[untyped-decorator]  # Schemathesis has no type information
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """Give each flow a slug of its own in data that has to be accepted.

    That a slug is taken depends on what is stored, so that no schema can keep generated data from repeating one. The length stays
    as it was generated, as far as there is room for the difference.
    """
    positive = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    if positive and isinstance(case.body, dict) and isinstance(slug := case.body.get("slug"), str):
        case.body = {**case.body, "slug": f"{_run}-{next(_numbers):x}-".ljust(len(slug), "x")}


@schemathesis.check  # type: ignore[untyped-decorator]  # Schemathesis has no type information
def missing_required_header(ctx: Any, response: Any, case: Any) -> Any:
    """Schemathesis's own check, but for credentials: authentik refuses a request without them by 403, never by 401.

    The original has 401 written in for `Authorization`; here 403 is demanded as strictly.
    """
    try:
        return demand_401(ctx, response, case)
    except MissingHeaderNotRejected as failure:
        if failure.header_name.lower() == "authorization" and response.status_code == 403:
            return None
        raise
