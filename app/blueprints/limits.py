"""Limits of one import, beside those of the blueprint's text (`document`)."""

import time

from app.blueprints.findings import BlueprintFinding, Exhausted, Place

# Each entry is an object in the response, of about 300 bytes.
MAX_ENTRIES = 20_000
# A `!Find` may scan all objects of its model.
MAX_LOOKUPS = 10_000
# The time limit: a SQLite store has no other writer meanwhile. A command of the server's operator may take longer.
MAX_SECONDS, MAX_SECONDS_OF_A_COMMAND = 4, 60
MAX_FINDINGS = MAX_NOTES = 100
# The maximum number of skipped entries of a rejected blueprint that are reported one by one.
MAX_SKIPPED = 1_000
# The maximum length of a message.
MAX_MESSAGE = 1_000
# The maximum length of a model or an id in a log: an alias may repeat a long one in every entry.
MAX_NAME = 100


class Allowance:
    """The remaining lookups and time of one import, which starts now.

    :param seconds: the time limit
    """

    def __init__(self, seconds: int) -> None:
        self._lookups = MAX_LOOKUPS
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def spend_lookup(self, place: Place) -> None:
        """Count a lookup. :raises Exhausted: none is left, or the deadline has passed"""
        if self._lookups == 0:
            raise exhausted(place, f"A blueprint may have at most {MAX_LOOKUPS} lookups by !Find: split it.")
        self._lookups -= 1
        self.check_time(place)

    def check_time(self, place: Place) -> None:
        """Check the deadline. :raises Exhausted: it has passed"""
        if time.monotonic() > self._deadline:
            raise exhausted(
                place,
                f"The blueprint was not applied within {self._seconds} seconds: split it, and look objects up by pk, slug or name.",
            )


def exhausted(place: Place, message: str) -> Exhausted:
    """The exception for a limit that ends an import."""
    return Exhausted([BlueprintFinding(place, message)])


def shortened(text: str, length: int) -> str:
    """The text, truncated to a number of characters."""
    return text if len(text) <= length else f"{text[: length - 3]}..."
