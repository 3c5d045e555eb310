"""Results as text, as Markdown for a ticket, and as JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import orjson

from app.review.formats import escaped
from app.upgrade.effects import Group, Result

# The maximum number of operations, and of requests, that are named where space is limited.
_NAMED = 4


def as_text(result: Result) -> str:
    """A result for a terminal: `file:line:column` first, so that editors can open the place."""
    return "\n".join(_text(result)) + "\n"


def _text(result: Result) -> Iterator[str]:
    for group in result.groups():
        place = f"{group.causes[0].location}: " if group.causes else ""
        yield f"{place}{'breaking' if group.breaks else 'safe'}: {group}"
        yield f"    {_few(group.operations)}"
        yield from (f"    {cause}" for cause in group.causes)
        yield f"    {_few(group.requests)}"
    yield from (f"Not compared: {reason}." for reason in result.left_out)
    yield _summary(result)


def as_markdown(result: Result) -> str:
    """A result to attach to a ticket."""
    return "\n".join(_markdown(result)) + "\n"


def _markdown(result: Result) -> Iterator[str]:
    outcome = "something breaks" if result.broken else "nothing was compared" if result.is_empty else "nothing breaks"
    yield f"## From {result.old} to {result.new}: {outcome}"
    yield ""
    yield _summary(result)
    groups = list(result.groups())
    for title, breaks in (("Breaking", True), ("Different, or new", False)):
        if rows := [_row(group) for group in groups if group.breaks is breaks]:
            yield from (
                "",
                f"### {title}",
                "",
                "| operations | effect | cause | requests |",
                "|---|---|---|---|",
                *rows,
            )
    if result.left_out:
        yield from ("", "### Not compared", "")
        yield from (f"- {_cell(reason)}" for reason in result.left_out)


def _row(group: Group) -> str:
    operations = ", ".join(f"`{name}`" for name in group.operations)
    causes = "<br>".join(f"{_cell(str(cause))} <sub>{cause.location}</sub>" for cause in group.causes)
    return f"| {operations} | {_cell(str(group))} | {causes} | {len(group.requests)} |"


def as_json(result: Result) -> str:
    """The whole result for programs."""
    whole = {
        "from": result.old,
        "to": result.new,
        "breaks": bool(result.broken),
        "requests": result.compared,
        "operations": result.operations,
        "effects": [
            {
                "operation": effect.operation,
                "property": effect.property,
                "effect": effect.kind.name.lower(),
                "breaks": effect.breaks,
                "what": effect.what,
                "causes": [
                    {"version": cause.version, "description": cause.description, "location": vars(cause.location)}
                    for cause in effect.causes
                ],
                "requests": effect.requests,
            }
            for effect in result.effects
        ],
        "not_compared": result.left_out,
    }
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _summary(result: Result) -> str:
    operations = {effect.operation for effect in result.broken}
    requests = {name for effect in result.broken for name in effect.requests}
    done = (
        f"{_count(result.compared, 'request')} to {_count(result.operations, 'operation')} carried out by both versions"
    )
    if result.is_empty:
        return (
            f"Nothing was compared from {result.old} to {result.new}: record requests that both versions can carry out."
        )
    if not operations:
        return f"Nothing breaks from {result.old} to {result.new}: {done}."
    return (
        f"From {result.old} to {result.new}, {_count(len(operations), 'operation')} and {_count(len(requests), 'request')}"
        f" break: {done}."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _few(names: Sequence[str]) -> str:
    left = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {left} more" if left > 0 else "")


def _cell(text: str) -> str:
    """A text in a cell of a table."""
    return escaped(text).replace("|", "\\|").replace("\n", " ")


FORMATS: Mapping[str, Callable[[Result], str]] = {"text": as_text, "markdown": as_markdown, "json": as_json}
