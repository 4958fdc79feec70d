"""`fenban backlog …`: a reclassified backlog becomes the current suggestions of its cases, and can be taken back."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.opening import console_desk, open_database

if TYPE_CHECKING:
    from casework.service.backlog import BacklogRun, Preview
    from classifier.taxonomy import Taxonomy

# The database library takes long to import, so each command imports what needs it.

_as_json = click.option("--json", "as_json", is_flag=True, help="输出 JSON")


@click.group()
def backlog() -> None:
    """批量更新：把重新分类的结果应用到诉求件，可以撤销。"""


@backlog.command("apply")
@click.argument("result", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="不再询问，直接应用")
@_as_json
def apply_result(result: Path, yes: bool, as_json: bool) -> None:
    """让 RESULT（重新分类过的导出文件）里的建议成为待分办件的当前建议；不改任何决定。"""
    from casework.service import backlog as service

    desk = console_desk()
    with open_database() as database:
        if not yes:
            with database.reading() as session:
                seen = service.preview(session, desk, result)
            click.echo(_json(_preview_out(seen)) if as_json else _preview_text(seen, desk.taxonomy))
            if as_json or not _agreed(seen.changes):
                return
        with click.progressbar(length=1000, label="应用", file=sys.stderr) as bar:
            run = service.apply(
                database, desk, result, lambda share_read: bar.update(int(share_read * bar.length) - bar.pos)
            )
    click.echo(_json(_run_out(run)) if as_json else f"{_line(run)}\n撤销用：fenban backlog undo {run.id}")


@backlog.command("undo")
@click.argument("run", type=int)
@_as_json
def undo_run(run: int, as_json: bool) -> None:
    """撤销第 RUN 次批量更新：仍是那次建议的件回到原来的建议。"""
    from casework.service import backlog as service
    from casework.service.permissions import console

    with open_database() as database:
        undone = service.undo(database, console(), run)
    click.echo(_json(_run_out(undone)) if as_json else _line(undone))


@backlog.command("list")
@_as_json
def list_all(as_json: bool) -> None:
    """列出批量更新，新的在前。"""
    from casework.service import backlog as service
    from casework.service.permissions import console

    with open_database() as database, database.reading() as session:
        found = service.list_runs(session, console())
    if as_json:
        click.echo(_json([_run_out(one) for one in found]))
        return
    for one in found:
        click.echo(_line(one))


def _agreed(changes: int) -> bool:
    """Whether a person at the terminal wants it done."""
    if not changes:
        return False
    if not _at_terminal():
        click.echo("以上是预览，什么也没有改；确认后加 --yes 再运行一次。", err=True)
        return False
    return click.confirm(f"更新这 {changes} 件的建议？", err=True)


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def _preview_text(seen: Preview, taxonomy: Taxonomy) -> str:
    from casework.service.backlog import BANDS, LEFT_NAMES, Left

    names: dict[str | None, str] = {one.id: one.name for one in (*taxonomy.departments, *taxonomy.urgencies)}
    lines = [f"{seen.rows} 行，将更新 {seen.changes} 件，其中 {seen.needs_review} 件请人工复核。"]
    for title, moves in (("部门", seen.departments), ("紧急程度", seen.urgencies)):
        for (before, after), count in moves.most_common():
            lines.append(
                f"  {title}：{names.get(before, before or '无')} → {names.get(after, after or '无')}，{count} 件"
            )
    for low, high in BANDS:
        lines.append(f"  把握 {low:.0%} 到 {high:.0%}：{seen.confidence[low]} 件")
    return "\n".join(
        lines + [f"  不更新，{LEFT_NAMES[Left(reason)]}：{count} 行" for reason, count in seen.left.items()]
    )


def _preview_out(seen: Preview) -> dict[str, Any]:
    return vars(seen) | {
        "departments": _moves_out(seen.departments),
        "urgencies": _moves_out(seen.urgencies),
        "confidence": [{"from": low, "cases": count} for low, count in sorted(seen.confidence.items())],
    }


def _moves_out(moves: Mapping[Any, int]) -> list[dict[str, Any]]:
    return [{"from": before, "to": after, "cases": count} for (before, after), count in moves.items()]


_RUN = ("id", "state", "file_name", "applied_by", "undone_by", "changed", "restored", "left")


def _run_out(run: BacklogRun) -> dict[str, Any]:
    moments = {"applied_at": run.applied_at.isoformat(), "undone_at": run.undone_at and run.undone_at.isoformat()}
    return {name: getattr(run, name) for name in _RUN} | moments


def _line(run: BacklogRun) -> str:
    from casework.service.backlog import STATE_NAMES

    at = f"{run.applied_at.astimezone():%Y-%m-%d %H:%M}"
    cells = [str(run.id), STATE_NAMES[run.state], at, run.applied_by, run.file_name, f"更新 {run.changed} 件"]
    if run.state == "undone":
        cells.append(f"恢复 {run.restored} 件，另外 {run.changed - run.restored} 件之后有人动过，没有恢复")
    return "\t".join(cells)


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1)
