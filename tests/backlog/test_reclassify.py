"""A backlog goes through whole: every row, every column, in order, in the encoding it came in."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlog.chunk import ADDED_COLUMNS
from backlog.reclassify import Outcome, reclassify
from backlog.tables import CsvTable, find_encoding, new_table, open_table
from classifier.errors import InvalidTableError
from classifier.model.classifier import Classifier
from classifier.records import Complaint

HEADER = ["编号", "标题", "内容", "department"]
ROWS = [
    ["0012", "油烟", "楼下烧烤店的油烟天天往家里灌", "other"],
    ["0013", "", "说是征地，一分钱补偿都没见到\n村里说在账上", "land"],
    ["=1+1", "校车", "孩子的校车,天天\"超载\"", ""],
    ["", "", "", ""],
    ["0015", "", "老人的轮椅坏了，没地方修", "x"],
]  # fmt: skip


def write(path: Path, rows: list[list[str]], encoding: str = "utf-8") -> Path:
    """Write a CSV file."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def read(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    """Read a CSV file."""
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_row_and_column_is_kept(model_dir: Path, tmp_path: Path, encoding: str) -> None:
    """The input's cells come back as they were, with the added columns behind them."""
    source = write(tmp_path / "in.csv", [HEADER, *ROWS], encoding)
    outcome = reclassify(source, tmp_path / "out.csv", model_dir, jobs=1)
    assert outcome == Outcome(rows=5, errors=1)
    rows = read(tmp_path / "out.csv", encoding)
    assert list(rows[0]) == [*HEADER, *ADDED_COLUMNS]
    assert [[row[name] for name in HEADER] for row in rows] == ROWS
    assert "内容为空" in rows[3]["error"]
    assert {rows[3][name] for name in ADDED_COLUMNS[:-1]} == {""}


def test_cells_say_what_the_classifier_suggests(model_dir: Path, classifier: Classifier, tmp_path: Path) -> None:
    """A row's cells are the suggestion for its complaint."""
    reclassify(write(tmp_path / "in.csv", [HEADER, *ROWS]), tmp_path / "out.csv", model_dir, jobs=1)
    row = read(tmp_path / "out.csv")[0]
    suggestion = classifier.suggest(Complaint("油烟", ROWS[0][2]))
    assert row["suggested_department"] == suggestion.lead.department.id
    assert float(row["department_confidence"]) == pytest.approx(suggestion.lead.confidence, abs=1e-4)
    candidates = json.loads(row["candidates"])
    assert [name for name, _ in candidates] == [one.department.id for one in suggestion.candidates]
    assert sum(probability for _, probability in candidates) == pytest.approx(1, abs=1e-3)
    assert suggestion.urgency
    assert row["suggested_urgency"] == suggestion.urgency.level.id
    assert row["needs_review"] in ("true", "false")
    assert row["model_version"] == classifier.version
    assert all(word in "油烟楼下烧烤店的油烟天天往家里灌" for word in row["reasons"].split("；"))


def test_many_processes_keep_the_order(model_dir: Path, tmp_path: Path) -> None:
    """Two workers and many chunks give what one worker gives."""
    rows = [[str(i), "", f"第{i}次反映工地噪音" + "吵" * (i % 40), ""] for i in range(1500)]
    source = write(tmp_path / "in.csv", [HEADER, *rows])
    for jobs in (1, 2):
        reclassify(source, tmp_path / f"out{jobs}.csv", model_dir, jobs=jobs)
    assert (tmp_path / "out1.csv").read_bytes() == (tmp_path / "out2.csv").read_bytes()
    assert [row["编号"] for row in read(tmp_path / "out2.csv")] == [str(i) for i in range(1500)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["1", "", "污水", "", "多的", "还有"], "6 个单元格，表头只有 4 列，多出：多的，还有"),
        (["1", "", "a" * 100_001, ""], "内容过长"),
        (["1", "", "污\x00水", ""], "U\\+0000"),
        (["1"], "内容为空"),
    ],
)
def test_a_bad_row_is_written_with_its_reason(model_dir: Path, tmp_path: Path, row: list[str], message: str) -> None:
    """The rows around it are unharmed, and what does not fit is in the message."""
    source = write(tmp_path / "in.csv", [HEADER, ROWS[0], row, ROWS[1]])
    outcome = reclassify(source, tmp_path / "out.csv", model_dir, jobs=1)
    assert outcome == Outcome(rows=3, errors=1)
    rows = read(tmp_path / "out.csv")
    assert re.search(message, rows[1]["error"])
    assert [bool(one["error"]) for one in rows] == [False, True, False]
    assert rows[1]["编号"] == "1"


