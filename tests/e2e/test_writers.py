"""Many writers on an embedded store with many workers: each is served, and none undoes what another did."""

import contextlib
import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

from tests.asgi import FLOWS
from tests.e2e.test_command import FLOW, bearer
from tests.serving import wait_for
from tests.storm import Storm

WORKERS, WRITERS = 4, 64
# Answers of success in each round.
ANSWERS = 500


def test_all_writers_are_served(start, rounds, tmp_path):
    wire, token, process = start(FLOWS_WORKERS=str(WORKERS), FLOWS_LOG_LEVEL="warning")
    reader = sqlite3.connect(tmp_path / "deep" / "flows.sqlite3", isolation_level=None)
    with contextlib.closing(reader), Storm(wire, token, clients=WRITERS) as storm:
        # One who reads for a long time sees what there was, and is in nobody's way.
        reader.execute("BEGIN")
        (before,) = reader.execute("SELECT count(*) FROM flows").fetchone()
        begun = time.monotonic()
        wait_for(lambda: storm.acknowledged > rounds * ANSWERS, "the answers", deadline=rounds * 60)
        seconds = time.monotonic() - begun
        assert reader.execute("SELECT count(*) FROM flows").fetchone() == (before,)
    storm.check()
    assert storm.statuses.keys() <= {200, 201, 204}
    assert storm.open == 0
    assert process.output.read_text().count('"level":') == 0
    print(
        f"sqlite: {storm.acknowledged} writes of {WRITERS} clients by {WORKERS} workers, {seconds:.1f} s, all answered"
    )


def test_no_change_undoes_another(start):
    wire, token, _ = start(FLOWS_WORKERS=str(WORKERS))
    assert wire.send("POST", FLOWS, bearer(token), json.dumps(FLOW).encode()).status == 201
    properties = ("name", "title", "designation", "layout", "denied_action")
    values = (("x", "y"), ("x", "y"), ("recovery", "enrollment"), ("stacked", "sidebar_left"), ("message", "continue"))

    def change(property_name, choices):
        """Change one member again and again, and look whether it is as it was left. Nobody else changes it."""
        for number in range(20):
            body = json.dumps({property_name: choices[number % 2]}).encode()
            changed = wire.send("PATCH", f"{FLOWS}a/", bearer(token), body)
            assert (changed.status, changed.json()[property_name]) == (200, choices[number % 2])
            assert wire.send("GET", f"{FLOWS}a/", bearer(token)).json()[property_name] == choices[number % 2]

    with ThreadPoolExecutor(len(properties)) as pool:
        list(pool.map(change, properties, values))
