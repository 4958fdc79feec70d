"""`fenban reclassify --scheduler`: what staff see while a cluster works through a backlog."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.errors import ClusterError, InvalidTableError
from settings import Settings

if TYPE_CHECKING:
    from backlog.cluster import Outcome

_PAUSE_S = 5


def reclassify(
    source: str, target: str, model: Path | None, scheduler: str, title: str | None, text: str | None
) -> None:
    """Run it, tell how far it is, and name the partitions that failed."""
    try:
        from backlog.cluster import reclassify_partitions
    except ModuleNotFoundError as error:
        raise ClusterError(
            f"缺少集群所需的库 {error.name}，请运行 .venv/bin/pip install -r requirements-cluster.txt"
        ) from error
    from classifier.model import bundle

    folder = model or bundle.current(Settings().models_dir)
    outcome = reclassify_partitions(source, target, folder, scheduler, title=title, text=text, progress=_Lines())
    click.echo(
        f"写出 {outcome.rows} 行到 {target}，其中 {outcome.errors} 行读不了，原因见 error 列；"
        f"{outcome.skipped} 个分区以前已写好，没有重做。"
    )
    for one in outcome.failures:
        click.echo(f"没有完成 {one.partition.name}：{one.fault}", err=True)
    if outcome.failures:
        raise InvalidTableError(
            f"{outcome.partitions} 个分区里有 {len(outcome.failures)} 个没有完成，原因见上；改正后再运行同一条命令，只做这些。"
        )


class _Lines:
    """Writes a line on standard error every few seconds, and when all is done."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._next = 0.0

    def __call__(self, outcome: Outcome) -> None:
        now = time.monotonic()
        if outcome.done == 0:
            self._greet(outcome)
        elif now >= self._next or outcome.done == outcome.partitions:
            self._next = now + _PAUSE_S
            rate = outcome.rows / (now - self._begin)
            click.echo(
                f"分区 {outcome.done}/{outcome.partitions}（跳过 {outcome.skipped}，失败 {len(outcome.failures)}），"
                f"{outcome.rows:,} 行，每秒 {rate:,.0f} 行",
                err=True,
            )

    def _greet(self, outcome: Outcome) -> None:
        click.echo(f"共 {outcome.partitions} 个分区，{outcome.workers} 个工作进程。", err=True)
        if outcome.workers == 0:
            click.echo("调度器上还没有工作进程，任务会等它们来；请启动 dask worker。", err=True)
        if outcome.threads > 1:
            click.echo("有的工作进程开了多个线程，反而慢；请用 dask worker --nthreads 1 --nworkers 核数。", err=True)
