"""Counters that processes share."""

import os

import pytest

from app.metrics import BOUNDS, OTHER, RULES, STATUSES, Metrics

OPERATIONS = [("flows_list", "GET"), ("flows_create", "POST")]


def child(work):
    """Do some work in a process of its own, and wait for its end."""
    process = os.fork()
    if process == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(process, 0)


def count(metrics, operation="flows_list", method="GET", status=200, seconds=0.1, rule=""):
    metrics.count(metrics.places({method: operation})[method], status, seconds, rule)


def of(metrics, operation, method="GET"):
    (found,) = (s for s in metrics.totals().series if (s.operation, s.method) == (operation, method))
    return found


def test_each_answer_counts_once():
    metrics = Metrics(OPERATIONS)
    assert metrics.totals().series == []
    count(metrics, seconds=0.5)
    count(metrics, seconds=0.7)
    count(metrics, status=400, seconds=11.0, rule="enum")
    series = of(metrics, "flows_list")
    assert {status: number for status, number in series.statuses.items() if number} == {"200": 2, "400": 1}
    assert {rule: number for rule, number in series.rules.items() if number} == {"enum": 1}
    assert series.durations == [int(bound in (0.5, 1.0)) for bound in BOUNDS] + [1]
    assert series.seconds == pytest.approx(12.2)
    assert [s.operation for s in metrics.totals().series] == ["flows_list"]


@pytest.mark.parametrize(
    ("status", "rule", "counted"),
    [
        (404, "", "existence"),
        (403, "", "security"),
        (403, "x-unique", "x-unique"),
        (418, "", OTHER),
        (400, "requestBody", "syntax"),
    ],
)
def test_a_refusal_counts_by_one_of_a_few_rules(status, rule, counted):
    metrics = Metrics(OPERATIONS)
    count(metrics, "flows_create", "POST", status, rule=rule)
    assert [name for name, number in of(metrics, "flows_create", "POST").rules.items() if number] == [counted]


def test_what_a_client_makes_up_is_no_name():
    metrics = Metrics(OPERATIONS)
    places = metrics.places({"GET": "flows_list"})
    for method in ("OPTIONS", "DELETE", "MADE-UP"):
        metrics.count(places.get(method), 405, 0.1, "")
    found = [(s.operation, s.method, s.statuses["405"]) for s in metrics.totals().series]
    assert found == [("", "OPTIONS", 1), ("", OTHER, 2)]


def test_names_are_told_apart():
    assert len(set(RULES)) == len(RULES)
    assert len(set(STATUSES)) == len(STATUSES)


def test_processes_add_up_and_what_they_counted_stays():
    metrics = Metrics(OPERATIONS, 3)

    def work(part):
        metrics.take(part)
        metrics.connected(1)
        metrics.begin()
        for _ in range(1000):
            count(metrics)

    for part in range(3):
        child(lambda part=part: work(part))
    totals = metrics.totals()
    assert (totals.workers, totals.in_progress, totals.connections) == (3, 3, 3)
    assert of(metrics, "flows_list").statuses["200"] == 3000
    metrics.release(1)
    totals = metrics.totals()
    assert (totals.workers, totals.in_progress, totals.connections) == (2, 2, 2)
    assert of(metrics, "flows_list").statuses["200"] == 3000
    child(lambda: work(1))
    assert metrics.totals().workers == 3
    assert of(metrics, "flows_list").statuses["200"] == 4000


def test_more_processes_than_were_thought_of_share_a_part():
    metrics = Metrics(OPERATIONS, 2)
    for part in (0, 1, 2, 7):
        child(lambda part=part: (metrics.take(part), count(metrics)))
    assert of(metrics, "flows_list").statuses["200"] == 4


def test_requests_under_way():
    metrics = Metrics(OPERATIONS)
    metrics.begin()
    metrics.begin()
    metrics.end()
    metrics.connected(2)
    metrics.connected(-1)
    totals = metrics.totals()
    assert (totals.workers, totals.in_progress, totals.connections) == (1, 1, 1)
