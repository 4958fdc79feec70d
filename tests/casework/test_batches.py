"""An uploaded backlog from its first rows to its cases and back, with a worker's jobs."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backlog.tables import new_table, open_table
from casework.service import batches, exchange
from casework.service.batch_work import BatchWork
from casework.service.batches import Batch
from casework.service.desk import Case, Desk
from casework.service.inspection import Reading, look
from casework.service.jobs import Jobs
from casework.service.listing import Filters, filters_for
from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.service.register import NewCase, register
from casework.service.uploads import Upload, Uploads
from casework.storage.database import Database
from casework.storage.tables import User
from classifier.errors import ConflictError, InvalidInputError, InvalidModelError, InvalidTableError, NotAllowedError
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.records import Complaint
from tests.casework.test_jobs import work_off
from tests.models import copy_of

TEXTS = ("砖厂半夜冒黑烟，呛得睡不着", "村东头的耕地被人挖沙卖钱", "学校食堂的饭菜有虫子", "残疾证换了三个月没有换下来")


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite: what differs between databases is tested with applying (test_backlog) and with jobs."""
    return f"sqlite:///{tmp_path}/fenban.db"


class Setting:
    """An office with some cases, its uploads, and a worker that works when told to."""

    def __init__(self, database: Database, classifier: Classifier, models: Path, folder: Path) -> None:
        with database.writing() as session:
            session.add(User(name="李主管", role="supervisor", password_hash="-", created_at=datetime.now(UTC)))
        self.database, self.models, self.folder = database, models, folder
        self.desk = Desk(
            Actor("李主管", ROLES["supervisor"], 1), Office(blind_share=0), classifier.taxonomy, classifier
        )
        self.uploads = Uploads(folder / "uploads", 7)
        work = BatchWork(database, self.uploads, models, lambda: replace(self.desk, classifier=None))
        self.jobs = Jobs(f"sqlite:///{folder}/jobs.db", database, work.by_kind())

    def register(self, count: int = 1) -> list[Case]:
        """Cases with suggestions."""
        with self.database.writing() as session:
            return [
                register(session, self.desk, NewCase(Complaint("", text), reference=f"信{i}{text[:1]}"))[0]
                for i in range(count)
                for text in TEXTS
            ]

    def exported(self, change: Callable[[list[str], list[str]], None] = lambda header, row: None) -> Upload:
        """An upload of all open cases, each row changed."""
        path = self.folder / "open.csv"
        with self.database.reading() as session:
            wanted = filters_for(self.desk.actor, self.desk.office, Filters("open"))
            exchange.export_cases(session, self.desk, wanted, path)
        table = open_table(path)
        rows = list(table)
        for row in rows:
            change(table.header, row)
        return self.upload("积案.csv", [table.header, *rows])

    def upload(self, name: str, rows: list[list[str]]) -> Upload:
        """An upload of a table."""

        def save(path: Path) -> None:
            with new_table(path) as out:
                out.writerows(rows)

        return self.uploads.add(self.database, self.desk.actor, name, save)

    def start(self, upload: Upload, asked: Reading | None = None) -> None:
        """Ask to reclassify it."""
        batches.reclassify(self.database, self.jobs, self.desk, upload, asked or Reading(), self.models)

    def do(self, step: Callable[..., None], upload: Upload) -> Batch:
        """A step of an upload, done."""
        step(self.database, self.jobs, self.desk.actor, upload)
        return self.work(upload)

    def go_on(self, upload: Upload) -> Batch:
        """What was interrupted, gone on with."""
        batches.go_on(self.database, self.jobs, self.desk.actor, upload, self.models)
        return self.work(upload)

    def work(self, upload: Upload) -> Batch:
        """What is queued, done."""
        work_off(self.jobs)
        return self.standing(upload)

    def standing(self, upload: Upload) -> Batch:
        """How an upload stands."""
        with self.database.reading() as session:
            return batches.standing(session, upload)

    def now(self, case: Case) -> Case:
        """A case as it stands."""
        with self.database.reading() as session:
            return session.get_one(Case, case.id)


