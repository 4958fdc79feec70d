"""Accepts many certain suggestions at once, each as a decision of its own, and takes all of them back."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from casework.service.decide import Choice, decide
from casework.service.desk import Desk, Line, find
from casework.service.listing import filters_for
from casework.service.permissions import Permission
from casework.service.queue import Wanted, searched
from casework.service.withdraw import withdraw
from casework.storage import cases as stored
from casework.storage import lists, withdrawals
from casework.storage.cases import OPEN
from casework.storage.database import Database, Session
from casework.storage.tables import Case
from classifier.errors import ConflictError, InvalidInputError, NotFoundError

MOST = 500
"""So many are accepted in one go, so that a person can still look at what they accept."""

REASON = "批量接受建议"
_AT_ONCE = 25

_One = TypeVar("_One")


@dataclass(frozen=True)
class Preview:
    """What would be accepted: cases with their first lines, the least sure first, and how many more there are."""

    lines: list[Line]
    more: int

    @property
    def departments(self) -> Counter[str]:
        """How many would go to each department."""
        return Counter(str(line.case.department) for line in self.lines)

    @property
    def urgencies(self) -> Counter[str]:
        """How many are of each level."""
        return Counter(line.case.urgency or "" for line in self.lines)


@dataclass(frozen=True)
class Accepted:
    """What came of it: how many were done, and why others were not, in words."""

    batch: str
    done: int
    skipped: list[str]


@dataclass(frozen=True)
class Batch:
    """Decisions made in one go: the cases, and how many of them can still be withdrawn."""

    cases: list[Case]
    withdrawable: list[Case]
    made_by: str


def preview(session: Session, desk: Desk, wanted: Wanted, numbers: Sequence[str] | None = None) -> Preview:
    """The certain ones among the cases of these numbers, or among all the queue shows."""
    desk.actor.require(Permission.DECIDE)
    wanted, _ = searched(session, wanted)
    filters = filters_for(desk.actor, desk.office, wanted.filters, wanted.due)
    if numbers is not None:
        filters = replace(filters, among=tuple(stored.id_in(number) or 0 for number in numbers[:MOST]))
    if filters.status != OPEN or filters.needs_review:
        return Preview([], 0)
    certain = replace(filters, needs_review=False)
    lines = [line for line in lists.page(session, certain, None, MOST, lists.Sort.UNSURE) if line.case.department]
    return Preview(lines, stored.count(session, certain) - len(lines))


def accept(database: Database, desk: Desk, chosen: Sequence[tuple[str, int]]) -> Accepted:
    """Decide the cases as suggested, each as it was at its version; others keep the desk working meanwhile.

    Cases that somebody changed since, or that need a look by now, are skipped and told.

    Raises
    ------
    InvalidInputError
        None or too many are chosen.
    """
    desk.actor.require(Permission.DECIDE)
    if not 1 <= len(chosen) <= MOST:
        raise InvalidInputError(f"选了 {len(chosen)} 件；一次可以接受 1 到 {MOST} 件，请重新选。")
    batch = secrets.token_hex(8)
    skipped = _each(database, chosen, lambda session, one: _accept(session, desk, *one, batch))
    return Accepted(batch, len(chosen) - len(skipped), skipped)


def find_batch(session: Session, desk: Desk, batch: str) -> Batch:
    """What was accepted in one go.

    Raises
    ------
    NotFoundError
        There is no such batch.
    """
    desk.actor.require(Permission.DECIDE)
    made = withdrawals.decisions_of(session, batch)
    if not made:
        raise NotFoundError(f"没有“{batch[:20]}”这一批，请从待分办重新开始。")
    cases = [case for _, case in made]
    own = [case for decision, case in made if withdrawals.is_last_change(decision, case)]
    return Batch(cases, own, made[0][0].made_by)


def withdraw_batch(database: Database, desk: Desk, batch: str) -> Accepted:
    """Withdraw every decision of a batch whose case nobody has changed since; what cannot be is told."""
    with database.reading() as session:
        found = find_batch(session, desk, batch)
    skipped = _each(
        database, found.withdrawable, lambda session, case: withdraw(session, desk, case.number, case.version)
    )
    return Accepted(batch, len(found.withdrawable) - len(skipped), skipped)


def _each(database: Database, chosen: Sequence[_One], change: Callable[[Session, _One], object]) -> list[str]:
    """Change a few at a time, so that others can work in between; why some could not be changed."""
    skipped, waiting = list[str](), iter(chosen)
    while some := list(islice(waiting, _AT_ONCE)):
        with database.writing() as session:
            for one in some:
                try:
                    change(session, one)
                except (ConflictError, NotFoundError, InvalidInputError) as error:
                    skipped.append(str(error))
    return skipped


def _accept(session: Session, desk: Desk, number: str, version: int, batch: str) -> None:
    case = find(session, desk.actor, number, Permission.DECIDE)
    if case.version == version and not (case.status == OPEN and case.certain and case.department):
        raise ConflictError(f"{number} 现在要人工复核，没有接受。")
    choice = Choice(str(case.department), case.assist, None, REASON)
    decide(session, desk, number, version, choice, batch)
