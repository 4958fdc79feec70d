"""节假日: the days an office is off or works instead, a year at a glance."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, request
from werkzeug import Response

from casework.service import clock, deadlines, holiday_notice, trail
from casework.web.database import database
from casework.web.desk import desk
from casework.web.pages.settings.frame import NONE, Refusal, done, seen, show
from classifier.errors import ConflictError, InvalidInputError

blueprint = Blueprint("holidays", __name__, url_prefix="/holidays")

_YEARS = range(2000, 2100)
_Days = Mapping[date, tuple[bool, str]]


@dataclass(frozen=True)
class Run:
    """Days in a row of which the same is said; ``before`` is what else was said of them."""

    first: date
    last: date
    working: bool
    name: str
    before: str = ""

    @property
    def value(self) -> str:
        """For a form: both ends."""
        return f"{self.first}/{self.last}"

    @property
    def count(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1


@blueprint.get("")
def page(refusal: Refusal = NONE, notice: holiday_notice.Notice | None = None) -> tuple[str, int]:
    """Show a year, and what a pasted list would change where there is one."""
    year = _year()
    with database().reading() as session:
        version = trail.seen(session, [deadlines.HOLIDAYS])
        kept = {one.day: (one.working, one.name) for one in deadlines.list_holidays(session)}
    months = [Calendar().monthdatescalendar(year, month) for month in range(1, 13)]
    return show(
        "holidays.html",
        refusal,
        year=year,
        years=_YEARS,
        months=months,
        kept=kept,
        runs=_runs((day, *said, "") for day, said in sorted(kept.items()) if day.year == year),
        notice=notice,
        changes=_runs(_changes(notice.days, kept)) if notice else [],
        seen=version,
    )


@blueprint.post("/preview")
def preview() -> tuple[str, int]:
    """Show what a pasted list would change."""
    return page(Refusal(request.form.to_dict()), _notice())


@blueprint.post("")
def save() -> Response | tuple[str, int]:
    """Set what a pasted list says."""
    own, notice = desk(), _notice()
    try:
        if not notice.days:
            raise InvalidInputError("没有认出一个日子，请照下面的样子写。", field="text")
        with database().writing() as session:
            trail.check_unchanged(session, own.office, [deadlines.HOLIDAYS], seen())
            deadlines.set_holidays(session, own.actor, notice.days)
    except (InvalidInputError, ConflictError) as error:
        return page(Refusal.of(error), notice)
    return done(f"已设置 {len(notice.days)} 天。", "settings.holidays.page", year=min(notice.days).year)


@blueprint.post("/removal")
def remove() -> Response | tuple[str, int]:
    """Let the days that were ticked be as their weekday says."""
    own = desk()
    try:
        days = [day for run in request.form.getlist("run") for day in _days(run)]
        if not days:
            raise InvalidInputError("请先勾选要删去的日子。", field="run")
        with database().writing() as session:
            trail.check_unchanged(session, own.office, [deadlines.HOLIDAYS], seen())
            deadlines.remove_holidays(session, own.actor, days)
    except (InvalidInputError, ConflictError) as error:
        return page(Refusal.of(error))
    return done(f"已删去 {len(days)} 天，照星期算。", "settings.holidays.page", year=_year())


def _year() -> int:
    """The year asked for; without one the present one."""
    year = request.values.get("year", clock.now().astimezone(desk().office.zone).year, type=int)
    if year not in _YEARS:
        raise InvalidInputError(f"{year} 年不行，应在 {_YEARS.start} 到 {_YEARS.stop - 1} 年之间。")
    return year


def _notice() -> holiday_notice.Notice:
    text = "".join(one for one in request.form.get("text", "") if one.isprintable() or one == "\n")
    return holiday_notice.read(text, _year())


def _days(run: str) -> list[date]:
    try:
        first, last = map(date.fromisoformat, run.split("/"))
    except ValueError:
        raise InvalidInputError(f"“{run[:20]}”不是日期，请回到页面重新勾选。", field="run") from None
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def _changes(wanted: _Days, kept: _Days) -> Iterable[tuple[date, bool, str, str]]:
    """The days of a list, each with what was said of it before."""
    for day, said in wanted.items():
        before = kept.get(day)
        words = "" if before is None else "已有，不变" if before == said else f"原为{_in_words(*before)}"
        yield day, *said, words


def _in_words(working: bool, name: str) -> str:
    return f"{'上班' if working else '放假'}{f'（{name}）' if name else ''}"


def _runs(days: Iterable[tuple[date, bool, str, str]]) -> list[Run]:
    """Days in order, those in a row put together where the same is said of them."""
    runs: list[Run] = []
    for day, *said in days:
        last = runs[-1] if runs else None
        one = Run(day, day, *said)
        if last and (last.working, last.name, last.before) == tuple(said) and day - last.last == timedelta(days=1):
            runs[-1] = Run(last.first, day, *said)
        else:
            runs.append(one)
    return runs
