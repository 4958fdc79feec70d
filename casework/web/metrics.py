"""Writes counts as Prometheus reads them; no label can hold anything of a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from casework.service.watch import Standing, Totals

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
"""The version of the format that every Prometheus reads."""

_AGREED = {True: "true", False: "false", None: "none"}


def exposition(totals: Totals, standing: Standing, model_version: str | None) -> bytes:
    """All metrics, in a registry of their own: the database counts, so no process adds anything to it."""
    registry = CollectorRegistry()
    registry.register(_Counted(totals, standing, model_version))
    return generate_latest(registry)


class _Counted(Collector):
    def __init__(self, totals: Totals, standing: Standing, model_version: str | None) -> None:
        self._totals, self._standing, self._model_version = totals, standing, model_version

    def collect(self) -> Iterator[Metric]:
        """Every metric with its samples."""
        totals, standing = self._totals, self._standing
        still_open = standing.waiting + standing.with_department
        yield GaugeMetricFamily("fenban_cases_open", "Cases not closed", still_open)
        yield GaugeMetricFamily("fenban_cases_waiting", "Cases waiting for a decision", standing.waiting)
        yield GaugeMetricFamily("fenban_cases_due_soon", "Cases not closed and due soon", standing.due_soon)
        yield GaugeMetricFamily("fenban_cases_overdue", "Cases not closed and past their due time", standing.overdue)
        yield CounterMetricFamily("fenban_cases_registered", "Cases registered", totals.registered)
        yield _counter(
            "fenban_decisions",
            "Decisions, those after a hand-back and withdrawn ones included; agreed is none where there was no suggestion",
            {(department, _AGREED[agreed]): n for (department, agreed), n in totals.decisions.items()},
            ("department", "agreed"),
        )
        yield _counter(
            "fenban_hand_backs",
            "Cases handed back, withdrawn ones included",
            {(department or "none",): n for department, n in totals.hand_backs.items()},
            ("department",),
        )
        yield _counter(
            "fenban_suggestions",
            "Suggestions for registered cases",
            {(str(review).lower(),): n for review, n in totals.suggestions.items()},
            ("needs_review",),
        )
        yield CounterMetricFamily(
            "fenban_withdrawals", "Decisions, hand-backs and outcomes withdrawn", totals.withdrawals
        )
        if self._model_version:
            yield InfoMetricFamily("fenban_model", "The model in service", {"version": self._model_version})


def _counter(
    name: str, documentation: str, counts: Mapping[tuple[str, ...], int], labels: tuple[str, ...]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, documentation, labels=labels)
    for values, count in sorted(counts.items()):
        family.add_metric(values, count)
    return family
