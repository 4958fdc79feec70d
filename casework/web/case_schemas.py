"""The shapes of cases in the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from casework.service.deadlines import state
from casework.service.desk import Case, Desk, Detail, Line, SuggestionMade
from casework.service.listing import Page
from casework.web.schemas import Input, NamedOut
from classifier.records import MAX_CHARS


class CaseIn(Input):
    """A complaint to register."""

    title: str = Field("", max_length=MAX_CHARS, description="标题，可以为空")
    text: str = Field(max_length=MAX_CHARS, description="诉求内容；存入前隐去个人信息")
    channel: str = Field("", description="渠道，如 12345热线、来信、来访")
    place: str = Field("", description="事发地点，可以为空")
    reference: str | None = Field(None, min_length=1, description="来文编号；同一编号只登记一次")
    received_at: datetime | None = Field(None, description="受理时间；不写则为现在，不带时区则按本单位时区")


class CaseQuery(Input):
    """Which cases to list."""

    status: str = Field("open", description="open 待分办 | decided 已分办 | closed 已办结")
    department: str | None = None
    urgency: str | None = None
    channel: str | None = None
    place: str | None = None
    needs_review: bool | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None
    due: str | None = Field(None, description="overdue 已超时 | soon 快到时")
    sort: str = Field(
        "due", description="due 须复核的在前，再按剩余时间 | unsure 最没把握的在前 | received 最新收到的在前"
    )
    cursor: str | None = Field(None, description="上一页的 next_cursor")
    limit: int = 50


class DecisionIn(Input):
    """分办: what is decided, on the case as it was at ``version``."""

    version: int = Field(description="看到的诉求件的 version；若已被别人改过则退回 409")
    department: str
    assist: str | None = None
    urgency: str | None = Field(None, description="不写则不变")
    reason: str = ""


class WithdrawalIn(Input):
    """撤回."""

    version: int


class HandBackIn(Input):
    """退回."""

    version: int
    reason: str


class OutcomeIn(Input):
    """办结."""

    version: int
    department: str | None = Field(None, description="实际办理的部门；不写则为分办的部门")
    note: str = ""


class CaseOut(BaseModel):
    """Where a case stands; ``department`` is the suggested one while it is open, then the decided one."""

    number: str
    reference: str | None
    status: str
    version: int
    channel: str
    place: str
    received_at: datetime
    registered_at: datetime
    title: str
    department: NamedOut | None
    assist: NamedOut | None
    urgency: NamedOut | None
    needs_review: bool
    blind: bool = Field(description="盲件：分办以后才显示建议的部门")
    due_at: datetime
    due: str | None = Field(description="overdue | soon | later；办结后为空")
    closed_at: datetime | None


class CaseLineOut(CaseOut):
    """A case in a list."""

    first_line: str
    confidence: float | None


class CasesOut(BaseModel):
    """A page of cases."""

    cases: list[CaseLineOut]
    next_cursor: str | None = Field(description="取下一页用；没有下一页则为空")


class SuggestionMadeOut(BaseModel):
    """What a model suggested for a case."""

    made_at: datetime
    model_version: str
    department: NamedOut
    confidence: float
    assist: NamedOut | None
    urgency: NamedOut | None
    urgency_confidence: float | None
    needs_review: bool
    current: bool = Field(description="是否为当前建议；批量更新撤销后，当前的不是最后一条")
    details: dict[str, Any]


class EventOut(BaseModel):
    """What somebody did to a case, and who withdrew it when; empty where it stands."""

    made_at: datetime
    made_by: str
    withdrawn_at: datetime | None = Field(description="撤回的时间；没有撤回则为空")
    withdrawn_by: str | None


class DecisionOut(EventOut):
    """A decision, by whom and when."""

    department: NamedOut
    assist: NamedOut | None
    urgency: NamedOut | None
    agreed: bool | None = Field(description="与建议的部门相同；没有建议则为空")
    reason: str


class HandBackOut(EventOut):
    """A hand-back, by whom and when."""

    department: NamedOut | None
    reason: str


class OutcomeOut(EventOut):
    """How a case was closed."""

    department: NamedOut
    note: str


class CaseDetailOut(CaseOut):
    """A case with its masked text and all that happened to it."""

    text: str
    suggestions: list[SuggestionMadeOut]
    decisions: list[DecisionOut]
    hand_backs: list[HandBackOut]
    outcomes: list[OutcomeOut]


class OriginalOut(BaseModel):
    """A complaint as it came."""

    title: str
    text: str


class CaseShapes:
    """Turns cases into the API's shapes, at one moment, with today's names of departments and levels."""

    def __init__(self, desk: Desk, now: datetime) -> None:
        self._desk, self._now = desk, now
        labels = (*desk.taxonomy.departments, *desk.taxonomy.urgencies)
        self._names = {label.id: label.name for label in labels}

    def case(self, case: Case) -> dict[str, Any]:
        """The fields of CaseOut."""
        labels = {name: self._named(getattr(case, name)) for name in ("department", "assist", "urgency")}
        plain = ("number", "reference", "status", "version", "channel", "place", "title", "blind")
        moments = ("received_at", "registered_at", "due_at", "closed_at")
        return {
            **{name: getattr(case, name) for name in plain},
            **{name: self._local(getattr(case, name)) for name in moments},
            **labels,
            "needs_review": not case.certain,
            "due": state(case, self._desk.office, self._now),
        }

    def page(self, page: Page) -> CasesOut:
        """A page of a list."""
        return CasesOut(cases=[self._line(line) for line in page.lines], next_cursor=page.next_cursor)

    def detail(self, found: Detail) -> CaseDetailOut:
        """A case with its history."""
        return CaseDetailOut(
            **self.case(found.case),
            text=found.case.text,
            suggestions=[self._suggestion(one, found.case) for one in found.suggestions],
            decisions=[
                DecisionOut(**self._event(found, one, "assist", "urgency"), agreed=one.agreed, reason=one.reason)
                for one in found.decisions
            ],
            hand_backs=[HandBackOut(**self._event(found, one), reason=one.reason) for one in found.hand_backs],
            outcomes=[OutcomeOut(**self._event(found, one), note=one.note) for one in found.outcomes],
        )

    def _line(self, line: Line) -> CaseLineOut:
        first_line = line.first_line.strip().partition("\n")[0]
        return CaseLineOut(**self.case(line.case), first_line=first_line, confidence=line.confidence)

    def _suggestion(self, made: SuggestionMade, case: Case) -> SuggestionMadeOut:
        return SuggestionMadeOut(
            made_at=self._local(made.made_at),
            model_version=made.model_version,
            department=self._named(made.department),
            confidence=made.department_confidence,
            assist=self._named(made.assist),
            urgency=self._named(made.urgency),
            urgency_confidence=made.urgency_confidence,
            needs_review=made.needs_review,
            current=made.id == case.suggestion_id,
            details=made.details,
        )

    def _event(self, found: Detail, event: Any, *more: str) -> dict[str, Any]:
        labels = {name: self._named(getattr(event, name)) for name in ("department", *more)}
        withdrawal = found.withdrawal(event)
        return {
            "made_at": self._local(event.made_at),
            "made_by": event.made_by,
            "withdrawn_at": withdrawal and self._local(withdrawal.made_at),
            "withdrawn_by": withdrawal and withdrawal.made_by,
            **labels,
        }

    def _named(self, label: str | None) -> Any:
        # A department that is no longer in the taxonomy keeps its id.
        return NamedOut(id=label, name=self._names.get(label, label)) if label else None

    def _local(self, moment: datetime | None) -> Any:
        return moment and moment.astimezone(self._desk.office.zone)
