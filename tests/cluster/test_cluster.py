"""A run on a real cluster ends well when workers die, and says in words what else goes wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from distributed import Client, Future, LocalCluster

from backlog import cluster as module
from backlog.cluster import Outcome, reclassify_partitions
from backlog.cluster.files import Partition
from backlog.cluster.partition import Job, suggest_partition
from classifier.errors import ClusterError, InvalidModelError
from cli import main
from tests.cluster.conftest import Writer


def tables(folder: Path) -> dict[str, pa.Table]:
    """Every file of a folder, by its name."""
    return {path.name: pq.read_table(path) for path in folder.iterdir()}


def written_here(folder: Path, model: Path) -> dict[str, pa.Table]:
    """What one process makes of the partitions below ``in``."""
    job = Job.new("here", model, None, None)
    for path in (folder / "in").iterdir():
        suggest_partition(job, Partition(path.name, f"file://{path}", f"file://{folder}/here/{path.name}"))
    return tables(folder / "here")


def test_a_killed_worker_changes_nothing(
    cluster: LocalCluster, backlog: Writer, tmp_path: Path, model_dir: Path
) -> None:
    """Its partition runs again elsewhere; the output equals that of one process; a second run has nothing to do."""
    for i in range(6):
        backlog(f"part-{i}.parquet", rows=4000)
    victim = next(iter(cluster.workers.values())).pid
    drafts: list[str] = []

    def kill_once(outcome: Outcome) -> None:
        if outcome.done == 1:
            os.kill(victim, signal.SIGKILL)
            drafts.extend(path.name for path in (tmp_path / "out").glob(".*"))

    source, target = str(tmp_path / "in"), str(tmp_path / "out")
    outcome = reclassify_partitions(source, target, model_dir, cluster.scheduler_address, progress=kill_once)
    assert drafts
    assert victim not in {worker.pid for worker in cluster.workers.values()}
    assert (outcome.done, outcome.rows, outcome.failures) == (6, 24_000, [])
    assert tables(tmp_path / "out") == written_here(tmp_path, model_dir)
    again = reclassify_partitions(source, target, model_dir, cluster.scheduler_address)
    assert (again.done, again.skipped, again.rows) == (6, 6, 0)


def test_a_partition_that_kills_its_workers_is_given_up(backlog: Writer, tmp_path: Path, model_dir: Path) -> None:
    """The others are done, also those that its workers held beside it."""
    backlog("a.parquet", rows=20_000)
    backlog("b.parquet", rows=5)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0", scheduler_kwargs={"allowed_failures": 1}
    ) as cluster:
        killer = threading.Thread(target=kill_who_writes, args=(cluster, tmp_path / "out", "a.parquet", 4))
        killer.start()
        outcome = reclassify_partitions(
            str(tmp_path / "in"), str(tmp_path / "out"), model_dir, cluster.scheduler_address
        )
        killer.join()
    assert [(one.partition.name, "一再死去" in one.fault) for one in outcome.failures] == [("a.parquet", True)]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.parquet"]


def kill_who_writes(cluster: LocalCluster, folder: Path, name: str, times: int) -> None:
    """Kill the only worker each time a new draft of a partition appears."""
    seen: set[Path] = set()
    while len(seen) < times:
        if new := set(folder.glob(f".{name}.*")) - seen:
            seen |= new
            os.kill(cluster.workers[0].pid, signal.SIGKILL)
        time.sleep(0.05)


def test_few_partitions_are_under_way_at_once(
    cluster: LocalCluster, backlog: Writer, tmp_path: Path, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, so that a million of them are no burden to the scheduler."""
    for i in range(9):
        backlog(f"part-{i}.parquet", rows=2)
    under_way: list[int] = []

    class Counting(Client):
        def submit(self, *args: object, **options: object) -> Future:
            future = super().submit(*args, **options)
            under_way.append(len(self.futures))
            return future

    monkeypatch.setattr(module, "_MOST_AT_ONCE", 3)
    monkeypatch.setattr(module, "Client", Counting)
    outcome = reclassify_partitions(str(tmp_path / "in"), str(tmp_path / "out"), model_dir, cluster.scheduler_address)
    assert (outcome.done, len(under_way)) == (9, 9)
    assert max(under_way) <= 4  # the one just finished is let go after the next is submitted


def test_partitions_in_an_object_store(cluster: LocalCluster, backlog: Writer, tmp_path: Path, model_dir: Path) -> None:
    """Over the S3 protocol: read and written where they lie, skipped by their ETag, damaged ones named."""
    store = fsspec.filesystem("s3")
    store.mkdir("office")
    for i in range(2):
        store.put_file(str(backlog(f"part-{i}.parquet", rows=300)), f"office/in/{i}/part.parquet")
    store.pipe_file("office/in/damaged.parquet", b"PAR1")
    for source, counts in (("s3://office/in", (600, 0)), ("s3://office/in/*/*.parquet", (0, 2))):
        outcome = reclassify_partitions(source, "s3://office/out", model_dir, cluster.scheduler_address)
        assert (outcome.rows, outcome.skipped) == counts
        assert [one.partition.name for one in outcome.failures] == (["damaged.parquet"] if counts[0] else [])
    store.invalidate_cache()
    assert sorted(store.find("office/out")) == ["office/out/0/part.parquet", "office/out/1/part.parquet"]
    here = written_here(tmp_path, model_dir)
    for i in range(2):
        with store.open(f"office/out/{i}/part.parquet") as file:
            assert pq.read_table(file) == here[f"part-{i}.parquet"]
    store.put_file(str(backlog("part-1.parquet", rows=10)), "office/in/1/part.parquet")
    assert (
        reclassify_partitions("s3://office/in/1", "s3://office/out/1", model_dir, cluster.scheduler_address).rows == 10
    )


