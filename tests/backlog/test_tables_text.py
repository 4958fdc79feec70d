"""Text files are read however a program separated, quoted and encoded them, and given columns without touching the rest."""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlog.tables import CsvTable

HEADER = ["编号", "标题", "内容"]
ROWS = [["0012", "油烟", "楼下烧烤店的油烟\n天天,往家里灌"], ["0013", "", '说是"征地"；一分钱|没见到']]
ADDED = ["=1+1", '[["land", 0.9]]', "一；二"]

PIECES = st.text(st.characters(exclude_categories=("Cs",)), max_size=5) | st.sampled_from(
    ['"', '""', "\\", '\\"', ",", "\t", ";", "|", "\r\n", "\n", "\r", '",', ',"', "甲,乙"]
)


@given(
    st.lists(PIECES, max_size=30).map("".join),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be"]),
    st.sampled_from([",", "\t", ";", "|"]),
    st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=5) | st.sampled_from(ADDED), min_size=2, max_size=2),
)  # fmt: skip
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_added_columns_leave_the_record_as_it_was(
    tmp_path: Path, text: str, encoding: str, delimiter: str, added: list[str]
) -> None:
    """Whatever its quoting, a record keeps its bytes, and a reader finds its cells with the added ones behind them."""
    path = tmp_path / f"{os.getpid()}.csv"
    content = f"甲{delimiter}乙\n{text}".encode(encoding)
    path.write_bytes(content)
    table = CsvTable(path, encoding, delimiter)
    lines = list(table.lines())
    records = [table.extended(line, added) for line in lines]
    at = 0
    for line, record in list(zip(lines, records, strict=True))[:-1]:
        at = content.index(table.encode(line.raw), at)
        if len(line.cells) <= 2:
            assert record.startswith(line.raw.rstrip("\r\n"))
    written = io.StringIO(table.extended_header(["丙", "丁"]) + "".join(records), newline="")
    found = [row for row in csv.reader(written, table.dialect) if row]
    if table.dialect.quoting == csv.QUOTE_NONE:
        added = [re.sub("[\t\r\n]+", " ", cell) for cell in added]
    safe = [f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in added]
    fitted = [[*line.cells, "", ""][:2] if len(line.cells) < 2 else line.cells[:2] for line in lines]
    assert found[1:] == [cells + safe for cells in fitted]
