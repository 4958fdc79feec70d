"""`fenban models …`, `fenban retrain`, `fenban worker`: which model is in service, and the next one."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.opening import console_desk, open_database
from settings import Settings

if TYPE_CHECKING:
    from casework.service.jobs import Progress
    from casework.service.releases import Released
    from casework.service.retraining import Plan
    from casework.storage.database import Database

_file = click.Path(path_type=Path, dir_okay=False)
_STATES = {"current": "现用", "rejected": "未通过", "kept": "备用", "damaged": "损坏"}


@click.group()
def models() -> None:
    """模型：查看、启用、退回。"""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def models_list(as_json: bool) -> None:
    """列出模型，新的在前。"""
    from casework.service.releases import list_models

    found = list_models(Settings().models_dir)
    if as_json:
        click.echo(_json([vars(one) for one in found]))
        return
    for one in found:
        click.echo(_line(one))


@models.command("show")
@click.argument("version")
def models_show(version: str) -> None:
    """查看模型 VERSION 和它的比较结果。"""
    from casework.service.releases import show_model

    folder = Settings().models_dir
    one = show_model(folder, version)
    click.echo(_line(one))
    for reason in (one.verdict or {}).get("reasons", []):
        click.echo(f"  {reason}")
    click.echo(f"说明见 {folder / version / 'card.md'}")


@models.command("promote")
@click.argument("version")
@click.option("--why", default="", help="为什么启用，记入操作记录")
def models_promote(version: str, why: str) -> None:
    """启用模型 VERSION；运行中的服务几秒之内换用。"""
    from casework.service.permissions import console
    from casework.service.releases import promote

    with open_database() as database:
        promote(database, console(), Settings().models_dir, version, why)
    click.echo(f"已启用 {version}")


@models.command("rollback")
def models_rollback() -> None:
    """换回上一个启用的模型。"""
    from casework.service.permissions import console
    from casework.service.releases import roll_back

    with open_database() as database:
        version = roll_back(database, console(), Settings().models_dir)
    click.echo(f"已换回 {version}")


@click.command()
@click.option("--handled", "files", multiple=True, type=_file, help="另外的办结件标注文件，可多次给出")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def retrain(files: tuple[Path, ...], as_json: bool) -> None:
    """用自带语料和全部已办件训练新模型；比现用的好才启用。"""
    from casework.service import retraining
    from casework.service.permissions import console

    with open_database() as database:
        report = retraining.retrain(database, console(), _plan(files), lambda message: click.echo(message, err=True))
    if as_json:
        click.echo(_json(report.to_dict()))
        return
    click.echo(f"模型 {report.version}{'已启用' if report.promoted else '没有启用'}，学了 {report.handled} 件已办件。")
    for reason in report.reasons:
        click.echo(f"  {reason}")
    if report.doubts:
        click.echo(f"{report.doubts} 件标注可疑，暂未学习，请主管在网页“模型 → 核对标注”里核对。")
    for doubt in report.doubts_in_files:
        click.echo(f"  标注可疑，暂未学习：{doubt}")


@click.command()
@click.option("--attached", is_flag=True, help="标准输入关闭时结束（fenban serve 用）")
def worker(attached: bool) -> None:
    """在后台做重新训练等任务；fenban serve 会自动启动一个。"""
    from casework.service.batch_work import BatchWork
    from casework.service.jobs import RETRAIN, Jobs
    from casework.service.uploads import Uploads

    if attached:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = Settings()
    uploads = Uploads(settings.uploads, settings.upload_days)
    with open_database() as database:
        batches = BatchWork(database, uploads, settings.models_dir, console_desk)
        work = {RETRAIN: _work(database), **batches.by_kind()}
        Jobs(settings.jobs, database, work, tidy=lambda: uploads.expire(database)).work()


def _work(database: Database) -> Any:
    def retrain_for(requested_by: str, progress: Progress) -> dict[str, Any]:
        from casework.service import retraining
        from casework.service.permissions import Actor, Permission

        # Whether they may was decided when they asked.
        actor = Actor(requested_by, frozenset({Permission.MODELS}))
        return retraining.retrain(database, actor, _plan(()), progress).to_dict()

    return retrain_for


def _end_with_parent() -> None:
    """End this process when its parent does, even if that was killed: then its end of the pipe closes."""
    import os

    # Not by `sys.stdin`, whose lock a thread that waits would hold when the interpreter ends.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)


def _plan(files: Sequence[Path]) -> Plan:
    from casework.service.retraining import Plan

    settings = Settings()
    return Plan(settings.models_dir, settings.auto_accept_accuracy, settings.recall_floor, settings.test_set, files)


def _line(one: Released) -> str:
    score = one.metrics.get("department_macro_f1", float("nan"))
    return f"{one.version}\t{_STATES[one.state]}\t{(one.created or '')[:16].replace('T', ' ')}\t{one.rows} 条\t宏平均 F1 {score:.3f}"


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1)
