"""The log: one structured line per event, on standard error."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog


def configure(level: str, form: str) -> None:
    """Set the log up for this process.

    :param level: the least level that is written
    :param form: `json`, `console`, or `auto` for console on a terminal
    """
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    number: int = getattr(logging, level.upper())
    common: list[Any] = [structlog.processors.add_log_level, structlog.processors.TimeStamper("iso", utc=True)]
    if console:
        structlog.configure(
            processors=[*common, _for_terminals, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())],
            wrapper_class=structlog.make_filtering_bound_logger(number),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[*common, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(orjson.dumps)],
            wrapper_class=structlog.make_filtering_bound_logger(number),
            logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
            cache_logger_on_first_use=True,
        )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s", force=True
    )
    # They warn of what clients send; the line of the request tells of that.
    for name in ("python_multipart", "opentelemetry.trace", "opentelemetry.baggage"):
        logging.getLogger(name).setLevel(logging.ERROR)


def printable(text: str) -> str:
    """A text with each character written out that a terminal would take for an order."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _for_terminals(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return {
        key: printable(value) if isinstance(value, str) else value for key, value in event.items() if value is not None
    }
