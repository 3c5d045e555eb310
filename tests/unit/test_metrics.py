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


def of(metrics, operation, method="GET"):
    (found,) = (s for s in metrics.totals().series if (s.operation, s.method) == (operation, method))
    return found


def test_each_answer_counts_once():
    metrics = Metrics(OPERATIONS)
    assert metrics.totals().series == []
    metrics.count("flows_list", "GET", 200, 0.5, "")
    metrics.count("flows_list", "GET", 200, 0.7, "")
    metrics.count("flows_list", "GET", 400, 11.0, "enum")
    series = of(metrics, "flows_list")
    assert {status: number for status, number in series.statuses.items() if number} == {"200": 2, "400": 1}
    assert {rule: number for rule, number in series.rules.items() if number} == {"enum": 1}
    assert series.durations == [int(bound in (0.5, 1.0)) for bound in BOUNDS] + [1]
    assert series.seconds == pytest.approx(12.2)
    assert [s.operation for s in metrics.totals().series] == ["flows_list"]


@pytest.mark.parametrize(
    ("status", "rule", "counted"),
    [(404, "", "existence"), (403, "", "security"), (403, "x-unique", "x-unique"), (418, "", OTHER), (400, "x", OTHER)],
)
def test_a_refusal_counts_by_one_of_a_few_rules(status, rule, counted):
    metrics = Metrics(OPERATIONS)
    metrics.count("flows_create", "POST", status, 0.1, rule)
    assert [name for name, number in of(metrics, "flows_create", "POST").rules.items() if number] == [counted]


@pytest.mark.parametrize(
    ("operation", "method", "counted"),
    [("", "OPTIONS", "OPTIONS"), ("", "DELETE", OTHER), ("", "MADE-UP", OTHER), ("nope", "GET", OTHER)],
)
def test_what_a_client_makes_up_is_no_name(operation, method, counted):
    metrics = Metrics(OPERATIONS)
    metrics.count(operation, method, 405, 0.1, "")
    (series,) = metrics.totals().series
    assert (series.operation, series.method) == ("", counted)


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
            metrics.count("flows_list", "GET", 200, 0.001, "")

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
        child(lambda part=part: (metrics.take(part), metrics.count("flows_list", "GET", 200, 0.1, "")))
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
