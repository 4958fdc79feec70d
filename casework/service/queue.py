"""The queue as staff see it: a page of it, the counts beside its filters, and what is new to whoever looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from casework.service import clock
from casework.service.deadlines import LATER, OVERDUE, SOON
from casework.service.desk import Case
from casework.service.listing import Filters, Page, filters_for, neighbours_of, page_of
from casework.service.office import Office
from casework.service.permissions import Actor, Permission
from casework.storage import accounts, lists
from casework.storage import cases as stored
from casework.storage.database import Database, Session
from casework.storage.lists import Sort, Tally

SEARCHED = 20_000
"""A text is looked for in so many of the newest cases of a status."""

MOST_FOUND = 1000
_FEW = 1000
_NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class Wanted:
    """What somebody asks the queue for; ``due`` is "overdue", "soon" or None for any."""

    filters: Filters
    text: str = ""
    due: str | None = None
    sort: str = Sort.DUE
    cursor: str | None = None


@dataclass(frozen=True)
class Counts:
    """How many cases each choice of a filter would show, the other filters being as they are.

    ``certain`` are those shown that need no review and have a department to accept.
    """

    departments: Counter[str | None]
    urgencies: Counter[str | None]
    due: Counter[str]
    review: int
    certain: int
    total: int


@dataclass(frozen=True)
class Look:
    """What the queue shows; ``not_all_searched`` tells that a text was not looked for in older cases."""

    page: Page
    counts: Counts
    not_all_searched: bool
    too_many_found: bool


def look(session: Session, actor: Actor, office: Office, wanted: Wanted, limit: int = 50) -> Look:
    """A page of the queue, with its counts.

    Raises
    ------
    InvalidInputError
        A filter, order or cursor has a value that cannot be.
    """
    actor.require(Permission.READ)
    wanted, not_all_searched = searched(session, wanted)
    too_many_found = len(wanted.filters.among or ()) == MOST_FOUND
    filters = filters_for(actor, office, wanted.filters, wanted.due)
    counted = _counts(session, actor, office, wanted)
    if counted.total <= _FEW:
        # No index has both the filters and the order: few are found first and put in order then.
        filters = replace(filters, among=lists.ids(session, filters))
    page = page_of(session, filters, wanted.cursor, limit, wanted.sort)
    return Look(page, counted, not_all_searched, too_many_found)


def counts(session: Session, actor: Actor, office: Office, wanted: Wanted) -> Counts:
    """The counts alone."""
    actor.require(Permission.READ)
    return _counts(session, actor, office, searched(session, wanted)[0])


def neighbours(
    session: Session, actor: Actor, office: Office, wanted: Wanted, case: Case
) -> tuple[Case | None, Case | None]:
    """The cases before and after one in the queue, be it in it or not."""
    actor.require(Permission.READ)
    wanted, _ = searched(session, wanted)
    return neighbours_of(session, filters_for(actor, office, wanted.filters, wanted.due), case, wanted.sort)


def found_by_number(session: Session, actor: Actor, text: str) -> Case | None:
    """The case whose number or reference was typed, if the actor may see it."""
    actor.require(Permission.READ)
    text = text.strip()
    case = stored.get(session, text) or (stored.by_reference(session, text) if text else None)
    return case if case and actor.department in (None, case.department) else None


def note_visit(database: Database, user_id: int, seen_at: datetime | None) -> None:
    """Remember that somebody looked at the queue, now; ``seen_at`` is what was remembered before."""
    now = clock.now()
    if seen_at is None or now > seen_at + _NOTED_EVERY:
        with database.writing() as session:
            accounts.user_of(session, user_id).queue_seen_at = now


def searched(session: Session, wanted: Wanted) -> tuple[Wanted, bool]:
    """The same with its text looked for, and whether older cases were left out."""
    if not (text := wanted.text.strip()):
        return wanted, False
    status = wanted.filters.status
    among = lists.search(session, status, text, SEARCHED, MOST_FOUND)
    found = replace(wanted, filters=replace(wanted.filters, among=among), text="")
    return found, lists.more_than(session, status, SEARCHED)


def _counts(session: Session, actor: Actor, office: Office, wanted: Wanted) -> Counts:
    now = datetime.now(UTC)
    filters = replace(filters_for(actor, office, wanted.filters), urgency=None, needs_review=None)
    if actor.department is None:
        filters = replace(filters, department=None)
    rows = lists.tallies(session, filters, (now, now + timedelta(hours=office.due_soon_hours)))
    return _faceted(rows, wanted)


def _faceted(rows: Iterable[Tally], wanted: Wanted) -> Counts:
    """Add rows up for each filter, where they meet all the others."""
    chosen = wanted.filters
    departments, urgencies, dues, sums = Counter[str | None](), Counter[str | None](), Counter[str](), Counter[str]()
    for row in rows:
        due = (OVERDUE, SOON, LATER)[row.due]
        meets = {
            "department": chosen.department in (None, row.department),
            "urgency": chosen.urgency in (None, row.urgency),
            "due": wanted.due in (None, due),
            "review": chosen.needs_review in (None, not row.certain),
        }
        fails = {name for name, holds in meets.items() if not holds}
        departments[row.department] += row.cases * (fails <= {"department"})
        urgencies[row.urgency] += row.cases * (fails <= {"urgency"})
        dues[due] += row.cases * (fails <= {"due"})
        sums["review"] += row.cases * (fails <= {"review"} and not row.certain)
        sums["certain"] += row.cases * (not fails and bool(row.certain) and row.department is not None)
        sums["total"] += row.cases * (not fails)
    return Counts(departments, urgencies, dues, sums["review"], sums["certain"], sums["total"])
