"""The API for what an office sets, days off and response times, and for its audit trail."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from casework.service import deadlines
from casework.service.trail import entries
from casework.storage.database import Session
from casework.web.access import current_actor
from casework.web.database import database
from casework.web.desk import desk
from casework.web.schemas import Input

blueprint = APIBlueprint("office", __name__, url_prefix="/api/v1", tag="office")


class DayOut(BaseModel):
    """A day that is not as its weekday says."""

    model_config = ConfigDict(from_attributes=True)

    day: dt.date
    working: bool = Field(description="true 为调休上班，false 为放假")
    name: str


class DaysOut(BaseModel):
    """Such days, in order."""

    holidays: list[DayOut]


class DayIn(Input):
    """Such a day, set or taken back (``working`` left out)."""

    day: dt.date
    working: bool | None = Field(description="空则删去，按星期算")
    name: str = Field("", max_length=200)


class DaysIn(Input):
    """Days to set or take back."""

    holidays: list[DayIn] = Field(min_length=1, max_length=1000)


class RuleOut(BaseModel):
    """A response time; empty channel or department means any."""

    model_config = ConfigDict(from_attributes=True)

    channel: str
    department: str
    urgency: str
    hours: float
    working_days: bool


class RulesOut(BaseModel):
    """All response times that differ from the taxonomy's."""

    deadlines: list[RuleOut]


class RuleIn(Input):
    """A response time to set, or to take back (``hours`` null)."""

    channel: str = Field("", max_length=200, description="空为任何渠道")
    department: str = Field("", description="空为任何部门")
    urgency: str
    hours: float | None = Field(description="几小时内响应；空则删去这一条")
    working_days: bool = Field(False, description="只算工作日，24 小时为一个工作日")


class AuditQuery(Input):
    """Which entries of the audit trail."""

    subject: str | None = Field(None, description="如 case 2026-000001、model")
    before: int | None = Field(None, ge=0, lt=2**63, description="只要比这一条更早的")
    limit: int = Field(100, ge=1, le=1000)


class EntryOut(BaseModel):
    """A change, with the values before and after."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: dt.datetime
    actor: str
    action: str
    subject: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None


class TrailOut(BaseModel):
    """The newest entries first."""

    entries: list[EntryOut]


@blueprint.get("/holidays")
@blueprint.output(DaysOut)
@blueprint.doc(summary="节假日和调休")
def list_days() -> DaysOut:
    """List days that are not as their weekday says."""
    with database().reading() as session:
        return _days(session)


@blueprint.put("/holidays")
@blueprint.input(DaysIn, arg_name="days")
@blueprint.output(DaysOut)
@blueprint.doc(summary="设置节假日和调休", description="只改列出的日子。")
def set_days(days: DaysIn) -> DaysOut:
    """Set or take back some days."""
    with database().writing() as session:
        to_set = {one.day: (one.working, one.name) for one in days.holidays if one.working is not None}
        deadlines.set_holidays(session, current_actor(), to_set)
        deadlines.remove_holidays(session, current_actor(), [one.day for one in days.holidays if one.working is None])
        return _days(session)


@blueprint.get("/deadlines")
@blueprint.output(RulesOut)
@blueprint.doc(summary="各渠道、部门的时限")
def list_rules() -> RulesOut:
    """List response times."""
    with database().reading() as session:
        return _rules(session)


@blueprint.put("/deadlines")
@blueprint.input(RuleIn, arg_name="rule")
@blueprint.output(RulesOut)
@blueprint.doc(summary="设置一条时限", description="以后登记或分办的诉求件按它算。")
def set_rule(rule: RuleIn) -> RulesOut:
    """Set or take back a response time."""
    key = {"channel": rule.channel, "department": rule.department, "urgency": rule.urgency}
    own = desk()
    with database().writing() as session:
        if rule.hours is None:
            deadlines.remove_rule(session, own.actor, **key)
        else:
            new = deadlines.DeadlineRule(**key, hours=rule.hours, working_days=rule.working_days)
            deadlines.set_rule(session, own.actor, own.taxonomy, new)
        return _rules(session)


@blueprint.get("/audit")
@blueprint.input(AuditQuery, location="query", arg_name="query")
@blueprint.output(TrailOut)
@blueprint.doc(summary="操作记录", description="每一次改动，连同改动前后的值；只增不改。")
def trail(query: AuditQuery) -> TrailOut:
    """Show the audit trail."""
    with database().reading() as session:
        found = entries(session, current_actor(), query.subject, query.before, query.limit)
        return TrailOut(entries=[EntryOut.model_validate(one) for one in found])


def _days(session: Session) -> DaysOut:
    return DaysOut(holidays=[DayOut.model_validate(one) for one in deadlines.list_holidays(session)])


def _rules(session: Session) -> RulesOut:
    return RulesOut(deadlines=[RuleOut.model_validate(one) for one in deadlines.list_rules(session)])
