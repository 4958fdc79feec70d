"""Takes handled cases in from the office's own files, and gives cases out as files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from backlog.tables import TEXT_NAMES, TITLE_NAMES, Table, encoding_fault, new_table, open_table
from casework.service.deadlines import Deadlines
from casework.service.desk import STATUS_NAMES, Desk, may_see_suggestion, signed
from casework.service.permissions import Permission
from casework.service.register import NewCase, as_registered
from casework.storage import audit
from casework.storage import cases as stored
from casework.storage.cases import CLOSED, Filters
from casework.storage.database import Database, Session
from casework.storage.tables import SuggestionMade, registered_number
from classifier.errors import FenbanError, InvalidInputError, InvalidTableError
from classifier.records import Complaint

COLUMNS: dict[str, tuple[str, ...]] = {
    "text": TEXT_NAMES,
    "department": ("department", "主办部门", "承办单位", "办理单位", "主办单位"),
    "title": TITLE_NAMES,
    "assist": ("assist", "协办部门", "协办单位"),
    "urgency": ("urgency", "紧急程度"),
    "channel": ("channel", "渠道", "来源", "诉求渠道"),
    "place": ("place", "地点", "属地", "区域"),
    "reference": ("reference", "来文编号", "编号", "工单号", "工单编号", "信件编号"),
    "received_at": ("received_at", "受理时间", "登记时间", "来件时间", "留言时间"),
    "closed_at": ("closed_at", "办结时间"),
}
"""What a file of handled cases may hold, and the names offices give it; text and department must be there."""

_REQUIRED = ("text", "department")
_MOST_SHOWN = 20
_ROWS_PER_CHUNK = 2000
_FIRST_YEAR = 1900
_DATE = re.compile(r"(\d{4})[-/.年](\d\d?)[-/.月](\d\d?)日?(?:[ T]*(\d\d?)[:：](\d\d)(?:[:：](\d\d)(?:\.\d+)?)?)?")


@dataclass(frozen=True)
class Preview:
    """What an import would do, before it does it.

    ``columns`` names the column found for each of COLUMNS; ``problems`` are the first rows that
    cannot be taken, in words, out of ``n_problems``.
    """

    rows: int
    n_problems: int
    problems: list[str]
    columns: dict[str, str]


@dataclass(frozen=True)
class Imported:
    """How many cases came in, how many were there before, and how many rows were left out."""

    imported: int
    known: int
    left_out: int


@dataclass(frozen=True)
class _Row:
    """A handled case as a file has it."""

    new: NewCase
    department: str
    assist: str | None
    urgency: str | None
    closed_at: datetime | None


def preview(desk: Desk, path: Path, mapping: Mapping[str, str] | None = None) -> Preview:
    """Look a file of handled cases through without taking anything.

    Parameters
    ----------
    mapping : mapping, optional
        The file's column for some of COLUMNS, where it has another name than the usual ones.

    Raises
    ------
    InvalidTableError
        The file cannot be read, or lacks a column.
    """
    desk.actor.require(Permission.EXCHANGE)
    table = open_table(path)
    columns = _find_columns(table, mapping or {})
    rows, problems = 0, list[str]()
    for row in table:
        rows += 1
        try:
            _parse(desk, table, columns, row)
        except FenbanError as error:
            problems.append(f"第 {table.row_number} 行：{error}")
    found = {name: table.header[index] for name, index in columns.items()}
    return Preview(rows, len(problems), problems[:_MOST_SHOWN], found)


def import_handled(
    database: Database,
    desk: Desk,
    path: Path,
    mapping: Mapping[str, str] | None = None,
    *,
    skip_invalid: bool = False,
    progress: Callable[[int], None] = lambda rows: None,
) -> Imported:
    """Take handled cases in, each as closed by the department that acted.

    The whole file is looked through first, and nothing is taken if a row cannot be, unless such
    rows are to be skipped. Then rows are written in small transactions, so that clerks never wait
    long; what was interrupted is continued by importing the same file again, since a reference,
    or else the file's fingerprint with the row's number, is taken once only.

    Raises
    ------
    InvalidTableError
        The file cannot be read, lacks a column, or has rows that cannot be taken.
    """
    seen = preview(desk, path, mapping)
    if seen.n_problems and not skip_invalid:
        raise InvalidTableError(
            f"{path.name} 有 {seen.n_problems} 行不能导入，一行也没有导入。请改正，或选择跳过这些行：\n"
            + "\n".join(seen.problems)
        )
    table = open_table(path)
    columns = _find_columns(table, mapping or {})
    imported = done = 0
    with database.reading() as session:
        deadlines = Deadlines(session, desk.office, desk.taxonomy)
    cases = (_case(desk, deadlines, row) for row in _parse_all(desk, columns, table))
    while chunk := list(islice(cases, _ROWS_PER_CHUNK)):
        with database.writing() as session:
            imported += _take(session, desk, path, chunk)
        done += len(chunk)
        progress(done)
    return Imported(imported, done - imported, seen.n_problems)


def export_cases(session: Session, desk: Desk, filters: Filters, path: Path) -> int:
    """Write cases to a CSV or XLSX file that training and reclassifying can read again; how many."""
    desk.actor.require(Permission.EXCHANGE)
    written = 0
    with new_table(path) as out:
        out.writerow(_EXPORTED)
        for case, suggestion in stored.in_order(session, filters):
            shown = suggestion if may_see_suggestion(case) else None
            times = (case.received_at, case.due_at, case.closed_at)
            received, due, closed = (
                f"{one.astimezone(desk.office.zone):%Y-%m-%d %H:%M}" if one else "" for one in times
            )
            facts = [case.number, case.reference or "", STATUS_NAMES[case.status], case.channel, case.place, received]
            labels = [case.department or "", case.assist or "", case.urgency or "", due, closed]
            out.writerow([*facts, case.title, case.text, *labels, str(case.version), *_suggested(shown)])
            written += 1
    return written


_EXPORTED = [
    *("number", "reference", "status", "channel", "place", "received_at", "title", "text", "department", "assist"),
    # Not by the names that reclassifying adds, so that an export can be reclassified as it is.
    *("urgency", "due_at", "closed_at", "version", "current_suggestion", "current_confidence", "current_model"),
]


def _suggested(suggestion: SuggestionMade | None) -> list[str]:
    if suggestion is None:
        return ["", "", ""]
    return [suggestion.department, f"{suggestion.department_confidence:.4f}", suggestion.model_version]


def _find_columns(table: Table, mapping: Mapping[str, str]) -> dict[str, int]:
    if unknown := sorted(set(mapping) - set(COLUMNS)):
        raise InvalidInputError(f"没有“{unknown[0]}”这一项，可以对应列名的有 {'、'.join(COLUMNS)}。")
    found = {}
    for name, usual in COLUMNS.items():
        if name in mapping:
            found[name] = table.require(mapping[name])
        elif name in _REQUIRED:
            found[name] = table.require(*usual)
        elif (index := table.column(*usual)) is not None:
            found[name] = index
    return found


def _parse_all(desk: Desk, columns: dict[str, int], table: Table) -> Iterator[_Row]:
    source = fingerprint(table.path)
    for row in table:
        try:
            yield _parse(desk, table, columns, row, source)
        except FenbanError:
            continue


def _parse(desk: Desk, table: Table, columns: dict[str, int], row: list[str], source: str = "") -> _Row:
    if fault := encoding_fault(row):
        raise InvalidInputError(fault)
    cells = {name: row[index].strip() if index < len(row) else "" for name, index in columns.items()}
    labels = {
        "department": desk.taxonomy.department_id(cells["department"]),
        "assist": desk.taxonomy.department_id(cells.get("assist", "")),
        "urgency": desk.taxonomy.urgency_id(cells.get("urgency", "")),
    }
    for name, label in labels.items():
        if label is None and (cells.get(name) or name == "department"):
            raise InvalidInputError(f"{name} 的值“{cells[name][:40]}”不在分类表里")
    received_at, closed_at = (_time(desk, name, cells.get(name, "")) for name in ("received_at", "closed_at"))
    new = NewCase(
        Complaint(cells.get("title", ""), cells["text"]),
        cells.get("channel", ""),
        cells.get("place", ""),
        # Not by the file's name: a renamed file is the same.
        cells.get("reference") or f"文件 {source} 第 {table.row_number} 行",
        received_at,
    )
    return _Row(new, str(labels["department"]), labels["assist"], labels["urgency"], closed_at)


def _time(desk: Desk, name: str, value: str) -> datetime | None:
    if not value:
        return None
    if (found := _DATE.fullmatch(value)) is None:
        raise InvalidInputError(f"{name} 的值“{value[:40]}”不是时间，应形如 2026-03-05 08:30")
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        moment = datetime(year, month, day, hour, minute, second, tzinfo=desk.office.zone)
        if year < _FIRST_YEAR:
            raise ValueError("nothing is that old")
    except ValueError as error:
        raise InvalidInputError(f"{name} 的值“{value[:40]}”不是日历上的时间") from error
    if moment > datetime.now(UTC):
        raise InvalidInputError(f"{name} 的值“{value[:40]}”在未来")
    return moment


def fingerprint(path: Path) -> str:
    """What tells a file from others, whatever its name."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _take(session: Session, desk: Desk, path: Path, cases: list[dict[str, Any]]) -> int:
    ids = stored.add_many(session, cases)
    # Of two rows with one reference the first is taken.
    by_reference = {case["reference"]: case for case in reversed(cases)}
    taken = [(case_id, by_reference[reference]) for reference, case_id in ids.items()]
    outcome = signed(desk.actor) | {"note": f"导入自 {path.name}"}
    stored.add_outcomes(session, [outcome | {"case_id": i, "department": case["department"]} for i, case in taken])
    facts = [
        (
            f"case {registered_number(case['year'], i)}",
            None,
            {"department": case["department"], "reference": case["reference"]},
        )
        for i, case in taken
    ]
    audit.record_many(session, desk.actor.name, "case.imported", facts)
    return len(taken)


def _case(desk: Desk, deadlines: Deadlines, row: _Row) -> dict[str, Any]:
    values = as_registered(row.new, desk.office)
    received_at = values["received_at"]
    return values | {
        "status": CLOSED,
        "department": row.department,
        "assist": row.assist,
        "urgency": row.urgency,
        "suggestion_id": None,
        "blind": False,
        "certain": 1,
        "due_at": deadlines.due(received_at, row.new.channel, row.department, row.urgency),
        "closed_at": row.closed_at or received_at,
        "version": 1,
    }
