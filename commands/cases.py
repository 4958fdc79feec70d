"""`fenban cases …`, `fenban deadline …`, `fenban holiday …`: the case register from the command line."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from classifier.errors import InvalidInputError
from commands.opening import console_desk, open_database, writing

_file = click.Path(path_type=Path, dir_okay=False)


@click.group()
def cases() -> None:
    """诉求件：导入、导出。"""


@cases.command("import")
@click.argument("file", type=_file)
@click.option("--column", "columns", multiple=True, metavar="项=列名", help="指定列，如 text=事由；常用列名自动识别")
@click.option("--preview", "only_preview", is_flag=True, help="只看认出的列和不能导入的行")
@click.option("--skip-invalid", is_flag=True, help="跳过不能导入的行")
def import_cases(file: Path, columns: tuple[str, ...], only_preview: bool, skip_invalid: bool) -> None:
    """导入办结件（CSV 或 Excel）；再次导入同一文件不会重复。"""
    from casework.service import exchange

    desk, mapping = console_desk(), dict(_pair(one) for one in columns)
    seen = exchange.preview(desk, file, mapping)
    click.echo(f"{file}：{seen.rows} 行，其中 {seen.n_problems} 行不能导入。", err=True)
    click.echo("认出的列：" + "，".join(f"{name} ← {column}" for name, column in seen.columns.items()), err=True)
    for problem in seen.problems:
        click.echo(problem, err=True)
    if only_preview:
        return
    with open_database() as database, click.progressbar(length=seen.rows, label="导入", file=sys.stderr) as bar:
        done = exchange.import_handled(
            database,
            desk,
            file,
            mapping,
            skip_invalid=skip_invalid,
            progress=lambda rows: bar.update(rows - bar.pos),
        )
    click.echo(f"导入 {done.imported} 件；以前导入过的 {done.known} 件；跳过 {done.left_out} 行。")


@cases.command("export")
@click.argument("file", type=_file)
@click.option("--status", default="closed", show_default=True, help="open、decided 或 closed")
@click.option("--department", default=None, help="只要这个部门的")
def export_cases(file: Path, status: str, department: str | None) -> None:
    """导出诉求件为 .csv 或 .xlsx；内容已隐去个人信息，可用于训练。"""
    from casework.service import exchange, listing

    desk = console_desk()
    filters = listing.filters_for(desk.actor, desk.office, listing.Filters(status, department))
    with open_database() as database, database.reading() as session:
        count = exchange.export_cases(session, desk, filters, file)
    click.echo(f"写出 {count} 件到 {file}")


@click.group()
def deadline() -> None:
    """各渠道、部门的时限。"""


@deadline.command("list")
def deadline_list() -> None:
    """列出时限；没有列出的按分类表。"""
    from casework.service import deadlines

    with writing() as session:
        for one in deadlines.list_rules(session):
            kind = "工作日" if one.working_days else "自然日"
            click.echo(f"{one.channel or '*'}\t{one.department or '*'}\t{one.urgency}\t{one.hours:g} 小时\t{kind}")


@deadline.command("set")
@click.option("--channel", default="", help="渠道，默认任何渠道")
@click.option("--department", default="", help="部门代号，默认任何部门")
@click.option("--urgency", required=True, help="紧急程度代号")
@click.option("--hours", type=float, required=True, help="几小时内响应")
@click.option("--working-days", is_flag=True, help="只算工作日，24 小时为一个工作日")
def deadline_set(channel: str, department: str, urgency: str, hours: float, working_days: bool) -> None:
    """设置一条时限；以后登记或分办的诉求件按它算。"""
    from casework.service import deadlines

    desk = console_desk()
    rule = deadlines.DeadlineRule(
        channel=channel, department=department, urgency=urgency, hours=hours, working_days=working_days
    )
    with writing() as session:
        deadlines.set_rule(session, desk.actor, desk.taxonomy, rule)
    click.echo("已设置")


@deadline.command("remove")
@click.option("--channel", default="", help="渠道")
@click.option("--department", default="", help="部门代号")
@click.option("--urgency", required=True, help="紧急程度代号")
def deadline_remove(channel: str, department: str, urgency: str) -> None:
    """删去一条时限。"""
    from casework.service import deadlines

    with writing() as session:
        deadlines.remove_rule(session, console_desk().actor, channel, department, urgency)
    click.echo("已删去")


@click.group()
def holiday() -> None:
    """节假日和调休。"""


@holiday.command("list")
def holiday_list() -> None:
    """列出与星期不同的日子。"""
    from casework.service import deadlines

    with writing() as session:
        for one in deadlines.list_holidays(session):
            click.echo(f"{one.day}\t{'上班' if one.working else '放假'}\t{one.name}")


@holiday.command("import")
@click.argument("file", type=_file)
def holiday_import(file: Path) -> None:
    """从 CSV 或 Excel 文件设置：日期（2026-10-01）、安排（放假或上班）、名称三列。"""
    from backlog.tables import open_table
    from casework.service import deadlines

    table = open_table(file)
    columns = [table.require("日期", "day"), table.require("安排", "kind"), table.column("名称", "name")]
    days = {}
    for row in table:
        day, kind, name = (row[i].strip() if i is not None and i < len(row) else "" for i in columns)
        days[_day(day[:10], table.row_number)] = (_working(kind, table.row_number), name)
    with writing() as session:
        deadlines.set_holidays(session, console_desk().actor, days)
    click.echo(f"已设置 {len(days)} 天")


@holiday.command("remove")
@click.argument("days", nargs=-1, required=True)
def holiday_remove(days: tuple[str, ...]) -> None:
    """让这些日子（如 2026-10-01）重新按星期算。"""
    from casework.service import deadlines

    with writing() as session:
        deadlines.remove_holidays(session, console_desk().actor, [_day(one) for one in days])
    click.echo("已删去")


@click.command()
def key() -> None:
    """生成一个 FENBAN_ORIGINALS_KEY，用来加密保存原文；请妥善保管，丢失后原文无法恢复。"""
    from casework.storage.originals import new_key

    click.echo(new_key())


def _pair(option: str) -> tuple[str, str]:
    name, equals, column = option.partition("=")
    if not equals:
        raise InvalidInputError(f"--column {option} 应形如 text=事由。")
    return name.strip(), column.strip()


def _day(text: str, row: int | None = None) -> date:
    try:
        return date.fromisoformat(text.replace("/", "-"))
    except ValueError as error:
        where = f"第 {row} 行：" if row else ""
        raise InvalidInputError(f"{where}“{text}”不是日期，应形如 2026-10-01。") from error


def _working(kind: str, row: int) -> bool:
    kinds = {"放假": False, "off": False, "上班": True, "working": True}
    if kind not in kinds:
        raise InvalidInputError(f"第 {row} 行：“{kind}”应为放假或上班。")
    return kinds[kind]
