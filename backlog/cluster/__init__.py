"""Reclassifies a backlog of Parquet files on a Dask cluster: each file is one task, read and written where it lies."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from distributed import Client, Future, KilledWorker, as_completed

from backlog.cluster.files import Partition, find_partitions, sweep
from backlog.cluster.partition import Done, Job, suggest_partition
from classifier.errors import ClusterError, FenbanError

_ADDRESS = re.compile(r"(tcp|tls)://.+:\d+")
_CONNECT_TIMEOUT_S = 10
_PROGRAM = "fenban"
# More than a cluster has processes, and few enough for its scheduler, whatever the number of partitions.
_MOST_AT_ONCE = 5_000


@dataclass
class Outcome:
    """How far a run is.

    Attributes
    ----------
    partitions : int
        How many there are.
    workers, threads : int
        Worker processes at the start, and the most threads that one of them has.
    done : int
        Partitions finished with, skipped and failed ones included.
    skipped : int
        Partitions done by an earlier run.
    rows, errors : int
        Rows written by this run, and how many of them with an error.
    failures : list of Done
        Partitions without output, each with its reason.
    """

    partitions: int
    workers: int
    threads: int
    done: int = 0
    skipped: int = 0
    rows: int = 0
    errors: int = 0
    failures: list[Done] = field(default_factory=list)

    def add(self, one: Done) -> None:
        """Count one more partition."""
        self.done += 1
        if one.fault:
            self.failures.append(one)
        elif one.skipped:
            self.skipped += 1
        else:
            self.rows += one.rows
            self.errors += one.errors


def reclassify_partitions(
    source: str,
    target: str,
    model: Path,
    scheduler: str,
    *,
    title: str | None = None,
    text: str | None = None,
    progress: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """Write each Parquet file of ``source`` to ``target`` with a suggestion added to every row, in order.

    A partition that cannot be read is in ``failures``; the others are written. Those that an earlier
    run wrote with the same model, from the same state of the file and the same columns, are skipped.

    Parameters
    ----------
    source : str
        A folder, a pattern with wildcards, or one file: a path that all workers see, or a URL that
        fsspec knows, such as ``s3://bucket/folder``.
    target : str
        The folder of the output: a path or URL as well.
    model : Path
        Folder of a released model, at the same path on every worker.
    scheduler : str
        Address of the Dask scheduler.
    title, text : str, optional
        Names of the columns, where they are not among the usual ones.
    progress : callable
        Told how far it is at the start and after each partition.

    Raises
    ------
    ClusterError
        The scheduler cannot be reached or is lost, or its processes run another program.
    InvalidTableError
        There is nothing to read.
    InvalidModelError
        The model cannot be loaded, or a worker has another.
    """
    job = Job.new(uuid4().hex, model, title, text)
    partitions = find_partitions(source, target)
    with _connected(scheduler) as client:
        threads = client.nthreads().values()
        outcome = Outcome(len(partitions), len(threads), max(threads, default=0))
        progress(outcome)
        for one in _finished(client, job, partitions):
            outcome.add(one)
            progress(outcome)
    sweep(target, job.run)
    return outcome


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    if not _ADDRESS.fullmatch(scheduler):
        raise ClusterError(f"“{scheduler}”不是 Dask 调度器的地址，请写成 tcp://主机:8786（加密的写 tls://主机:8786）。")
    # It would show its traceback beside our message when the scheduler is lost.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        client = Client(scheduler, timeout=_CONNECT_TIMEOUT_S)
    except (OSError, TypeError) as error:
        raise ClusterError(
            f"连不上 Dask 调度器 {scheduler}：{error}。请检查地址、调度器是否在运行、防火墙和 TLS 设置。"
        ) from error
    with client:
        _check_programs(client, scheduler)
        yield client


def _check_programs(client: Client, scheduler: str) -> None:
    """Refuse processes without Fenban, or with another version: they could not even read a task."""
    versions: Any = client.get_versions(packages=[_PROGRAM])
    own = versions["client"]["packages"][_PROGRAM]
    for place, found in {scheduler: versions["scheduler"], **versions["workers"]}.items():
        if (theirs := found["packages"][_PROGRAM]) != own:
            raise ClusterError(
                f"{place} 上的分办是 {theirs or '没有安装'}，这里是 {own}：调度器和每个工作进程都要装同一版本（见 docs/scaling.md）。"
            )


def _finished(client: Client, job: Job, partitions: list[Partition]) -> Iterator[Done]:
    """Yield what became of each partition, as they come."""
    suspects = []
    for partition, future in _under_way(client, job, partitions, _MOST_AT_ONCE):
        if isinstance(_exception(future), KilledWorker):
            suspects.append(partition)
        else:
            yield _result(future, partition)
    # Of a worker that dies Dask suspects all partitions it held, so they are tried again with one for each worker.
    for partition, future in _under_way(client, job, suspects, max(1, len(client.nthreads()))):
        yield _result(future, partition)


def _under_way(client: Client, job: Job, partitions: list[Partition], most: int) -> Iterator[tuple[Partition, Future]]:
    """Yield partitions with their futures when these are done; no more than ``most`` are submitted at a time."""
    waiting = iter(partitions)
    submitted: dict[Future, Partition] = {}

    def submit(partition: Partition) -> Future:
        future = client.submit(suggest_partition, job, partition, pure=False)
        submitted[future] = partition
        return future

    running = as_completed([submit(one) for one in islice(waiting, most)])
    for future in running:
        yield submitted.pop(future), future
        for partition in islice(waiting, 1):
            running.add(submit(partition))


def _result(future: Future, partition: Partition) -> Done:
    match _exception(future):
        case None:
            return future.result()
        case KilledWorker():
            reason = "处理它的工作进程一再死去，多半是内存不够，请给工作进程更多内存，或把这个文件分成几个。"
            return Done(partition, fault=reason)
        case FenbanError() as error:
            raise error
        case error:
            # Not foreseen, so perhaps of this partition alone: the others are not to wait for its repair.
            return Done(
                partition, fault=f"程序出错：{error!r}。请核对各台机器装的程序相同；若相同，请把这一行报告给开发者。"
            )


def _exception(future: Future) -> BaseException | None:
    if future.cancelled():
        raise ClusterError("与 Dask 调度器的连接断了。写好的分区都在，请查看调度器，然后再运行同一条命令，会接着做。")
    return future.exception()
