"""By when somebody must respond: the taxonomy's hours, or what the office set for a channel or department."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from casework.service.office import Calendar, Office
from casework.service.permissions import Actor, Permission
from casework.storage import audit
from casework.storage import deadlines as stored
from casework.storage.database import Session
from casework.storage.tables import Case, DeadlineRule, Holiday
from classifier.errors import InvalidInputError, NotFoundError
from classifier.taxonomy import Taxonomy

__all__ = [
    "HOLIDAYS",
    "LATER",
    "OVERDUE",
    "SOON",
    "DeadlineRule",
    "Deadlines",
    "list_holidays",
    "list_rules",
    "remove_holidays",
    "remove_rule",
    "set_holidays",
    "set_rule",
    "state",
    "subject",
]

OVERDUE, SOON, LATER = "overdue", "soon", "later"
HOLIDAYS = "holidays"
"""What the audit trail calls days that are not as their weekday says."""


class Deadlines:
    """An office's response times, read once for as many cases as are at hand."""

    def __init__(self, session: Session, office: Office, taxonomy: Taxonomy) -> None:
        exceptions = {one.day: one.working for one in stored.holidays(session)}
        self._calendar = Calendar(office.zone, exceptions)
        self._rules = {(one.channel, one.department, one.urgency): one for one in stored.rules(session)}
        self._taxonomy = taxonomy

    def due(self, received_at: datetime, channel: str, department: str | None, urgency: str | None) -> datetime:
        """When a case is due.

        The rule for its channel and department goes before that for its department, this before
        that for its channel, this before that for all; without one the taxonomy's hours count.
        A case without urgency, or of a level the taxonomy no longer has, is due like the mildest.
        """
        levels = {level.id: level.respond_within_hours for level in self._taxonomy.urgencies}
        level = urgency if urgency in levels else next(iter(levels), "")
        for key in ((channel, department or ""), ("", department or ""), (channel, ""), ("", "")):
            if rule := self._rules.get((*key, level)):
                return self._calendar.after(received_at, rule.hours, rule.working_days)
        return self._calendar.after(received_at, levels.get(level, _NO_LEVELS_HOURS), working_days=False)


_MAX_NAME = 200
_NO_LEVELS_HOURS = 168.0
"""A week, the usual promise, where a taxonomy has no levels of urgency."""


def state(case: Case, office: Office, now: datetime) -> str | None:
    """How a case stands against its due time; None once it is closed."""
    if case.closed_at:
        return None
    left_hours = (case.due_at - now).total_seconds() / 3600
    return OVERDUE if left_hours < 0 else SOON if left_hours <= office.due_soon_hours else LATER


def list_rules(session: Session) -> list[DeadlineRule]:
    """All response times that differ from the taxonomy's."""
    return stored.rules(session)


def list_holidays(session: Session) -> list[Holiday]:
    """Days that are not as their weekday says, in order."""
    return stored.holidays(session)


def set_rule(session: Session, actor: Actor, taxonomy: Taxonomy, rule: DeadlineRule) -> None:
    """Set a response time; it counts for cases registered or decided from now on.

    Raises
    ------
    InvalidInputError
        The department or level is unknown, or the hours are not above 0.
    """
    actor.require(Permission.OFFICE)
    if rule.department and taxonomy.department_id(rule.department) != rule.department:
        raise InvalidInputError(f"没有“{rule.department}”这个部门。", field="department")
    if taxonomy.urgency_id(rule.urgency) != rule.urgency:
        known = "、".join(level.id for level in taxonomy.urgencies)
        raise InvalidInputError(f"没有“{rule.urgency}”这一级紧急程度，应为 {known}。", field="urgency")
    _check_name("渠道", rule.channel, "channel")
    if not 0 < rule.hours <= 24 * 366:
        raise InvalidInputError(f"时限 {rule.hours:g} 小时不对，应大于 0，不超过一年。", field="hours")
    rule.channel = rule.channel.strip()  # as that of a case is
    old = _standing(session, _key(rule))
    stored.put_rule(session, rule)
    audit.record(session, actor.name, "deadline.set", subject(*_key(rule)), old, _rule_out(rule))


def set_for_level(
    session: Session, actor: Actor, taxonomy: Taxonomy, level: str, hours: float, working_days: bool
) -> None:
    """Set the response time of a level for all cases without a rule of their own.

    What ``taxonomy``, as the model has it, says of the level needs no rule.
    """
    own = next((one.respond_within_hours for one in taxonomy.urgencies if one.id == level), None)
    standing = _standing(session, ("", "", level))
    if (hours, working_days) == (own, False):
        if standing:
            remove_rule(session, actor, "", "", level)
        return
    rule = DeadlineRule(channel="", department="", urgency=level, hours=hours, working_days=working_days)
    if standing != _rule_out(rule):
        set_rule(session, actor, taxonomy, rule)


def remove_rule(session: Session, actor: Actor, channel: str, department: str, urgency: str) -> None:
    """Take a response time back.

    Raises
    ------
    NotFoundError
    """
    actor.require(Permission.OFFICE)
    key = channel.strip(), department, urgency
    old = _standing(session, key)
    if not stored.remove_rule(session, *key):
        raise NotFoundError("没有这一条时限，请先查看已有的时限。")
    audit.record(session, actor.name, "deadline.removed", subject(*key), old)


def set_holidays(session: Session, actor: Actor, days: Mapping[date, tuple[bool, str]]) -> None:
    """Set days that are not as their weekday says: (whether worked, name)."""
    actor.require(Permission.OFFICE)
    if not days:
        return
    old = {str(one.day): _holiday_out(one) for one in stored.holidays(session) if one.day in days}
    for _, name in days.values():
        _check_name("名称", name)
    stored.put_holidays(session, days)
    new = {str(day): {"working": working, "name": name} for day, (working, name) in days.items()}
    audit.record(session, actor.name, "holidays.set", HOLIDAYS, old or None, new)


def remove_holidays(session: Session, actor: Actor, days: list[date]) -> None:
    """Let days be as their weekday says again."""
    actor.require(Permission.OFFICE)
    if not days:
        return
    old = {str(one.day): _holiday_out(one) for one in stored.holidays(session) if one.day in days}
    stored.remove_holidays(session, days)
    audit.record(session, actor.name, "holidays.removed", HOLIDAYS, old or None)


def _standing(session: Session, key: tuple[str, str, str]) -> dict[str, float | bool] | None:
    return next((_rule_out(one) for one in stored.rules(session) if _key(one) == key), None)


def _check_name(what: str, value: str, field: str = "") -> None:
    if len(value) > _MAX_NAME:
        raise InvalidInputError(f"{what}“{value[:20]}…”过长，最多 {_MAX_NAME} 字。", field)


def _key(rule: DeadlineRule) -> tuple[str, str, str]:
    return rule.channel, rule.department, rule.urgency


def subject(channel: str, department: str, urgency: str) -> str:
    """What the audit trail calls a response time."""
    return f"deadline {channel or '*'}/{department or '*'}/{urgency}"


def _rule_out(rule: DeadlineRule) -> dict[str, float | bool]:
    return {"hours": rule.hours, "working_days": rule.working_days}


def _holiday_out(holiday: Holiday) -> dict[str, str | bool]:
    return {"working": holiday.working, "name": holiday.name}
