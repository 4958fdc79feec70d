"""Lists cases page by page: those to be looked at closely first, then by time left, or in another order."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from casework.service.deadlines import OVERDUE, SOON
from casework.service.desk import STATUS_NAMES, Case, may_see_suggestion
from casework.service.office import Office
from casework.service.permissions import Actor, Permission
from casework.storage import lists
from casework.storage.cases import NO_ID, Filters
from casework.storage.database import Session
from casework.storage.lists import Line, Place, Sort
from classifier.errors import InvalidInputError

__all__ = [
    "MAX_LIMIT",
    "Filters",
    "Line",
    "Page",
    "Sort",
    "filters_for",
    "line_of",
    "list_cases",
    "neighbours_of",
    "page_of",
]

MAX_LIMIT = 200


@dataclass(frozen=True)
class Page:
    """Some cases, and the cursor that asks for those after them; None at the end."""

    lines: list[Line]
    next_cursor: str | None


def list_cases(
    session: Session,
    actor: Actor,
    office: Office,
    wanted: Filters,
    due: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
    sort: str = Sort.DUE,
) -> Page:
    """The cases after ``cursor`` that the actor may see.

    The cost of a page does not depend on how far down it is.

    Raises
    ------
    InvalidInputError
        The cursor is none that a page gave, or a filter has a value that cannot be.
    """
    actor.require(Permission.READ)
    return page_of(session, filters_for(actor, office, wanted, due), cursor, limit, sort)


def page_of(session: Session, filters: Filters, cursor: str | None, limit: int, sort: str) -> Page:
    """The cases after ``cursor``, of filters that :func:`filters_for` made."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInputError(f"每页 {limit} 件不行，应为 1 到 {MAX_LIMIT}。")
    order = _order(sort)
    lines = lists.page(session, filters, _place(order, cursor) if cursor else None, limit + 1, order)
    more = len(lines) > limit
    return Page([_shown(line) for line in lines[:limit]], _cursor(order, lines[limit - 1]) if more else None)


def neighbours_of(session: Session, filters: Filters, case: Case, sort: str) -> tuple[Case | None, Case | None]:
    """The cases before and after where one stands, or would stand, in a list."""
    order = _order(sort)
    here = lists.place_of(Line(case, "", None), order)
    before = lists.page(session, filters, here, 1, order, backwards=True)
    after = lists.page(session, filters, here, 1, order)
    return before[0].case if before else None, after[0].case if after else None


def line_of(session: Session, case: Case) -> Line:
    """A case as a list shows it."""
    (line,) = lists.lines(session, [case.id])
    return _shown(line)


def filters_for(actor: Actor, office: Office, wanted: Filters, due: str | None = None) -> Filters:
    """What is asked for, as it is now and for who asks; ``due`` is "overdue", "soon" or None for any.

    Moments without a zone are the office's.
    """
    if wanted.status not in STATUS_NAMES:
        raise InvalidInputError(f"没有“{wanted.status[:20]}”这种状态，应为 {'、'.join(STATUS_NAMES)}。")
    if due not in (None, OVERDUE, SOON):
        raise InvalidInputError(f"due 的值“{due[:20]}”不对，应为 {OVERDUE} 或 {SOON}。")
    # A clerk of one department asks for another's cases in vain, not for all.
    if actor.department and wanted.department not in (None, actor.department):
        raise InvalidInputError(f"您的账号只能查看 {actor.department} 的诉求件。")
    now = datetime.now(UTC)
    spans = {
        None: (wanted.due_from, wanted.due_before),
        OVERDUE: (None, now),
        SOON: (now, now + timedelta(hours=office.due_soon_hours)),
    }
    due_from, due_before = spans[due]
    return replace(
        wanted,
        department=actor.department or wanted.department,
        received_from=_in_zone(office, wanted.received_from),
        received_before=_in_zone(office, wanted.received_before),
        due_from=due_from,
        due_before=due_before,
    )


def _in_zone(office: Office, moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=office.zone) if moment and moment.tzinfo is None else moment


def _shown(line: Line) -> Line:
    return line if may_see_suggestion(line.case) else Line(line.case, line.first_line, None)


def _order(sort: str) -> Sort:
    if sort not in list(Sort):
        raise InvalidInputError(f"没有“{sort[:20]}”这种顺序，应为 {'、'.join(Sort)}。")
    return Sort(sort)


def _cursor(sort: Sort, line: Line) -> str:
    certain, value, case_id = lists.place_of(line, sort)
    where = [sort, certain, value.isoformat() if isinstance(value, datetime) else value, case_id]
    return base64.urlsafe_b64encode(json.dumps(where).encode()).decode()


def _place(wanted: Sort, cursor: str) -> Place:
    try:
        sort, certain, value, case_id = json.loads(base64.urlsafe_b64decode(cursor))
        if sort != wanted or certain not in (0, 1) or not 0 <= case_id < NO_ID:
            raise ValueError("not from a page of this order")
        read = float(value) if sort == Sort.UNSURE else datetime.fromisoformat(value).astimezone(UTC)
        return Place(int(certain), read, int(case_id))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidInputError("cursor 不是上一页给出的值，请从第一页重新查询。") from error
