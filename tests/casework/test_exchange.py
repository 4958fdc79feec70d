"""Handled cases come in from the office's files, and cases go out as files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backlog.tables import new_table, open_table
from casework.service.decide import Choice, decide
from casework.service.desk import Desk
from casework.service.exchange import export_cases, import_handled, preview
from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.service.register import NewCase, register
from casework.storage import audit, lists
from casework.storage import cases as stored
from casework.storage.cases import CLOSED, Filters
from casework.storage.database import Database
from casework.storage.tables import User
from classifier.errors import FenbanError, InvalidInputError, InvalidTableError, NotAllowedError
from classifier.model.classifier import Classifier
from classifier.records import Complaint
from classifier.taxonomy import Taxonomy
from training.labelled import read_labelled

HEADER = ["工单编号", "诉求标题", "诉求内容", "承办单位", "紧急程度", "受理时间", "区域"]
ROWS = [
    ["0017", "河水发黑", "化工厂夜里往河里排污水，联系电话13800000123", "生态环境", "急", "2026-03-05 08:30", "东乡"],
    ["0018", "", "邻居占了我家宅基地盖房", "land", "", "2026/3/6", "西乡"],
    ["0019", "补课", "学校暑假收费补课", "教育", "一般", "", ""],
]


@pytest.fixture
def desk(database: Database, classifier: Classifier) -> Desk:
    """A supervisor."""
    with database.writing() as session:
        session.add(User(name="李主管", role="supervisor", password_hash="-", created_at=datetime.now(UTC)))
    return Desk(Actor("李主管", ROLES["supervisor"], 1), Office(blind_share=0), classifier.taxonomy, classifier)


def table(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> Path:
    """Write a file as an office would have it."""
    with new_table(path) as out:
        out.writerow(header)
        out.writerows(rows)
    return path


@pytest.mark.parametrize("name", ["办结件.xlsx", "办结件.csv"])
def test_handled_cases_come_in_masked_and_closed(database: Database, desk: Desk, tmp_path: Path, name: str) -> None:
    """With what the office knew of them; the same file again brings nothing."""
    path = table(tmp_path / name, ROWS)
    seen = preview(desk, path)
    assert (seen.rows, seen.n_problems, seen.columns["department"]) == (3, 0, "承办单位")
    assert vars(import_handled(database, desk, path)) == {"imported": 3, "known": 0, "left_out": 0}
    assert vars(import_handled(database, desk, path)) == {"imported": 0, "known": 3, "left_out": 0}
    with database.reading() as session:
        case = stored.by_reference(session, "0017")
        assert case is not None
        assert (case.status, case.department, case.urgency, case.place) == (CLOSED, "environment", "urgent", "东乡")
        assert case.received_at == datetime(2026, 3, 5, 0, 30, tzinfo=UTC)
        assert "13800000123" not in case.text
        assert audit.entries(session, f"case {case.number}")[0].action == "case.imported"
        assert stored.count(session, Filters(status=CLOSED)) == 3


def test_rows_without_a_number_of_their_own_come_in_once(database: Database, desk: Desk, tmp_path: Path) -> None:
    """Also where two rows say the same: each is a case."""
    path = table(tmp_path / "办结件.csv", [["噪声扰民", "environment"]] * 3, ["内容", "主办部门"])
    assert import_handled(database, desk, path).imported == 3
    assert import_handled(database, desk, path).known == 3


def test_columns_can_be_named(database: Database, desk: Desk, tmp_path: Path) -> None:
    """Where an office calls them otherwise."""
    path = table(tmp_path / "x.csv", [["路灯不亮", "other", "来信"]], ["事由", "交办", "方式"])
    names = {"text": "事由", "department": "交办", "channel": "方式"}
    import_handled(database, desk, path, names)
    with database.reading() as session:
        assert lists.page(session, Filters(CLOSED), None, 1)[0].case.channel == "来信"
    with pytest.raises(InvalidInputError, match="没有“colour”这一项"):
        preview(desk, path, {"colour": "事由"})


WRONG = [
    (["0020", "", "占地", "林业局", "", "", ""], "第 5 行：department 的值“林业局”不在分类表里"),
    (["0020", "", " ", "land", "", "", ""], "第 5 行：内容为空"),
    (["0020", "", "占地", "land", "马上", "", ""], "urgency 的值“马上”不在分类表里"),
    (["0020", "", "占地", "land", "", "昨天", ""], "received_at 的值“昨天”不是时间，应形如"),
    (["0020", "", "占地", "land", "", "2999-01-01", ""], "在未来"),
]


@pytest.mark.parametrize(("row", "message"), WRONG)
def test_a_row_that_cannot_be_taken_is_shown_and_nothing_comes_in(
    database: Database, desk: Desk, tmp_path: Path, row: list[str], message: str
) -> None:
    """Unless such rows are to be skipped."""
    path = table(tmp_path / "办结件.xlsx", [*ROWS, row])
    assert message in preview(desk, path).problems[0]
    with pytest.raises(InvalidTableError, match="一行也没有导入"):
        import_handled(database, desk, path)
    with database.reading() as session:
        assert stored.count(session, Filters(status=CLOSED)) == 0
    assert vars(import_handled(database, desk, path, skip_invalid=True)) == {"imported": 3, "known": 0, "left_out": 1}


def test_a_file_of_two_encodings_names_its_rows(database: Database, desk: Desk, tmp_path: Path) -> None:
    """Nothing is guessed."""
    path = tmp_path / "拼接.csv"
    good = "".join(f"学校食堂卫生差，第{i}次反映,education\n" for i in range(40))
    path.write_bytes(f"内容,主办部门\n{good}".encode() + "河水发黑,environment\n".encode("gb18030"))
    assert "第 42 行：这一行的编码" in preview(desk, path).problems[0]
    with pytest.raises(InvalidTableError):
        import_handled(database, desk, path)


@pytest.mark.parametrize(
    ("header", "message"), [(["内容", "备注"], "里没有“department”"), (["主办部门", "备注"], "里没有“text”")]
)
def test_a_missing_column_is_named(desk: Desk, tmp_path: Path, header: list[str], message: str) -> None:
    """With those there are."""
    with pytest.raises(InvalidTableError, match=message):
        preview(desk, table(tmp_path / "x.csv", [["a", "b"]], header))


@pytest.mark.parametrize("name", ["件.csv", "件.xlsx"])
def test_what_goes_out_can_be_read_again(database: Database, desk: Desk, tmp_path: Path, name: str) -> None:
    """As a labelled file; a cell that looks like a formula is none; blind cases keep their secret."""
    with database.writing() as session:
        shown, _ = register(session, desk, NewCase(Complaint("=1+1", "井水发臭，一家人拉肚子"), "来信"))
        decide(session, desk, shown.number, 1, Choice("environment", "other", "urgent"))
        blind = replace(desk, office=Office(blind_share=1))
        decided, _ = register(session, blind, NewCase(Complaint("", "征地款没给")))
        decide(session, desk, decided.number, 1, Choice("land"))
        register(session, blind, NewCase(Complaint("", "学校乱收费")))
    with database.reading() as session:
        assert export_cases(session, desk, Filters(status="decided"), tmp_path / name) == 2
        assert export_cases(session, desk, Filters(), tmp_path / "盲件.csv") == 1
        clerk = replace(desk, actor=Actor("赵分办", ROLES["triage"], 1))
        with pytest.raises(NotAllowedError):
            export_cases(session, clerk, Filters(), tmp_path / name)
    rows = [dict(zip(t.header, row, strict=True)) for t in [open_table(tmp_path / name)] for row in t]
    assert rows[0]["number"] == shown.number
    assert rows[0]["title"] in ("=1+1", "'=1+1")
    assert [row["department"] for row in rows] == ["environment", "land"]
    assert [(row["version"], bool(row["current_suggestion"])) for row in rows] == [("2", True)] * 2
    examples, _ = read_labelled([tmp_path / name], Taxonomy.read())
    assert (examples[0].department, examples[0].assist, examples[0].urgency) == ("environment", "other", "urgent")
    with (tmp_path / "盲件.csv").open(encoding="utf-8-sig") as file:
        (hidden,) = csv.DictReader(file)
    assert (hidden["department"], hidden["current_suggestion"]) == ("", "")


def test_clerks_take_nothing_in(desk: Desk, tmp_path: Path) -> None:
    """Only supervisors do."""
    with pytest.raises(FenbanError, match="导入导出"):
        preview(replace(desk, actor=Actor("赵分办", ROLES["triage"], 1)), tmp_path / "x.csv")
