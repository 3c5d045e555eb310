"""Metrics in the text format of Prometheus, written by its client library."""

import importlib.metadata
from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from app.metrics import BOUNDS, Series, Totals
from app.pages.watch import StoreState

__all__ = ["CONTENT_TYPE", "exposition"]


def exposition(totals: Totals, store: StoreState | None) -> bytes:
    """Write the text for Prometheus, of the type `CONTENT_TYPE`.

    :param totals: the counters of all processes
    :param store: the state of the store; None if the database does not respond
    """
    return generate_latest(_Families(totals, store))


class _Families(Collector):
    """Metric families of this server's own counters, see `app.metrics`."""

    def __init__(self, totals: Totals, store: StoreState | None) -> None:
        self._totals = totals
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """The metric families."""
        totals, store = self._totals, self._store
        yield self._counter("requests", "Requests by operation and status.", "status", "statuses")
        yield self._counter("refusals", "Rejected requests by the violated rule.", "rule", "rules")
        violations = "Stored values in responses against the contract."
        yield self._counter("stored_violations", violations, "rule", "stored_violations")
        yield self._versions()
        yield self._durations()
        yield _gauge("requests_in_progress", "Requests that have no response yet.", totals.in_progress)
        yield _gauge("workers", "Processes that serve.", totals.workers)
        yield _gauge("database_connections", "Open connections to the database.", totals.connections)
        dropped = "Lines of the log that were dropped."
        yield CounterMetricFamily("flows_log_lines_dropped", dropped, value=totals.dropped_lines)
        yield _gauge("database_up", "Whether the database responds.", int(store is not None))
        if store is not None:
            yield _gauge("store_bytes", "Size of the store.", store.size)
            versions = GaugeMetricFamily(
                "flows_info", "Versions of the server and of the store's tables.", labels=("version", "revision")
            )
            versions.add_metric((importlib.metadata.version("flows-server"), store.revision or ""), 1)
            yield versions

    def _counter(self, name: str, meaning: str, label: str, counts: str) -> Metric:
        """A counter of requests by operation, method and a further label.

        :param counts: the attribute of a series with the numbers by that label; zeros are left out
        """
        family = CounterMetricFamily(f"flows_{name}", meaning, labels=("operation", "method", label))
        for series in self._totals.series:
            numbers: Mapping[str, int] = getattr(series, counts)
            for value, number in numbers.items():
                if number:
                    family.add_metric((series.operation, series.method, value), number)
        return family

    def _versions(self) -> Metric:
        meaning = "Requests by the version of the contract that they were served."
        family = CounterMetricFamily("flows_version_requests", meaning, labels=("version", "status"))
        for version, statuses in self._totals.versions.items():
            for status, number in statuses.items():
                if number:
                    family.add_metric((version, status), number)
        return family

    def _durations(self) -> Metric:
        family = HistogramMetricFamily(
            "flows_request_duration_seconds", "Time until the response.", labels=("operation", "method")
        )
        for series in self._totals.series:
            family.add_metric((series.operation, series.method), _buckets(series), series.seconds)
        return family


def _buckets(series: Series) -> list[tuple[str, float]]:
    """The buckets of durations: upper bounds, with the cumulative number of requests."""
    return list(zip((*map(str, BOUNDS), "+Inf"), accumulate(series.durations), strict=True))


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"flows_{name}", meaning, value=value)
