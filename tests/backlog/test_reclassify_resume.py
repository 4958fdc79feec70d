"""An interrupted run is gone on with where it stopped, and what comes out is what an uninterrupted one gives."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backlog.journal import Journal, beside, claimed
from backlog.reclassify import Outcome, reclassify
from backlog.tables import new_table
from classifier.errors import ConflictError, InvalidInputError, InvalidTableError, UnfinishedError
from settings import ROOT

WHOLE = Outcome(rows=1700, errors=17)


def backlog(path: Path) -> Path:
    """A backlog of five chunks with a few rows that cannot be read."""
    with new_table(path) as out:
        out.writerow(["编号", "标题", "内容"])
        out.writerows([f"{i:05}", "", f"第{i}次反映工地噪音" + "吵" * (i % 40) if i % 100 else ""] for i in range(1700))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """As a CSV file."""
    return backlog(tmp_path / "in.csv")


@pytest.fixture(autouse=True)
def synced_after_each_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """And chunks are small, so that there is something to resume after a moment of work."""
    monkeypatch.setattr("backlog.reclassify._ROWS_PER_CHUNK", 400)
    monkeypatch.setattr("backlog.journal.SYNC_EVERY_S", 0)


def stop_after(rows: int, error: BaseException) -> Callable[[int, float], None]:
    """What ends a run when so many rows are done."""

    def progress(done: int, share: float) -> None:
        if done >= rows:
            raise error

    return progress


def interrupt(source: Path, target: Path, model: Path, rows: int = 800) -> None:
    """Run until so many rows are done, then Ctrl-C."""
    with pytest.raises(KeyboardInterrupt):
        reclassify(source, target, model, jobs=1, progress=stop_after(rows, KeyboardInterrupt()))


def hidden(folder: Path) -> list[str]:
    """Names of the files a run left beside its output."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


@pytest.mark.parametrize(
    ("source_name", "target_name"),
    [
        ("in.csv", "out.csv"),
        ("in.jsonl", "out.jsonl"),
        ("in.csv", "out.xlsx"),
        ("in.xlsx", "out.parquet"),
        ("in.csv", "out.csv.gz"),
    ],
)
@pytest.mark.parametrize("rows", [[400], [400, 1200, 1600]])
def test_a_resumed_run_equals_an_uninterrupted_one(
    model_dir: Path, tmp_path: Path, source_name: str, target_name: str, rows: list[int]
) -> None:
    """Byte for byte, counts included, however often it was interrupted; nothing is left beside it."""
    source, target, whole = backlog(tmp_path / source_name), tmp_path / target_name, tmp_path / f"whole-{target_name}"
    assert reclassify(source, whole, model_dir, jobs=1) == WHOLE
    for done in rows:
        with pytest.raises(KeyboardInterrupt):
            reclassify(source, target, model_dir, jobs=1, resume=True, progress=stop_after(done, KeyboardInterrupt()))
        assert not target.exists()
    told: list[int] = []
    outcome = reclassify(source, target, model_dir, jobs=2, resume=True, progress=lambda done, share: told.append(done))
    assert outcome == WHOLE
    assert told[0] == rows[-1]
    assert target.read_bytes() == whole.read_bytes()
    assert hidden(tmp_path) == []


def test_what_a_kill_left_behind_the_journal_does_not_count(model_dir: Path, source: Path, tmp_path: Path) -> None:
    """Half a chunk that reached the disk without the journal is written again."""
    reclassify(source, tmp_path / "whole.csv", model_dir, jobs=1)
    target = tmp_path / "out.csv"
    interrupt(source, target, model_dir)
    with beside(target, "part").open("ab") as file:
        file.write("00800,,半行".encode()[:-1])
    reclassify(source, target, model_dir, jobs=1, resume=True)
    assert target.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_without_resume_an_interrupted_run_is_not_thrown_away(model_dir: Path, source: Path, tmp_path: Path) -> None:
    """The message says both ways on: to resume, or which files to delete."""
    target = tmp_path / "out.csv"
    target.write_text("old", encoding="utf-8")
    interrupt(source, target, model_dir)
    with pytest.raises(ConflictError, match="已完成 800 行。加 --resume") as refused:
        reclassify(source, target, model_dir, jobs=1)
    assert target.read_text(encoding="utf-8") == "old"
    left = [beside(target, "part"), beside(target, "progress")]
    for path in left:
        assert str(path) in str(refused.value)
        path.unlink()
    assert reclassify(source, target, model_dir, jobs=1).rows == 1700


def test_resume_with_nothing_to_resume_begins(model_dir: Path, source: Path, tmp_path: Path) -> None:
    """Also where only a journal is left: the run ended between two last steps."""
    target = tmp_path / "out.csv"
    interrupt(source, target, model_dir)
    beside(target, "part").unlink()
    assert reclassify(source, target, model_dir, jobs=1, resume=True) == WHOLE
    assert hidden(tmp_path) == []


def _longer(source: Path, target: Path) -> None:
    with source.open("ab") as file:
        file.write(b"1,,x\n")


def _touched(source: Path, target: Path) -> None:
    os.utime(source, (1, 1))


def _edited(source: Path, target: Path) -> None:
    state = source.stat()
    source.write_bytes(source.read_bytes().replace(b"00001", b"10000"))
    os.utime(source, ns=(state.st_atime_ns, state.st_mtime_ns))


def _other_model(source: Path, target: Path) -> None:
    path = beside(target, "progress")
    journal = json.loads(path.read_text(encoding="utf-8"))
    journal["conditions"]["模型"] = "20200101-000000-0"
    path.write_text(json.dumps(journal), encoding="utf-8")


def _cut(source: Path, target: Path) -> None:
    os.truncate(beside(target, "part"), 100)


