"""One partition: every row and column is kept with its type, and a file is done once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backlog.chunk import ADDED_COLUMNS, suggest_cells
from backlog.cluster import partition as module
from backlog.cluster.files import Partition, appearing, find_partitions, sweep
from backlog.cluster.partition import Done, Job, suggest_partition
from classifier.errors import InvalidModelError, InvalidTableError
from classifier.records import Complaint
from tests.cluster.conftest import Writer


@pytest.fixture
def job(model_dir: Path) -> Job:
    """A run with the model of the tests."""
    return Job.new("run", model_dir, None, None)


def only(folder: Path) -> Partition:
    """The one partition below ``in``."""
    (partition,) = find_partitions(str(folder / "in"), str(folder / "out"))
    return partition


def test_columns_keep_their_types_and_the_added_ones_are_typed(backlog: Writer, tmp_path: Path, job: Job) -> None:
    """Confidences are numbers, needs_review is true or false, an empty cell is null; the rest is as it was."""
    times = pa.array([1, 2], pa.timestamp("us", "UTC"))
    nested = pa.array([[{"a": 1}], None])
    source = backlog(rows=2, 时间=times, 附件=nested, 类别=pa.array(["投诉", None]).dictionary_encode())
    assert suggest_partition(job, only(tmp_path)) == Done(only(tmp_path), rows=2)
    before, after = pq.read_table(source), pq.read_table(tmp_path / "out" / source.name)
    assert after.select(before.column_names).equals(before)
    assert after.schema.names == [*before.schema.names, *ADDED_COLUMNS]
    kinds = {name: after.schema.field(name).type for name in ADDED_COLUMNS}
    assert kinds.pop("department_confidence") == kinds.pop("urgency_confidence") == pa.float64()
    assert kinds.pop("needs_review") == pa.bool_()
    assert set(kinds.values()) == {pa.string()}
    assert after["error"].null_count == 2


def test_cells_are_those_of_a_run_without_a_cluster(backlog: Writer, tmp_path: Path, job: Job) -> None:
    """Also across the pieces that a file is worked through in."""
    source = backlog(rows=1000)
    suggest_partition(job, only(tmp_path))
    texts = pq.read_table(source)["内容"].to_pylist()
    expected = suggest_cells(job.model, [Complaint("", text) for text in texts])
    rows = pq.read_table(tmp_path / "out" / source.name).select(ADDED_COLUMNS).to_pylist()
    assert [[as_cell(row[name]) for name in ADDED_COLUMNS] for row in rows] == expected


def as_cell(value: object) -> str:
    """A value as a table of text has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def test_a_large_row_group_comes_out_in_small_ones(
    backlog: Writer, tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory holds a piece of the file only, and order is kept from piece to piece."""
    monkeypatch.setattr(module, "_ROWS_PER_GROUP", 100)
    source = backlog(rows=250)
    suggest_partition(job, only(tmp_path))
    out = pq.ParquetFile(tmp_path / "out" / source.name)
    assert [out.metadata.row_group(i).num_rows for i in range(out.num_row_groups)] == [100, 100, 50]
    assert out.read(["编号"])["编号"].to_pylist() == list(range(250))


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_any_kind_of_text_is_read(tmp_path: Path, job: Job, kind: pa.DataType) -> None:
    """A null is an empty text, a title may be a column without a value, bytes that are no UTF-8 spoil their row only."""
    (tmp_path / "in").mkdir()
    texts = pa.array(["污水横流", None]).cast(kind)
    pq.write_table(pa.table({"标题": pa.nulls(2), "正文": texts}), tmp_path / "in" / "a.parquet")
    assert suggest_partition(job, only(tmp_path)) == Done(only(tmp_path), rows=2, errors=1)
    first, second = pq.read_table(tmp_path / "out" / "a.parquet")["error"].to_pylist()
    assert first is None
    assert "内容为空" in second


def test_bytes_that_are_no_text_spoil_their_row_only(tmp_path: Path, job: Job) -> None:
    """They are written back as they were."""
    (tmp_path / "in").mkdir()
    raw = pa.array([b"\xce\xdb\xcb\xae", "污水横流".encode()])
    broken = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    pq.write_table(pa.table({"text": broken}), tmp_path / "in" / "a.parquet")
    assert suggest_partition(job, only(tmp_path)).errors == 1
    out = pq.read_table(tmp_path / "out" / "a.parquet")
    assert out["text"].cast(pa.binary()).to_pylist() == raw.to_pylist()
    assert out["error"][0].as_py()
    assert out["suggested_department"][1].as_py()


def test_times_as_spark_writes_them_stay_so(tmp_path: Path, job: Job) -> None:
    """INT96 goes out as INT96, which is all that some readers know."""
    (tmp_path / "in").mkdir()
    table = pa.table({"text": ["污水横流"], "时间": pa.array([1_000], pa.timestamp("ns"))})
    pq.write_table(table, tmp_path / "in" / "a.parquet", use_deprecated_int96_timestamps=True)
    suggest_partition(job, only(tmp_path))
    out = pq.ParquetFile(tmp_path / "out" / "a.parquet")
    assert out.schema.column(1).physical_type == "INT96"
    assert out.read()["时间"].equals(table["时间"])


def test_a_file_of_no_rows_and_one_by_pandas(tmp_path: Path, job: Job) -> None:
    """The first has an output too, the second is still pandas's own."""
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "in" / "a.parquet")
    pd.DataFrame({"text": ["污水横流"]}, index=["x"]).to_parquet(tmp_path / "in" / "b.parquet")
    done = [suggest_partition(job, one) for one in find_partitions(str(tmp_path / "in"), str(tmp_path / "out"))]
    assert [one.rows for one in done] == [0, 1]
    frame = pd.read_parquet(tmp_path / "out" / "b.parquet")
    assert list(frame.index) == ["x"]
    assert frame["needs_review"].dtype == bool


