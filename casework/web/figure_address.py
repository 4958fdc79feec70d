"""What a page of figures is asked for: read from its address, and written into those that lead on from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from flask import request, url_for

from casework.service.figures import BY, Row, Scope
from casework.service.periods import Period, Span
from casework.service.watch import DEFAULT_WEEKS
from casework.web.desk import office
from classifier.errors import InvalidInputError

_NONE = "(none)"
"""What stands in an address for cases without a department, channel or urgency; empty means any there."""


@dataclass(frozen=True)
class Asked:
    """What a page of figures is asked for, as its address says it."""

    period: Period
    by: str
    scope: Scope

    @classmethod
    def of_request(cls) -> Asked:
        """From the query of the current request; the last twelve weeks by department where it says nothing."""
        unit, by = request.args.get("unit", "week"), request.args.get("by", "department")
        if by not in BY:
            raise InvalidInputError(f"不能按“{by[:20]}”细分，应为 {'、'.join(BY)} 之一。")
        usual = Period.latest("week", DEFAULT_WEEKS, today()).whole
        first, last = (_day(name, day) for name, day in (("first", usual.first), ("last", usual.last)))
        return cls(Period.of(unit, first, last), by, _scope())

    def address(self, endpoint: str = "figures.flow", **other: Any) -> str:
        """The address of a page that asks the same but for what is given."""
        asked = {"unit": self.period.unit, "first": self.period.whole.first, "last": self.period.whole.last}
        return url_for(endpoint, **asked | {"by": self.by} | _in_address(self.scope) | other)

    def cases(self, figure: str, row: Row) -> str:
        """Where the cases behind a number in a row of the page are listed."""
        span = None if row.span == self.period.whole else row.span.first
        return self.address("figures.cases", figure=figure, span=span, part=_written(row.key))

    def following(self, cursor: str) -> str:
        """Where the list of cases that is asked for goes on."""
        own = {name: request.args.get(name) for name in ("figure", "span", "part")}
        return self.address("figures.cases", **own, cursor=cursor)

    def only(self, row: Row) -> str:
        """Where the page is narrowed to a part."""
        return self.address(**{self.by: _written(row.key)})

    def cell(self) -> tuple[Span, Scope]:
        """The span and the scope of the row that the current request is about, as `cases` wrote it.

        Raises
        ------
        InvalidInputError
            The period has no such span.
        """
        span, part = request.args.get("span"), request.args.get("part")
        spans = {str(one.first): one for one in self.period.spans} | {None: self.period.whole}
        if span not in spans:
            raise InvalidInputError(f"这段时间里没有从“{span[:20]}”开始的一段，请回到统计再点一次。")
        return spans[span], replace(self.scope, **{self.by: _read(part)}) if part else self.scope


def today() -> date:
    """The day it is where the office is."""
    return datetime.now(office().zone).date()


def _day(name: str, usual: date) -> date:
    value = request.args.get(name)
    try:
        return date.fromisoformat(value) if value else usual
    except ValueError as error:
        raise InvalidInputError(f"日期“{value[:20]}”不对，应形如 2026-03-05。") from error


def _scope() -> Scope:
    return Scope(**{by: _read(request.args.get(by)) for by in BY})


def _in_address(scope: Scope) -> dict[str, str | None]:
    return {by: _written(value) for by, value in vars(scope).items()}


def _read(value: str | None) -> str | None:
    if value and "\x00" in value:  # which PostgreSQL takes in no text
        raise InvalidInputError(f"“{value[:20]}”含有不是文字的字符，请回到统计再点一次。".replace("\x00", "�"))
    return "" if value == _NONE else value or None


def _written(value: str | None) -> str | None:
    return _NONE if value == "" else value
