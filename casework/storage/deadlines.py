"""Holidays and response times that an office has set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from casework.storage.tables import DeadlineRule, Holiday


def holidays(session: Session) -> list[Holiday]:
    """Days that are not as their weekday says, in order."""
    return list(session.scalars(select(Holiday).order_by(Holiday.day)))


def put_holidays(session: Session, days: Mapping[date, tuple[bool, str]]) -> None:
    """Set days (whether worked, name), in place of what was set for them."""
    session.execute(delete(Holiday).where(Holiday.day.in_(list(days))))
    session.add_all(Holiday(day=day, working=working, name=name) for day, (working, name) in days.items())


def remove_holidays(session: Session, days: Sequence[date]) -> None:
    """Let days be as their weekday says again."""
    session.execute(delete(Holiday).where(Holiday.day.in_(days)))


def rules(session: Session) -> list[DeadlineRule]:
    """All response times that differ from the taxonomy's."""
    order = (DeadlineRule.channel, DeadlineRule.department, DeadlineRule.urgency)
    return list(session.scalars(select(DeadlineRule).order_by(*order)))


def put_rule(session: Session, rule: DeadlineRule) -> None:
    """Set a response time, in place of the one for the same channel, department and urgency."""
    session.merge(rule)


def remove_rule(session: Session, channel: str, department: str, urgency: str) -> bool:
    """Take a response time back; False where there was none."""
    rule = session.get(DeadlineRule, (channel, department, urgency))
    if rule:
        session.delete(rule)
    return rule is not None