def test_what_is_done_is_not_done_again(backlog: Writer, tmp_path: Path, job: Job) -> None:
    """As long as file, model and columns are the same; each change of one of them does it again."""
    source = backlog(rows=3, 标题=pa.array(["噪音", "油烟", ""]))
    first = suggest_partition(job, only(tmp_path))
    out = tmp_path / "out" / source.name
    written = out.read_bytes()
    assert suggest_partition(job, only(tmp_path)) == replace(first, skipped=True)
    assert out.read_bytes() == written
    assert not suggest_partition(replace(job, text="标题"), only(tmp_path)).skipped
    assert not suggest_partition(job, only(tmp_path)).skipped
    os.utime(source, (0, 0))
    assert not suggest_partition(job, only(tmp_path)).skipped
    record = json.loads(pq.read_metadata(out).metadata[b"fenban"])
    assert (record["model_version"], record["input"], record["rows"]) == (job.version, source.name, 3)
    pq.write_table(
        pq.read_table(out).replace_schema_metadata({"fenban": json.dumps({**record, "model_digest": "x"})}), out
    )
    assert not suggest_partition(job, only(tmp_path)).skipped
    out.write_bytes(b"PAR1")
    assert not suggest_partition(job, only(tmp_path)).skipped


FAULTS = [
    ({"编号": pa.array([1])}, None, "没有“text”或“内容”"),
    ({"内容": ["污水"], "suggested_urgency": ["x"]}, None, "已有本程序要添加的列：suggested_urgency"),
    ({"内容": pa.array([7])}, None, "“内容”列是 int64，不是文字"),
    ({"内容": ["污水"]}, "正文", "没有“正文”列"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "text", "message"), FAULTS)
def test_a_partition_that_cannot_be_read_says_why(
    tmp_path: Path, job: Job, columns: dict[str, list[str]], text: str | None, message: str
) -> None:
    """And leaves nothing behind."""
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "in" / "a.parquet")
    assert message in suggest_partition(replace(job, text=text), only(tmp_path)).fault
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("keep", [0, 4, 700, -1])
def test_a_damaged_file_says_so(backlog: Writer, tmp_path: Path, job: Job, keep: int) -> None:
    """Wherever it was cut."""
    source = backlog()
    source.write_bytes(source.read_bytes()[:keep])
    assert "请检查文件是否完整" in suggest_partition(job, only(tmp_path)).fault
    assert not (tmp_path / "out").exists()


