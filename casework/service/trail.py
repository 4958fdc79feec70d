"""Reads the audit trail, also to tell who was quicker where two edit the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from backlog.tables import new_table
from casework.service.office import Office
from casework.service.permissions import Actor, Permission
from casework.service.trail_words import ACTIONS, Wording
from casework.storage import audit
from casework.storage.audit import Wanted
from casework.storage.database import Session
from casework.storage.tables import AuditEntry
from classifier.errors import ConflictError, InvalidInputError

MAX_EXPORTED = 100_000
_SET_NOTHING = ("user.signed_in", "user.signed_out", "user.sessions_ended", "user.password")
"""What is no reason to look again before setting something."""
_KINDS = ("case", "user", "token")


@dataclass(frozen=True)
class Filters:
    """Which entries are asked for; what is empty does not narrow.

    Attributes
    ----------
    subject : str
        As it stands in the trail, or the bare number of a case or name of an account or token.
    first, last : date or None
        Days of the office's calendar, both of them wanted.
    """

    actor: str = ""
    action: str = ""
    subject: str = ""
    first: date | None = None
    last: date | None = None


def entries(
    session: Session, actor: Actor, subject: str | None = None, before: int | None = None, limit: int = 100
) -> list[AuditEntry]:
    """The newest entries first, of one subject or of all, older than the entry ``before``."""
    actor.require(Permission.AUDIT)
    return audit.entries(session, subject, before, limit)


def search(
    session: Session, actor: Actor, office: Office, filters: Filters, before: int | None = None, limit: int = 50
) -> tuple[list[AuditEntry], int | None]:
    """The newest entries first, and where those after them begin; None at the end."""
    actor.require(Permission.AUDIT)
    found = audit.search(session, _wanted(office, filters), before, limit + 1)
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def export(session: Session, actor: Actor, office: Office, filters: Filters, wording: Wording, path: Path) -> int:
    """Write the entries to a .csv or .xlsx file, the newest first; how many.

    Raises
    ------
    InvalidInputError
        There are more than 100,000.
    """
    actor.require(Permission.AUDIT)
    found = audit.search(session, _wanted(office, filters), limit=MAX_EXPORTED + 1)
    if len(found) > MAX_EXPORTED:
        raise InvalidInputError(f"超过 {MAX_EXPORTED} 条，一次导不出，请用日期缩小范围，分几次导出。")
    with new_table(path) as out:
        out.writerow(["编号", "时间", "谁", "做了什么", "对象", "改动"])
        for one in found:
            moment = f"{one.at.astimezone(office.zone):%Y-%m-%d %H:%M:%S}"
            told = "；".join(change.in_words for change in wording.changes(one))
            out.writerow(
                [str(one.id), moment, one.actor, ACTIONS.get(one.action, one.action), wording.subject(one), told]
            )
    return len(found)


def seen(session: Session, subjects: Sequence[str]) -> int:
    """What somebody who is shown these subjects has seen of them: the number of their newest change."""
    return newest.id if (newest := _newest_change(session, subjects)) else 0


def check_unchanged(session: Session, office: Office, subjects: Sequence[str], seen_until: int) -> None:
    """Refuse a change by somebody who has not seen the newest one; call it before changing, in the transaction.

    Raises
    ------
    ConflictError
        Somebody was quicker; the message says who and when.
    """
    for subject in sorted(subjects):
        audit.hold(session, subject)
    newest = _newest_change(session, subjects)
    if newest and newest.id > seen_until:
        moment = newest.at.astimezone(office.zone)
        raise ConflictError(
            f"“{newest.actor}”已在 {moment:%m-%d %H:%M} 改过，下面是现在的值；您填的还没有保存，请核对后再保存。"
        )


def _newest_change(session: Session, subjects: Sequence[str]) -> AuditEntry | None:
    actions = [one for one in ACTIONS if one not in _SET_NOTHING]
    return next(iter(audit.search(session, Wanted(subjects, actions=actions), limit=1)), None)


def _wanted(office: Office, filters: Filters) -> Wanted:
    bare = filters.subject.strip()
    return Wanted(
        subjects=(bare, *(f"{kind} {bare}" for kind in _KINDS)) if bare else (),
        actor=filters.actor.strip() or None,
        actions=(filters.action,) if filters.action else (),
        since=_midnight(office, filters.first) if filters.first else None,
        until=_midnight(office, filters.last + timedelta(days=1)) if filters.last else None,
    )


def _midnight(office: Office, day: date) -> datetime:
    return datetime.combine(day, time(), office.zone)
