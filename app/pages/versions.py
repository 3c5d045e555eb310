"""`/contract/versions/`: the differences between two versions, by operation."""

from functools import cache

from flask import Blueprint, render_template, request
from werkzeug.exceptions import BadRequest, ServiceUnavailable

from app.contract.document.contract import Contract
from app.contract.document.versions import names, root_release
from app.contract.serve.compiled_contract import ActiveContract
from app.pages.comparisons import Comparisons, Difference
from app.pages.operations import by_tag
from app.recording.recorder import Recorder
from app.settings import Settings

Rows = list[tuple[str, int, list[Difference]]]
"""OperationId, calls that were recorded, and differences of each operation."""


def versions(active_contract: ActiveContract, settings: Settings, recorder: Recorder | None) -> Blueprint:
    """The page of the versions.

    :param active_contract: the contract with the tags of operations
    :param settings: the path of the contract
    :param recorder: the recorder with the calls of clients; None if nothing is recorded
    """
    page = Blueprint("versions", __name__, url_prefix="/contract")
    comparisons = Comparisons(settings.contract)

    @cache
    def first() -> str:
        return root_release(settings.contract) if settings.version else active_contract.contract.release

    @page.get("/versions/")
    def compare() -> str:
        known = names(settings.contract, first())
        old, new = request.args.get("from", ""), request.args.get("to", "")
        tags, tag = _tags(active_contract.contract), request.args.get("tag", "")
        called = bool(request.args.get("called"))
        for name in filter(None, (old, new)):
            if name not in known:
                raise BadRequest(f"There is no version {name!r}. There are: {', '.join(known)}.")
        rows: Rows | None = []
        if old and new:
            rows = _rows(comparisons, active_contract.contract, (old, new), recorder)
        if rows is not None:
            rows = [row for row in rows if (not tag or _tag_of(row[0], tags) == tag) and (row[1] or not called)]
        return render_template(
            "versions.html",
            names=known,
            old=old or known[0],
            new=new or known[-1],
            asked=bool(old and new),
            tags=sorted(set(tags.values())),
            tag=tag,
            called=called,
            rows=rows,
        )

    return page


def _rows(
    comparisons: Comparisons, contract: Contract, pair: tuple[str, str], recorder: Recorder | None
) -> Rows | None:
    """The operations with differences, those that break clients first; None if they are not known yet."""
    try:
        differences = comparisons.get(*pair)
    except OSError as error:
        raise ServiceUnavailable(str(error)) from error
    if differences is None:
        return None
    calls = {} if recorder is None else {one["operation"]: one["calls"] for one in recorder.coverage()["operations"]}
    rows = [
        (name, int(calls.get(name, 0)), [_public(contract, one) for one in found])
        for name, found in sorted(differences.items())
    ]
    return sorted(rows, key=lambda row: not any(one.rating == "breaking" for one in row[2]))


def _public(contract: Contract, difference: Difference) -> Difference:
    """A difference with the places that may be shown."""
    causes = tuple((version, text, contract.public(place)) for version, text, place in difference.causes)
    return difference._replace(causes=causes)


def _tags(contract: Contract) -> dict[str, str]:
    """The tag of each operation."""
    return {one.name: tag.name for tag in by_tag(contract, "") for ones in tag.paths.values() for one in ones}


def _tag_of(name: str, tags: dict[str, str]) -> str:
    """The tag of an operation; one that only the older version has is named after its tag."""
    return tags.get(name, name.partition("_")[0])