@pytest.fixture
def setting(database: Database, classifier: Classifier, models_dir: Path, tmp_path: Path) -> Setting:
    """The office."""
    return Setting(database, classifier, models_dir, tmp_path)


def to_land(header: list[str], row: list[str]) -> None:
    """Let an exported case be about something else."""
    row[header.index("text")] = TEXTS[1]


def test_from_a_file_to_its_cases_and_back(setting: Setting) -> None:
    """Nothing changes before it is applied, and undoing leaves nothing changed."""
    smoke, *_ = setting.register()
    upload = setting.exported(to_land)
    setting.start(upload)
    assert setting.standing(upload).is_under_way
    batch = setting.work(upload)
    assert batch.outcome is not None
    assert (batch.outcome.rows, batch.outcome.key, batch.run) == (4, "number", None)
    assert batch.outcome.overview.count(kind="move", before="environment", after="land") == 1
    assert setting.now(smoke).department == "environment"
    batch = setting.do(batches.preview, upload)
    assert batch.preview is not None
    assert batch.preview["changes"] == 3
    assert ["environment", "land", 1] in batch.preview["departments"]
    assert setting.now(smoke).department == "environment"
    batch = setting.do(batches.apply, upload)
    assert batch.run is not None
    assert (batch.run.state, batch.run.changed, batch.run.applied_by) == ("applied", 3, "李主管")
    assert setting.now(smoke).department == "land"
    batches.undo(setting.database, setting.jobs, setting.desk.actor, batch.run.id)
    batch = setting.work(upload)
    assert batch.run is not None
    assert (batch.run.state, batch.run.restored) == ("undone", 3)
    assert setting.now(smoke).department == "environment"


def test_a_file_of_the_office_s_own_names_cases_by_its_reference(setting: Setting) -> None:
    """Rows of other references, or none, change nothing."""
    smoke, *_ = setting.register()
    text = TEXTS[1]
    rows = [["工单号", "诉求内容"], [str(smoke.reference), text], ["别处的", text], ["", text]]
    upload = setting.upload("工单.xlsx", rows)
    setting.start(upload)
    setting.work(upload)
    batch = setting.do(batches.preview, upload)
    assert batch.preview is not None
    assert (batch.preview["changes"], batch.preview["left"]) == (1, {"unknown": 2})
    setting.do(batches.apply, upload)
    assert setting.now(smoke).department == "land"


def test_a_file_without_numbers_is_only_downloaded(setting: Setting) -> None:
    """And says why."""
    upload = setting.upload("来信.csv", [["诉求内容"], [TEXTS[0]]])
    setting.start(upload)
    assert setting.work(upload).outcome is not None
    for step in (batches.preview, batches.apply):
        with pytest.raises(InvalidInputError, match="没有编号列"):
            setting.do(step, upload)


def test_who_may_apply(setting: Setting) -> None:
    """Nobody whose account is limited to a department; such a person may reclassify a file."""
    setting.register()
    setting.desk = replace(setting.desk, actor=replace(setting.desk.actor, department="land"))
    upload = setting.upload("来信.csv", [["number", "version", "text"], ["2026-000001", "1", TEXTS[0]]])
    setting.start(upload)
    assert setting.work(upload).outcome is not None
    for step in (batches.preview, batches.apply):
        with pytest.raises(NotAllowedError, match="不限部门"):
            setting.do(step, upload)
    with pytest.raises(NotAllowedError, match="不限部门"):
        batches.undo(setting.database, setting.jobs, setting.desk.actor, 1)


def test_one_thing_at_a_time(setting: Setting) -> None:
    """About one file; another file waits for its turn."""
    one, other = (setting.upload(f"{i}.csv", [["内容"], [TEXTS[i]]]) for i in range(2))
    setting.start(one)
    setting.start(other)
    with pytest.raises(ConflictError, match="正在处理"):
        setting.start(one)
    with pytest.raises(ConflictError, match="正在处理"):
        batches.go_on(setting.database, setting.jobs, setting.desk.actor, one, setting.models)
    setting.work(one)
    assert setting.standing(one).outcome is not None
    assert setting.standing(other).outcome is not None
    with pytest.raises(ConflictError, match="没有中断"):
        setting.go_on(one)


