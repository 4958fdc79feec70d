"""The figures an office is judged by, by time and by department, channel or urgency; none is by person."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import median_low

from casework.service.desk import Desk
from casework.service.listing import filters_for
from casework.service.periods import Period, Span
from casework.service.permissions import Actor, Permission
from casework.service.watch import Share
from casework.storage import cases as stored_cases
from casework.storage import figures as stored
from casework.storage.cases import DECIDED, OPEN, Filters
from casework.storage.database import Session
from casework.storage.figures import EVENTS, Event, Scope
from classifier.errors import NotAllowedError
from classifier.taxonomy import Taxonomy

__all__ = [
    "BY",
    "EVENT_OF",
    "FIGURES",
    "MEDIAN_WORDS",
    "NOTHING",
    "Flow",
    "Row",
    "Scope",
    "flow",
    "sampled_in_words",
    "seen",
    "standing",
    "within",
]

BY = {"department": "部门", "channel": "渠道", "urgency": "紧急程度"}
"""What figures are parted by, beside time."""

NOTHING = {"department": "未定部门", "channel": "没有渠道", "urgency": "未定紧急程度"}
"""How a part is called whose cases have none."""


@dataclass(frozen=True)
class Figure:
    """What a figure is called, what the moment of its cases is, and how it is counted, in words."""

    name: str
    moment: str
    words: str


FIGURES = {
    "received": Figure("受理", "受理时间", "受理时间在这一段的诉求件。部门是现在主办的部门，未分办的是建议的部门。"),
    "decided": Figure("分办", "分办时间", "在这一段首次分办的件，按分给的部门算；退回后改派不再算一次。"),
    "shown": Figure("看过建议后分办", "分办时间", "首次分办的件里，分办时看得到建议的；盲测的和没有建议的不在内。"),
    "agreed": Figure(
        "与建议一致", "分办时间", "看过建议后分办的件里，分给的部门与建议相同的；百分比以看过建议后分办的件为分母。"
    ),
    "handed_back": Figure("退回", "退回时间", "在这一段退回的次数，按退回的部门算；一件退回两次算两次。"),
    "due": Figure("到期", "办理时限", "办理时限在这一段、并且已经过了的件；时限按节假日和各渠道、部门的规定算出。"),
    "overdue": Figure("超期", "办理时限", "到期的件里，时限过后才办结、或到现在还没有办结的。"),
    "in_time": Figure("按时办结", "办理时限", "到期的件里，时限之内办结的；及时率以到期的件为分母。"),
}
"""All figures, in the order in which they are told."""

MEDIAN_WORDS = "从受理到首次分办的时间，取中间的一件：一半的件更快，一半更慢；按分办的时间归段，休息日也算在内。"

MOST_WAITS = 10_000
"""Of so many decisions at most is read how long they took."""

EVENT_OF = {figure: event for event in EVENTS for figure in event.figures}


@dataclass
class Row:
    """The figures of a span of time, or of one department, channel or urgency in all of it.

    Attributes
    ----------
    key : str or None
        The id or value it is of, empty where the cases have none; None for a span and for the whole.
    name : str
        What staff call it.
    span : Span
    scope : Scope
        With ``span``, which cases are counted.
    counts : Counter of str
        By the names of FIGURES.
    waits : list of timedelta
        From receipt to the first decision, of all cases decided or of an even share of them (`Flow.every`).
    """

    key: str | None
    name: str
    span: Span
    scope: Scope
    counts: Counter[str] = field(default_factory=Counter)
    waits: list[timedelta] = field(default_factory=list)

    @property
    def agreement(self) -> Share:
        """Of those decided with the suggestion in sight, how many as suggested."""
        return Share(self.counts["agreed"], self.counts["shown"])

    @property
    def punctuality(self) -> Share:
        """Of those that came due, how many were closed by then."""
        return Share(self.counts["in_time"], self.counts["due"])

    @property
    def median_wait(self) -> timedelta | None:
        """From receipt to the first decision; of an even number of cases the shorter one in the middle."""
        return median_low(self.waits) if self.waits else None


@dataclass(frozen=True)
class Flow:
    """The figures of a period: by its spans, by what it is parted by, and all together.

    Waiting is told from one of ``every`` decisions: from all of them, but where there are very many.
    """

    period: Period
    by: str
    scope: Scope
    spans: list[Row]
    parts: list[Row]
    total: Row
    every: int

    @property
    def empty(self) -> bool:
        """Whether nothing happened at all."""
        return not self.total.counts.total()


@dataclass(frozen=True)
class Standing:
    """How many cases of a status there are now, and how many of them are overdue or soon will be."""

    status: str
    cases: int
    overdue: int
    soon: int


def flow(session: Session, desk: Desk, period: Period, by: str, scope: Scope, now: datetime | None = None) -> Flow:
    """Count what happened to cases in a period.

    Raises
    ------
    NotAllowedError
        The actor may see no figures, or not those of the department.
    """
    desk.actor.require(Permission.WATCH)
    scope, now = seen(desk.actor, scope), now or datetime.now(UTC)
    total = Row(None, "", period.whole, scope)
    spans = [Row(None, "", span, scope) for span in period.spans]
    names = _names(desk.taxonomy, by, scope)
    parts = {key: _part(by, key, name, total) for key, name in names.items()}
    for row in spans:
        for event in EVENTS:
            for key, numbers in stored.count(session, event, within(desk, event, row.span, now), by, scope).items():
                part = parts.setdefault(key, _part(by, key, key or NOTHING[by], total))
                for one in (row, part, total):
                    one.counts.update(dict(zip(event.figures, numbers, strict=True)))
    every = _add_waits(session, desk, by, spans, parts, total)
    return Flow(period, by, scope, spans, _in_order(by, names, parts), total, every)


def sampled_in_words(flow: Flow) -> str:
    """That waiting is told from some of the decisions only; empty where it is told from all."""
    return f"件数很多，每 {flow.every} 件均匀抽取 1 件来算。" if flow.every > 1 else ""


def standing(session: Session, desk: Desk) -> list[Standing]:
    """How cases that are not closed stand now."""
    desk.actor.require(Permission.WATCH)

    def count(status: str, due: str | None = None) -> int:
        return stored_cases.count(session, filters_for(desk.actor, desk.office, Filters(status), due))

    return [Standing(one, count(one), count(one, "overdue"), count(one, "soon")) for one in (OPEN, DECIDED)]


def seen(actor: Actor, scope: Scope) -> Scope:
    """The scope for who asks: an account of one department counts its own cases only."""
    if actor.department and scope.department not in (None, actor.department):
        raise NotAllowedError("您的账号只能查看本部门的统计。")
    return replace(scope, department=actor.department or scope.department)


def within(desk: Desk, event: Event, span: Span, now: datetime) -> tuple[datetime, datetime]:
    """The moments of a span; a case is due when its time is over, which for some of the present span it is not yet."""
    start, end = span.bounds(desk.office.zone)
    return (start, min(end, now)) if event is stored.DUE else (start, end)


def _add_waits(session: Session, desk: Desk, by: str, spans: list[Row], parts: dict[str, Row], total: Row) -> int:
    ends = [row.span.bounds(desk.office.zone)[1] for row in spans]
    every = -(-total.counts["decided"] // MOST_WAITS) or 1
    for waited in stored.waits(session, total.span.bounds(desk.office.zone), by, total.scope, every):
        span = spans[bisect_right(ends, waited.decided_at)]
        for row in (span, parts[waited.value], total):
            row.waits.append(max(waited.decided_at - waited.received_at, timedelta()))
    return every


def _names(taxonomy: Taxonomy, by: str, scope: Scope) -> dict[str, str]:
    """The parts that are told even if nothing happened in them, in their order."""
    known = {
        "department": {one.id: one.name for one in taxonomy.departments},
        "urgency": {one.id: one.name for one in taxonomy.urgencies},
    }
    wanted = getattr(scope, by)
    return {key: name for key, name in known.get(by, {}).items() if wanted in (None, key)}


def _part(by: str, key: str, name: str, total: Row) -> Row:
    return Row(key, name, total.span, replace(total.scope, **{by: key}))


def _in_order(by: str, names: dict[str, str], parts: dict[str, Row]) -> list[Row]:
    """Those of the taxonomy in its order, then the others, where most came in first."""
    others = [one for key, one in parts.items() if key not in names]
    return [*(parts[key] for key in names), *sorted(others, key=lambda one: (-one.counts["received"], one.name))]