def _scribbled(source: Path, target: Path) -> None:
    beside(target, "progress").write_text("{", encoding="utf-8")


DIFFERENT = [
    (_longer, {}, "输入文件的大小与中断时不同"),
    (_touched, {}, "输入文件的修改时间与中断时不同"),
    (_edited, {}, "输入文件的开头与中断时不同"),
    (_other_model, {}, "模型与中断时不同（当时是 20200101-000000-0"),
    (lambda source, target: None, {"text": "编号"}, "内容列与中断时不同（当时是 内容，现在是 编号"),
    (lambda source, target: None, {"title": "编号"}, "标题列与中断时不同"),
    (_cut, {}, "草稿比进度文件记的"),
    (_scribbled, {}, "读不懂进度文件"),
]


@pytest.mark.parametrize(("change", "options", "message"), DIFFERENT)
def test_what_is_different_now_is_refused_by_name(  # type: ignore[no-untyped-def]
    model_dir: Path, source: Path, tmp_path: Path, change, options: dict[str, str], message: str
) -> None:
    """A mixture of two runs would look whole and be wrong; the draft stays."""
    target = tmp_path / "out.csv"
    interrupt(source, target, model_dir)
    change(source, target)
    with pytest.raises(ConflictError, match=message):
        reclassify(source, target, model_dir, jobs=1, resume=True, **options)  # type: ignore[arg-type]
    assert hidden(tmp_path) == [".out.csv.part", ".out.csv.progress"]
    assert not target.exists()


def test_a_run_that_did_nothing_leaves_nothing(model_dir: Path, source: Path, tmp_path: Path) -> None:
    """There is nothing to resume, and nothing to delete either."""
    interrupt(source, tmp_path / "out.csv", model_dir, rows=0)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_two_runs_into_one_output(model_dir: Path, source: Path, tmp_path: Path) -> None:
    """The second is refused at once and the first goes on."""
    target = tmp_path / "out.csv"
    refused = []

    def second(rows: int, share: float) -> None:
        with pytest.raises(ConflictError, match="另一个 fenban reclassify 正在写") as error:
            reclassify(source, target, model_dir, jobs=1, resume=True)
        refused.append(error)

    assert reclassify(source, target, model_dir, jobs=1, progress=second) == WHOLE
    assert refused
    assert hidden(tmp_path) == []


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    """However it ends."""
    script = (
        "import sys; from pathlib import Path; from backlog.journal import claimed\n"
        "with claimed(Path(sys.argv[1])): print('mine', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "out.csv")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"mine\n"
        with pytest.raises(ConflictError), claimed(tmp_path / "out.csv"):
            pass
        other.kill()
    with claimed(tmp_path / "out.csv"):
        pass
    assert list(tmp_path.iterdir()) == []


def _killed(model: Path, picked: object) -> list[list[str]]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def test_a_killed_worker_ends_the_run(
    model_dir: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the system does where memory runs out; what is done can be resumed."""
    target = tmp_path / "out.csv"
    interrupt(source, target, model_dir)
    with monkeypatch.context() as patch:
        patch.setattr("backlog.reclassify.suggest_picked", _killed)
        with pytest.raises(UnfinishedError, match=r"工作进程被系统终止.*--jobs.*已完成的 800 行都在.*--resume"):
            reclassify(source, target, model_dir, jobs=1, resume=True)
    assert reclassify(source, target, model_dir, jobs=1, resume=True) == WHOLE


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """Let writes fail there, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_full_disk(model_dir: Path, source: Path, tmp_path: Path, suffix: str) -> None:
    """A message, the input untouched, nothing under the output's name, and resumed when there is room."""
    reclassify(source, tmp_path / f"whole{suffix}", model_dir, jobs=1)
    target, content = tmp_path / f"out{suffix}", source.read_bytes()
    with no_file_longer_than(150_000), pytest.raises(UnfinishedError, match=r"没有写完：File too large.*--resume"):
        reclassify(source, target, model_dir, jobs=1)
    assert not target.exists()
    assert source.read_bytes() == content
    assert reclassify(source, target, model_dir, jobs=1, resume=True) == WHOLE
    assert target.read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()


def test_an_input_that_ends_in_rubbish_keeps_what_is_done(model_dir: Path, source: Path, tmp_path: Path) -> None:
    """The message is the table's, with how to go on."""
    with source.open("ab") as file:
        file.write(b'9,,"' + b"x" * 20_000_000)
    with pytest.raises(UnfinishedError, match=r"读不下去.*已完成的"):
        reclassify(source, tmp_path / "out.csv", model_dir, jobs=1)
    assert Journal.of(tmp_path / "out.csv")


def test_nothing_can_be_resumed_from_standard_input(
    model_dir: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So an interrupted run leaves nothing, and does not stand in the way of the next."""
    target = tmp_path / "out.csv"
    with source.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        interrupt(Path("-"), target, model_dir)
        assert list(tmp_path.iterdir()) == [source]
        file.seek(0)
        assert reclassify(Path("-"), target, model_dir, jobs=1) == WHOLE
    reclassify(source, tmp_path / "whole.csv", model_dir, jobs=1)
    assert target.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_standard_output_cannot_be_resumed(model_dir: Path, source: Path) -> None:
    """Said before it is begun."""
    with pytest.raises(InvalidInputError, match="标准输入、标准输出"):
        reclassify(source, Path("-"), model_dir, resume=True)


def test_an_output_folder_that_takes_no_file(model_dir: Path, source: Path, tmp_path: Path) -> None:
    """Said before it is begun."""
    with no_file_longer_than(0), pytest.raises((InvalidTableError, UnfinishedError)):
        reclassify(source, tmp_path / "out.csv", model_dir, jobs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
