"""The cases behind a figure, so that whoever doubts a number can read what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from casework.service.desk import Desk
from casework.service.figures import EVENT_OF, Scope, seen, within
from casework.service.periods import Span
from casework.service.permissions import Permission
from casework.storage import figures as stored
from casework.storage.cases import NO_ID
from casework.storage.database import Session
from casework.storage.figures import Happened
from classifier.errors import InvalidInputError


@dataclass(frozen=True)
class Behind:
    """Some of the cases behind a figure, the newest first, how many there are, and what asks for more."""

    figure: str
    span: Span
    scope: Scope
    total: int
    cases: list[Happened]
    next_cursor: str | None


def behind(
    session: Session,
    desk: Desk,
    figure: str,
    span: Span,
    scope: Scope,
    cursor: str | None = None,
    limit: int = 50,
    now: datetime | None = None,
) -> Behind:
    """The cases that a figure of a span counts, each with the moment for which it is counted.

    Raises
    ------
    InvalidInputError
        There is no such figure, or the cursor is none of this list.
    NotAllowedError
        The actor may see no figures or no cases, or not those of the department.
    """
    desk.actor.require(Permission.WATCH)
    desk.actor.require(Permission.READ)
    if figure not in EVENT_OF:
        raise InvalidInputError(f"没有“{figure[:20]}”这一项统计，应为 {'、'.join(EVENT_OF)} 之一。")
    event, scope = EVENT_OF[figure], seen(desk.actor, scope)
    own, place = within(desk, event, span, now or datetime.now(UTC)), list(event.figures).index(figure)
    total = sum(numbers[place] for numbers in stored.count(session, event, own, "department", scope).values())
    found = stored.happened(session, event, figure, own, scope, _place(cursor), limit + 1)
    shown = found[:limit]
    following = f"{shown[-1].moment.isoformat()}_{shown[-1].id}" if len(found) > limit else None
    return Behind(figure, span, scope, total, shown, following)


def _place(cursor: str | None) -> tuple[datetime, int] | None:
    if not cursor:
        return None
    moment, _, event_id = cursor.partition("_")
    try:
        place = datetime.fromisoformat(moment).astimezone(UTC), int(event_id)
        if not 0 <= place[1] < NO_ID:
            raise ValueError("not from a page")
    except (ValueError, OverflowError) as error:
        raise InvalidInputError("cursor 不是上一页给出的值，请从第一页重新查看。") from error
    return place