def test_a_worker_with_another_model_stops_the_run(
    cluster: LocalCluster, backlog: Writer, tmp_path: Path, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written by it."""
    backlog()
    other = replace(Job.new("run", model_dir, None, None), digest="x")
    monkeypatch.setattr(Job, "new", lambda *_: other)
    with pytest.raises(InvalidModelError, match="给每台机器放上同一个模型"):
        reclassify_partitions(str(tmp_path / "in"), str(tmp_path / "out"), model_dir, cluster.scheduler_address)
    assert not (tmp_path / "out").exists()


def test_an_error_nobody_foresaw_spoils_its_partition_only(
    cluster: LocalCluster, backlog: Writer, tmp_path: Path, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are done, and the error is told."""
    backlog("a.parquet")
    backlog("b.parquet")

    def failing(job: Job, partition: Partition) -> object:
        if partition.name == "a.parquet":
            raise ZeroDivisionError("unforeseen")
        return suggest_partition(job, partition)

    monkeypatch.setattr(module, "suggest_partition", failing)
    outcome = reclassify_partitions(str(tmp_path / "in"), str(tmp_path / "out"), model_dir, cluster.scheduler_address)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.parquet"]
    assert ["unforeseen" in one.fault for one in outcome.failures] == [True]


@contextmanager
def processes(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler and a worker, each a process of its own, which look for packages in ``folder`` first."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address = f"tcp://127.0.0.1:{port}"
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]
    worker = ["worker", address, "--nthreads", "1", "--no-dashboard"]
    started = [
        subprocess.Popen([sys.executable, "-m", "dask", *command], stderr=subprocess.DEVNULL, cwd=folder)
        for command in (scheduler, worker)
    ]
    try:
        yield address, started[0]
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_scheduler_that_dies_is_told_at_once(backlog: Writer, tmp_path: Path, model_dir: Path) -> None:
    """What was written stays."""
    for i in range(6):
        backlog(f"part-{i}.parquet", rows=2000)

    with processes(tmp_path) as (address, scheduler):

        def kill(outcome: Outcome) -> None:
            if outcome.done == 1:
                scheduler.kill()

        with pytest.raises(ClusterError, match="连接断了"):
            reclassify_partitions(str(tmp_path / "in"), str(tmp_path / "out"), model_dir, address, progress=kill)
    assert any((tmp_path / "out").glob("part-*"))


def test_processes_with_another_version_are_refused(backlog: Writer, tmp_path: Path, model_dir: Path) -> None:
    """They could not read a task, and would die of it."""
    backlog()
    other = tmp_path / "fenban-99.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: fenban\nVersion: 99.0\n", encoding="utf-8")
    with processes(tmp_path) as (address, _), pytest.raises(ClusterError, match=f"{address} 上的分办是 99.0"):
        reclassify_partitions(str(tmp_path / "in"), str(tmp_path / "out"), model_dir, address)


def fenban(model: Path, *arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["reclassify", "--model", str(model), *arguments])


def test_the_command_tells_how_far_it_is_and_what_failed(
    cluster: LocalCluster, backlog: Writer, tmp_path: Path, model_dir: Path
) -> None:
    """Exit status 1 where a partition has no output, 0 when all have one."""
    backlog("a.parquet", rows=7)
    damaged = backlog("b.parquet")
    damaged.write_bytes(b"PAR1")
    arguments = [str(tmp_path / "in"), str(tmp_path / "out"), "--scheduler", cluster.scheduler_address]
    result = fenban(model_dir, *arguments)
    assert result.exit_code == 1
    assert "共 2 个分区，2 个工作进程" in result.stderr
    assert "分区 2/2（跳过 0，失败 1），7 行" in result.stderr
    assert "没有完成 b.parquet：读不了" in result.stderr
    assert "写出 7 行" in result.stdout
    damaged.unlink()
    result = fenban(model_dir, *arguments)
    assert (result.exit_code, "1 个分区以前已写好" in result.stdout) == (0, True)


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:1", "127.0.0.1:8786", "nosuch://127.0.0.1:1", "tls://127.0.0.1:1"]
)
def test_a_scheduler_that_is_not_there(
    backlog: Writer, tmp_path: Path, model_dir: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Is a message that names it."""
    backlog()
    monkeypatch.setattr(module, "_CONNECT_TIMEOUT_S", 1)
    result = fenban(model_dir, str(tmp_path / "in"), str(tmp_path / "out"), "--scheduler", address)
    assert result.exit_code == 1
    assert address in result.stderr
    assert "请检查地址" in result.stderr or "请写成 tcp://" in result.stderr
