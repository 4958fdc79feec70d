"""Reads days off and days worked instead out of a pasted list, written as notices of holidays are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

_WEEKDAYS = "一二三四五六日"
_MONTH = r"(?P<{0}m>\d{{1,2}})\s*[月./-]\s*"
_YEAR = r"(?P<{0}y>\d{{4}})\s*[年./-]\s*"
_DAY = r"(?P<{0}d>\d{{1,2}})(?!\d)\s*[日号]?\s*(?:[（(](?P<{0}note>[^（）()]*)[）)])?"
_FIRST = f"(?:{_YEAR})?{_MONTH}{_DAY}".format("a_")
_LAST = f"(?:{_YEAR})?(?:{_MONTH})?{_DAY}".format("b_")
_SPAN = re.compile(rf"(?<!\d){_FIRST}(?:\s*(?:至|到|~|～|—+|–|\s-\s)\s*(?:次年)?{_LAST})?")
_KIND = re.compile("(?P<worked>调休上班|正常上班|补班|上班)|放假调休|放假|休息|休|假|(?P<short>班)")
_WEEKDAY = re.compile(r"(?:周|星期)([一二三四五六日天])")
_NUMBERING = re.compile(r"^\s*(?:[一二三四五六七八九十]+、|[（(][一二三四五六七八九十]+[）)]|\d+[.、](?!\d))\s*")
_NOISE = re.compile(r"共\s*\d+\s*天|[\s，,、。；;：:]+")
_LONGEST_DAYS = 31
_MAX_NAME = 50


@dataclass(frozen=True)
class Notice:
    """What a list says.

    Attributes
    ----------
    days : dict of date to (bool, str)
        Whether the day is worked, and its name; in order.
    unread : list of str
        What was not understood, each with its reason.
    """

    days: dict[date, tuple[bool, str]]
    unread: list[str]


class _UnreadableError(Exception):
    """Why a part of the list says nothing."""


def read(text: str, year: int) -> Notice:
    """Read a list: one day or span of days after the other, each off (放假, 休) or worked (上班, 班).

    Parameters
    ----------
    year : int
        Of dates that name none.

    >>> notice = read("元旦：1月1日至2日放假。1月4日（周日）上班。", 2026)
    >>> [(str(day), worked) for day, (worked, name) in notice.days.items()]
    [('2026-01-01', False), ('2026-01-02', False), ('2026-01-04', True)]
    """
    days: dict[date, tuple[bool, str]] = {}
    unread = []
    for line in filter(None, map(str.strip, text.splitlines())):
        title, found, rest = _NUMBERING.sub("", line).replace(":", "：").partition("：")
        named = found and not _SPAN.search(title)
        for clause in re.split("[。；;]", rest if named else _NUMBERING.sub("", line)):
            if not clause.strip():
                continue
            try:
                _take(days, clause, title.strip() if named else "", year)
            except _UnreadableError as why:
                unread.append(f"“{clause.strip()[:40]}”：{why}")
    return Notice(dict(sorted(days.items())), unread)


def _take(days: dict[date, tuple[bool, str]], clause: str, name: str, year: int) -> None:
    spans = list(_SPAN.finditer(clause))
    if not spans:
        raise _UnreadableError("没有认出日期")
    name = name or _NOISE.sub(" ", _KIND.sub("", _SPAN.sub("", clause))).strip()
    found: dict[date, tuple[bool, str]] = {}
    for span in spans:
        worked = _worked(clause, span.end())
        found |= dict.fromkeys(_days(span, year), (worked, name[:_MAX_NAME]))
    for day, said in found.items():
        if day in days and days[day][0] != said[0]:
            raise _UnreadableError(f"{day:%Y-%m-%d} 前面说的相反")
    days |= found


def _worked(clause: str, position: int) -> bool:
    """What the words after a date say of it; where there are none, those before it."""
    said = _KIND.search(clause, position) or _KIND.search(clause)
    if said is None:
        raise _UnreadableError("没有说放假还是上班")
    return bool(said["worked"] or said["short"])


def _days(span: re.Match[str], year: int) -> list[date]:
    first = _date(span, "a_", year, 0)
    last = _date(span, "b_", first.year + ("次年" in span[0]), first.month) if span["b_d"] else first
    if not first <= last < first + timedelta(days=_LONGEST_DAYS):
        raise _UnreadableError(f"从 {first} 到 {last} 不是一段假期")
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def _date(span: re.Match[str], part: str, year: int, month: int) -> date:
    try:
        day = date(int(span[f"{part}y"] or year), int(span[f"{part}m"] or month), int(span[f"{part}d"]))
    except ValueError as error:
        raise _UnreadableError(f"“{span[0].strip()}”不是日历上的日期") from error
    said = _WEEKDAY.search(span[f"{part}note"] or "")
    actual = _WEEKDAYS[day.weekday()]
    if said and said[1].replace("天", "日") != actual:
        raise _UnreadableError(
            f"{day.year} 年 {day.month} 月 {day.day} 日是星期{actual}，不是星期{said[1]}，请核对年份"
        )
    return day