def test_an_applied_result_is_not_made_anew(setting: Setting) -> None:
    """Its run could not be told from another's then."""
    setting.register()
    upload = setting.exported(to_land)
    setting.start(upload)
    setting.work(upload)
    setting.start(upload, Reading(format="xlsx"))
    batch = setting.work(upload)
    assert batch.outcome is not None
    assert [one.name for one in upload.made.iterdir()] == ["积案-建议.xlsx"]
    setting.do(batches.apply, upload)
    with pytest.raises(ConflictError, match="已应用过"):
        setting.start(upload)


def many(setting: Setting) -> Upload:
    """An upload of several chunks."""
    return setting.upload("很多.csv", [["编号", "内容"], *([str(i), f"{TEXTS[i % 4]}{i}"] for i in range(3500))])


def test_what_is_stopped_goes_on(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it stopped, also after another model was promoted; the result is what it would have been."""
    monkeypatch.setattr("casework.service.batch_work._TELL_EVERY_S", 0.0)
    whole = many(setting)
    setting.start(whole)
    expected = setting.work(whole).outcome
    upload = many(setting)
    setting.start(upload)
    told: list[float | None] = []
    run = setting.jobs._work["reclassify"]

    def stopped_halfway(requested_by: str, progress: Any, about: str) -> dict[str, Any]:
        def tell(words: str, share: float | None = None) -> None:
            told.append(share)
            if len(told) == 3:
                job = setting.standing(upload).job
                assert job is not None
                setting.jobs.stop(setting.desk.actor, job.id)
            progress(words, share)

        return run(requested_by, tell, about)

    setting.jobs._work = {**setting.jobs._work, "reclassify": stopped_halfway}
    batch = setting.work(upload)
    assert batch.job is not None
    assert (batch.job.state, batch.job.result, batch.outcome) == ("interrupted", {"error": "李主管 让它停下了。"}, None)
    batch = setting.go_on(upload)
    assert batch.outcome is not None
    assert expected is not None
    assert batch.outcome.file.read_bytes() == expected.file.read_bytes()
    assert told[3] is not None
    assert told[0] is not None
    assert told[3] > told[0]


def test_a_model_that_is_gone(setting: Setting, tmp_path: Path) -> None:
    """Another cannot go on with what one began; to begin anew is always possible."""
    setting.models = copy_of(setting.models, tmp_path)
    upload = setting.upload("来信.csv", [["内容"], [TEXTS[0]]])
    setting.start(upload)
    gone = bundle.current(setting.models)
    shutil.rmtree(gone)
    with pytest.raises(InvalidModelError, match=gone.name):
        batches.model_of(upload, setting.models)


def test_a_full_disk_is_told_in_words(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """As this page can help it; what is done is kept, and gone on with when there is room."""
    upload = many(setting)
    setting.start(upload)
    with monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr("backlog.sinks.Records.finish", full)
        batch = setting.work(upload)
    assert batch.job is not None
    assert batch.job.result is not None
    assert batch.job.state == "failed"
    assert "No space left on device" in batch.job.result["error"]
    assert "接着做" in batch.job.result["error"]
    assert not {"--resume", str(setting.folder)} & set(batch.job.result["error"].split())
    assert setting.go_on(upload).outcome is not None


def test_a_damaged_file_fails_by_its_own_name(setting: Setting) -> None:
    """Not by the path where the server keeps it."""
    upload = setting.upload("来信.csv", [["内容"], [TEXTS[0]]])
    setting.start(upload)
    upload.given.write_bytes(b"PK\x03\x04 no workbook")
    batch = setting.work(upload)
    assert batch.job is not None
    assert batch.job.result is not None
    assert batch.job.state == "failed"
    assert "来信.csv" in batch.job.result["error"]
    assert str(setting.folder) not in batch.job.result["error"]


def test_a_look_at_a_file(setting: Setting) -> None:
    """The columns by their usual names, the rows masked, each with a suggestion or why there is none."""
    rows = [["留言主题", "留言详情", "承办单位"], ["黑烟", "我叫王小明，砖厂半夜冒黑烟", "生态环境"], ["", " ", "教育"]]
    seen = look(setting.desk, setting.upload("来信.xlsx", rows), Reading())
    assert seen.reading == Reading("数据", "", "留言主题", "留言详情", "承办单位")
    assert (seen.sheets, seen.rows, seen.guessed, seen.header) == (["数据"], 2, False, rows[0])
    first, blank = seen.first
    assert (first.text, first.department) == ("我叫[姓名]，砖厂半夜冒黑烟", "生态环境")
    assert first.suggestion is not None
    assert blank.suggestion is None
    assert "为空" in blank.error


def test_an_unusual_column_is_guessed_by_its_length(setting: Setting) -> None:
    """And said to be a guess; short cells are no complaints, and then somebody must choose."""
    seen = look(
        setting.desk, setting.upload("a.csv", [["序", "事由"], *([str(i), TEXTS[i]] for i in range(4))]), Reading()
    )
    assert (seen.reading.text, seen.guessed, seen.reading.encoding) == ("事由", True, "utf-8")
    seen = look(setting.desk, setting.upload("b.csv", [["序", "号"], ["1", "2"]]), Reading())
    assert (seen.reading.text, seen.first, seen.header) == ("", [], ["序", "号"])


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        (Reading(text="没有的列"), InvalidTableError, "没有的列"),
        (Reading(department="没有的列"), InvalidTableError, "没有的列"),
        (Reading(sheet="表二"), InvalidTableError, "工作表"),
        (Reading(encoding="klingon"), InvalidTableError, "klingon"),
        (Reading(format="docx"), InvalidInputError, "docx"),
    ],
)
def test_what_cannot_be_read_so(setting: Setting, asked: Reading, error: type[Exception], message: str) -> None:
    """Is told by the file's own name, and nothing is begun."""
    upload = setting.upload("来信.csv", [["内容"], [TEXTS[0]]])
    with pytest.raises(error, match=message) as told:
        setting.start(upload, asked)
    assert str(setting.folder) not in str(told.value)
    assert setting.standing(upload).job is None


@pytest.mark.parametrize(
    ("name", "format_", "made"),
    [
        ("来信.csv", "same", "来信-建议.csv"),
        ("来信.xlsx", "same", "来信-建议.xlsx"),
        ("来信.jsonl", "same", "来信-建议.jsonl"),
        ("来信.parquet", "same", "来信-建议.parquet"),
        ("来信.csv.gz", "same", "来信.csv-建议.csv"),
        ("来信.csv", "xlsx", "来信-建议.xlsx"),
        ("来信.xlsx", "csv", "来信-建议.csv"),
    ],
)
def test_formats_of_the_result(setting: Setting, name: str, format_: str, made: str) -> None:
    """As asked, else as the upload's where that can be written; every row is there, with the earlier department."""
    upload = setting.upload(name, [["内容", "部门"], *([text, "老部门"] for text in TEXTS)])
    setting.start(upload, Reading(department="部门", format=format_))
    outcome = setting.work(upload).outcome
    assert outcome is not None
    assert outcome.name == made
    table = open_table(outcome.file)
    assert [row[0] for row in table] == list(TEXTS)
    moved = [one for one in outcome.overview.groups if one.kind == "move"]
    assert {one.before for one in moved} == {"老部门"}
    assert sum(one.count for one in moved) == len(TEXTS)


def test_an_overview_counts_every_row_once_in_a_band(setting: Setting) -> None:
    """Those that cannot be read apart; behind each number stand the first of its rows, masked."""
    rows = [["内容"], *([f"我叫王小明，{TEXTS[i % 4]}"] for i in range(40)), ["，" * 100_001]]
    upload = setting.upload("来信.csv", rows)
    setting.start(upload)
    outcome = setting.work(upload).outcome
    assert outcome is not None
    seen = outcome.overview
    assert (seen.count(kind="band"), seen.count(kind="error"), seen.rows) == (40, 1, 41)
    assert sum(seen.count(kind="band", after=one) for one in seen.departments) == 40
    shown = [row for group in seen.groups for row in group.rows]
    assert all(len(group.rows) == min(group.count, 12) for group in seen.groups)
    assert not any("王小明" in row["text"] for row in shown)