def test_a_file_damaged_inside_leaves_no_half_output(backlog: Writer, tmp_path: Path, job: Job) -> None:
    """Its end is whole, so that the damage shows only when rows are read."""
    source = backlog(rows=500)
    content = bytearray(source.read_bytes())
    content[40:400] = bytes(360)
    source.write_bytes(content)
    assert suggest_partition(job, only(tmp_path)).fault
    assert list((tmp_path / "out").iterdir()) == []


def test_another_model_on_the_worker_stops_the_run(job: Job, backlog: Writer, tmp_path: Path) -> None:
    """Rather than mixing the suggestions of two models."""
    backlog()
    with pytest.raises(InvalidModelError, match="请给每台机器放上同一个模型"):
        suggest_partition(replace(job, digest="x"), only(tmp_path))
    with pytest.raises(InvalidModelError, match="同一路径下"):
        suggest_partition(replace(job, model=tmp_path), only(tmp_path))


def test_partitions_are_named_below_the_input(backlog: Writer, tmp_path: Path) -> None:
    """In folders of folders, by a pattern, or one file; hidden files, other files and the output are none."""
    for name in ("月=1/a.parquet", "月=2/a.parquet", "_temporary/a.parquet", ".a.parquet", "月=1/out/a.parquet"):
        backlog(name)
    (tmp_path / "in" / "_SUCCESS").touch()
    (tmp_path / "in" / "notes.csv").touch()
    out = tmp_path / "in" / "月=1" / "out"
    both = ["月=1/a.parquet", "月=2/a.parquet"]
    for source in (tmp_path / "in", tmp_path / "in" / "*" / "*.parquet"):
        found = find_partitions(str(source), str(out))
        assert [one.name for one in found] == both
        assert [one.target for one in found] == [f"file://{out}/{name}" for name in both]
    (one,) = find_partitions(str(tmp_path / "in" / both[0]), str(tmp_path / "out"))
    assert one.name == "a.parquet"


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("missing", "out", "没有 .parquet 文件"),
        ("in", "in", "输出目录里的不算"),
        ("in/cases.csv", "out", "请去掉 --scheduler"),
        ("in", "in/cases.csv", "是文件"),
        ("nosuch://in", "out", "打不开"),
        ("s3://in", "nosuch://out", "打不开"),
    ],
)
def test_places_that_do_not_serve(
    backlog: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, target: str, message: str
) -> None:
    """Are told before anything is done."""
    monkeypatch.chdir(tmp_path)
    backlog("cases.parquet").with_name("cases.csv").touch()
    with pytest.raises(InvalidTableError, match=message):
        find_partitions(source, target)


def test_two_who_write_one_partition_do_not_meet(tmp_path: Path) -> None:
    """Each has a draft of its own; drafts of the dead are swept, those of other runs are not."""
    place = str(tmp_path / "out" / "a.parquet")
    with appearing(place, "run") as first, appearing(place, "run") as second:
        first.write_text("one")
        second.write_text("two")
        assert not Path(place).exists()
    assert Path(place).read_text() == "one"
    for run in ("run", "other"):
        (tmp_path / "out" / f".a.parquet.0.{run}.draft").touch()
    sweep(str(tmp_path / "out"), "run")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".a.parquet.0.other.draft", "a.parquet"]


def test_a_task_brings_neither_the_service_nor_training() -> None:
    """A worker imports what suggests, nothing else."""
    script = "import sys, backlog.cluster.partition; print(*{name.split('.')[0] for name in sys.modules})"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "classifier" in modules
    assert not {"flask", "sqlalchemy", "casework", "training", "sklearn", "matplotlib"} & set(modules)
