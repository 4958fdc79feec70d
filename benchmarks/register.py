"""`make bench-register`: importing 100,000 handled cases, and listing pages of a million.

Imports draw from `../shared/data/complaints.csv`; the million is made up by SQL, with text of the same
length. Both on SQLite, and on a PostgreSQL of its own where that is installed. Writes `benchmarks/register.md`.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import text

from backlog.tables import new_table
from benchmarks.run import DATA
from casework.service.desk import Desk
from casework.service.exchange import import_handled
from casework.service.listing import Filters, list_cases
from casework.service.office import Office
from casework.service.permissions import console
from casework.storage.database import Database
from classifier.taxonomy import Taxonomy
from tests.postgres import postgres

RESULTS = Path(__file__).parent / "register.md"
HANDLED, MILLION, LIMIT = 100_000, 1_000_000, 50
_CHARS = 220
_QUERIES = {
    "open": Filters(),
    "one department": Filters(department="land"),
    "department and urgency": Filters(department="disability", urgency="critical"),
    "channel and place": Filters(channel="channel 1", place="place 2"),
    "closed, certain": Filters(status="closed", needs_review=False),
    "due before a day": Filters(due_before=datetime(2026, 10, 1, tzinfo=UTC)),
}

# A series of numbers i, and pseudo-random numbers of them, as each database writes them.
_SERIES = {
    "sqlite": "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {n}) ",
    "postgresql": "WITH s(i) AS (SELECT generate_series(1, {n})) ",
}
_TIME = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', '2026-01-01', '+' || ({minutes}) || ' minutes')",
    "postgresql": "timestamp '2026-01-01' + ({minutes}) * interval '1 minute'",
}
_PICK = "(CASE {expression} WHEN 0 THEN '{0}' WHEN 1 THEN '{1}' WHEN 2 THEN '{2}' WHEN 3 THEN '{3}' ELSE '{4}' END)"


def main() -> None:
    """Measure on each database and write the results."""
    if not DATA.exists():
        sys.exit(f"{DATA} is not here: the benchmarks need the measured complaints.")
    rows, lists = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [_handled(folder / "handled.csv"), _handled(folder / "handled.xlsx")]
        for kind, open_url in _databases(folder):
            with open_url as url:
                for number, path in enumerate(files if kind == "SQLite" else files[:1]):
                    own = url.replace("fenban.db", f"import-{number}.db")
                    # A process of its own, so that its peak is its own.
                    with multiprocessing.get_context("spawn").Pool(1) as pool:
                        seconds, peak = pool.apply(_import, (own, path))
                    rows.append(f"| {kind} | {path.suffix[1:]} | {seconds:.0f} s | {peak:.0f} MB |")
                    print(rows[-1], flush=True)
                lists += _lists(kind, url)
    RESULTS.write_text(_report(rows, lists), encoding="utf-8")


def _databases(folder: Path) -> Iterator[tuple[str, AbstractContextManager[str]]]:
    yield "SQLite", _sqlite(folder)
    yield "PostgreSQL", postgres()


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/fenban.db"


def _handled(path: Path) -> Path:
    """A file of handled cases drawn from the measured complaints."""
    with (DATA / "complaints.csv").open(encoding="utf-8") as file:
        complaints = list(csv.DictReader(file))
    draw = random.Random(0)
    departments = [one.id for one in Taxonomy.read().departments]
    with new_table(path) as out:
        out.writerow(["编号", "标题", "内容", "主办部门", "紧急程度", "渠道", "受理时间"])
        for i in range(HANDLED):
            one = draw.choice(complaints)
            received = f"2026-{1 + i % 9:02}-{1 + i % 28:02} 08:30"
            out.writerow([f"{i:07}", one["title"], one["text"], draw.choice(departments), "routine", "12345", received])
    return path


def _import(url: str, path: Path) -> tuple[float, float]:
    database = Database(url)
    start = time.perf_counter()
    done = import_handled(database, Desk(console(), Office(), Taxonomy.read()), path)
    seconds = time.perf_counter() - start
    assert done.imported == HANDLED
    database.close()
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _lists(kind: str, url: str) -> list[str]:
    database = Database(url)
    _fill(database, "sqlite" if kind == "SQLite" else "postgresql")
    lines = []
    for name, query in _QUERIES.items():
        first = _median_ms(partial(_page, database, query, None))
        cursor: str | None = None
        # Deep pages are reached by their cursors, as a client would.
        for _ in range(400):
            cursor = _page(database, query, cursor) or cursor
        deep = _median_ms(partial(_page, database, query, cursor))
        lines.append(f"| {kind} | {name} | {first:.1f} ms | {deep:.1f} ms |")
        print(lines[-1], flush=True)
    database.close()
    return lines


def _page(database: Database, query: Filters, cursor: str | None) -> str | None:
    with database.reading() as session:
        return list_cases(session, console(), Office(), query, cursor=cursor, limit=LIMIT).next_cursor


def _median_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(21):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def _fill(database: Database, dialect: str) -> None:
    """A million cases over ten months: five departments, three levels, five channels and places."""
    departments = [one.id for one in Taxonomy.read().departments]
    received = _TIME[dialect].format(minutes="i % 450000 * 4001 % 450000")
    due = _TIME[dialect].format(minutes="i % 450000 * 4001 % 450000 + 120 + i % 7 * 1440")
    columns = {
        "year": "2026",
        "channel": _pick("i / 3", [f"channel {k}" for k in range(5)]),
        "place": _pick("i / 11", [f"place {k}" for k in range(5)]),
        "received_at": received,
        "registered_at": received,
        "title": "'标题'",
        "text": f"'{'诉' * _CHARS}'",
        "status": _pick("i / 2", ["open", "decided", "closed", "closed", "open"]),
        "department": _pick("i / 7", departments),
        "urgency": _pick("i / 13", ["routine", "urgent", "critical", "routine", "routine"]),
        "blind": "FALSE",
        "certain": "i / 5 % 2",
        "confidence": "i % 997 / 997.0",
        "due_at": due,
        "version": "1",
    }
    with database.writing() as session:
        series = _SERIES[dialect].format(n=MILLION)
        into = f"INSERT INTO cases ({', '.join(columns)}) "
        query = f"SELECT {', '.join(columns.values())} FROM s"
        session.execute(text(series + into + query if dialect == "postgresql" else into + series + query))
    with database.writing() as session:
        session.execute(text("ANALYZE"))


def _pick(expression: str, values: list[str]) -> str:
    return _PICK.format(*values, expression=f"{expression} % 5")


def _report(rows: list[str], lists: list[str]) -> str:
    return f"""# The case register

`make bench-register`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end.

Importing {HANDLED:,} handled cases drawn from complaints.csv, looked through twice, masked, with outcome and audit entry:

| database | file | time | peak memory |
| --- | --- | --- | --- |
{chr(10).join(rows)}

Listing {LIMIT} of {MILLION:,} cases, medians of 21: the first page, and one 400 pages down (or the last).

| database | asked for | first page | deep page |
| --- | --- | --- | --- |
{chr(10).join(lists)}
"""


if __name__ == "__main__":
    main()