def test_a_broken_byte_spoils_only_its_row(model_dir: Path, tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are reported in place and written back as they were."""
    source = write(tmp_path / "in.csv", [HEADER, *ROWS[:3]])
    source.write_bytes(source.read_bytes().replace("往家里灌".encode(), "往家".encode() + b"\xff\xfe"))
    outcome = reclassify(source, tmp_path / "out.csv", model_dir, jobs=1)
    assert outcome == Outcome(rows=3, errors=1)
    assert "往家".encode() + b"\xff\xfe" in (tmp_path / "out.csv").read_bytes()


def test_columns_can_be_named(model_dir: Path, tmp_path: Path) -> None:
    """Unusual column names are given by option."""
    source = write(tmp_path / "in.csv", [["主旨", "说明"], ["油烟", "烧烤店油烟太大了"]])
    with pytest.raises(InvalidTableError, match="没有“text”或“内容”"):
        reclassify(source, tmp_path / "out.csv", model_dir)
    assert reclassify(source, tmp_path / "out.csv", model_dir, jobs=1, title="主旨", text="说明").errors == 0


def _too_wide(path: Path) -> Path:
    return write(path, [["text", "text"], ["a", "b"]])


def _gbk(path: Path) -> Path:
    return write(path, [HEADER, *ROWS], "gb18030")


REFUSED = [
    (lambda path: path, {}, "打不开"),
    (lambda path: (path.write_bytes(b"") and path) or path, {}, "空文件"),
    (lambda path: write(path, [[""], ["a"]]), {}, "没有表头"),
    (lambda path: write(path, [["a", "b"], ["1", "2"]]), {}, "现有的列：a、b"),
    (_too_wide, {}, "“text”出现了不止一次"),
    (_gbk, {"encoding": "utf-8"}, "不是 utf-8 编码"),
    (lambda path: write(path, [HEADER, *ROWS]), {"encoding": "no-such"}, "没有 no-such 这种编码"),
    (lambda path: (path.write_bytes(b"text\n\xff\xff\xff") and path) or path, {}, "既不是 UTF-8 也不是 GB18030"),
    (lambda path: (path.write_bytes(b"\xef\xbb\xbf<html><table>") and path) or path, {}, "是网页格式"),
    (lambda path: write(path, [["text", "error"], ["a", "b"]]), {}, "已有本程序要添加的列：error"),
    (lambda path: write(path, [HEADER, *ROWS]), {"title": "没有"}, "没有“没有”列"),
]


@pytest.mark.parametrize(("make", "options", "message"), REFUSED)
def test_unusable_files_are_refused(model_dir: Path, tmp_path: Path, make, options, message: str) -> None:  # type: ignore[no-untyped-def]
    """The message names the trouble, and nothing is written."""
    source = make(tmp_path / "in.csv")
    with pytest.raises(InvalidTableError, match=message):
        reclassify(source, tmp_path / "out.csv", model_dir, jobs=1, **options)
    assert {path.name for path in tmp_path.iterdir()} <= {"in.csv"}


def _folder(folder: Path) -> Path:
    (folder / "out.csv").mkdir()
    return folder / "out.csv"


def _same(folder: Path) -> Path:
    return folder / "in.csv"


def _link(folder: Path) -> Path:
    (folder / "out.csv").symlink_to(folder / "in.csv")
    return folder / "out.csv"


def _hard_link(folder: Path) -> Path:
    (folder / "out.csv").hardlink_to(folder / "in.csv")
    return folder / "out.csv"


UNWRITABLE = [
    (lambda folder: folder / "missing" / "out.csv", "没有 .*missing 这个目录"),
    (lambda folder: folder / "out.doc", "写不了 .*out.doc"),
    (_folder, "是目录或设备"),
    (lambda folder: Path(os.devnull), "是目录或设备"),
    (_same, "不能与输入文件相同"),
    (_link, "不能与输入文件相同"),
    (_hard_link, "不能与输入文件相同"),
]


@pytest.mark.parametrize(("make", "message"), UNWRITABLE)
def test_unusable_outputs_are_refused(model_dir: Path, tmp_path: Path, make, message: str) -> None:  # type: ignore[no-untyped-def]
    """Before any work is done, and the input stays as it was."""
    source = write(tmp_path / "in.csv", [HEADER, *ROWS])
    target, content = make(tmp_path), source.read_bytes()
    before = set(tmp_path.iterdir())
    with pytest.raises(InvalidTableError, match=message):
        reclassify(source, target, model_dir, jobs=1)
    assert (set(tmp_path.iterdir()), source.read_bytes()) == (before, content)


def test_an_excel_file_becomes_one(model_dir: Path, tmp_path: Path) -> None:
    """Any table goes to any format; cells are texts."""
    with new_table(tmp_path / "in.xlsx") as out:
        out.writerows([HEADER, *ROWS[:3]])
    assert reclassify(tmp_path / "in.xlsx", tmp_path / "out.xlsx", model_dir, jobs=1) == Outcome(3, 0)
    result = open_table(tmp_path / "out.xlsx")
    assert result.header == [*HEADER, *ADDED_COLUMNS]
    assert [row[:4] for row in result] == ROWS[:3]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["in.xlsx", "out.xlsx"]


@pytest.mark.parametrize("source", ["in.csv", "in.jsonl", "in.parquet"])
def test_where_a_format_tells_numbers_from_texts_they_are_numbers(model_dir: Path, tmp_path: Path, source: str) -> None:
    """Confidences and needs_review in JSON Lines and Parquet, from whatever they come; nothing is null, not an empty text."""
    with new_table(tmp_path / source) as out:
        out.writerows([HEADER, ROWS[0], ["", "", "", ""]])
    for target in ("out.jsonl", "out.parquet"):
        reclassify(tmp_path / source, tmp_path / target, model_dir, jobs=1)
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    for good, bad in ([json.loads(line) for line in lines], pq.read_table(tmp_path / "out.parquet").to_pylist()):
        assert 0 < good["department_confidence"] <= 1
        assert 0 < good["urgency_confidence"] <= 1
        assert good["needs_review"] in (True, False)
        assert good["error"] is None
        assert bad["error"].startswith("内容为空")
        assert [bad[name] for name in ADDED_COLUMNS[:-1]] == [None] * (len(ADDED_COLUMNS) - 1)


CELLS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=8), st.sampled_from(["utf-8", "utf-8-sig", "gb18030"])
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_round_trip_keeps_every_cell(tmp_path: Path, rows: list[list[str]], encoding: str) -> None:
    """Whatever a cell holds, quotes, commas, line breaks, it comes back."""
    path = tmp_path / f"{os.getpid()}.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([["甲", "text"], *rows])
    table = CsvTable(path, encoding)
    assert table.header == ["甲", "text"]
    assert list(table) == rows


def test_encodings_are_told_apart(tmp_path: Path) -> None:
    """By mark, by UTF-8, else GB18030, over the whole file and not only its beginning."""
    for name, encoding, found in [
        ("a", "utf-8", "utf-8"),
        ("b", "gb18030", "gb18030"),
        ("c", "utf-8-sig", "utf-8-sig"),
        ("d", "utf-16", "utf-16"),
    ]:
        path = tmp_path / name
        path.write_text("ascii only\n" * 200_000 + "只有最后才是中文", encoding=encoding)
        assert find_encoding(path) == found
