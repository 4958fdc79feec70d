"""Composition root of the command line, installed as `fenban`: opens, makes one call, prints."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Never

import click

from classifier.errors import FenbanError
from commands import accounts, backlog, cases, cluster, models
from commands.progress import Progress
from settings import ROOT, Settings

_WORKER_PAUSE_S = 3


class _Failure(click.ClickException):
    def show(self, file: Any = None) -> None:
        click.echo(f"出错：{self.message}", err=True, file=file)


class _Group(click.Group):
    """Shows Fenban's own errors as messages, not as tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FenbanError as error:
            raise _Failure(str(error)) from error


def _fail(message: str) -> Never:
    raise _Failure(message)


_file = click.Path(path_type=Path, dir_okay=False)
_folder = click.Path(path_type=Path, file_okay=False)
_model = click.option("--model", type=_folder, help="模型目录，默认是当前模型")
_as_json = click.option("--json", "as_json", is_flag=True, help="输出 JSON")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """分办：对诉求建议主办、协办部门和紧急程度，由工作人员决定。"""


@main.command()
@click.argument("files", nargs=-1, type=_file)
@click.option("--taxonomy", default=None, help="分类表 TOML 文件；auto 表示用文件里出现的部门")
@click.option("--out", type=_folder, default=None, help="模型写到哪个目录")
def train(files: tuple[Path, ...], taxonomy: str | None, out: Path | None) -> None:
    """用标注文件训练模型，并设为当前模型；不给文件则用自带语料。"""
    from classifier.taxonomy import DEFAULT_PATH, Taxonomy
    from training.corpus import corpus_files
    from training.labelled import AUTO, read_labelled
    from training.release import release

    paths = files or corpus_files()
    chosen: Taxonomy | str = AUTO if taxonomy == AUTO else Taxonomy.read(Path(taxonomy or DEFAULT_PATH))
    examples, found = read_labelled(paths, chosen)
    click.echo(f"读到 {len(examples)} 条标注，开始训练……", err=True)
    settings = Settings()
    folder, metrics = release(examples, found, out or settings.models_dir, settings.auto_accept_accuracy)
    department = metrics["department"]
    click.echo(f"模型 {folder}")
    click.echo(f"交叉验证：主办部门宏平均 F1 {department['macro_f1']:.3f}，准确率 {department['accuracy']:.3f}")


@main.command()
@click.argument("file", type=_file)
@_model
@_as_json
@click.option("--plots", "folder", type=_folder, help="把覆盖率和可靠性两张图（PNG）写到这个目录")
def evaluate(file: Path, model: Path | None, as_json: bool, folder: Path | None) -> None:
    """在一份标注文件上评估模型。"""
    from training.evaluate import evaluate as measure
    from training.labelled import read_labelled
    from training.report import evaluation_text

    classifier = _load(model)
    examples, _ = read_labelled([file], classifier.taxonomy)
    report = measure(classifier, examples)
    if folder:
        # Drawing takes longest to import.
        from training.plots import write_plots

        write_plots(report["department"], folder)
    click.echo(_json(report) if as_json else evaluation_text(report, classifier.taxonomy))


@main.command()
@click.argument("text")
@click.option("--title", default="", help="标题")
@_model
@_as_json
def suggest(text: str, title: str, model: Path | None, as_json: bool) -> None:
    """对一件诉求给出建议；TEXT 为 - 时从标准输入读。"""
    from casework.service import triage
    from casework.web.schemas import advice_out
    from classifier.records import Complaint

    complaint = Complaint(title, _standard_input() if text == "-" else text)
    advice = triage.advise(_load(model), complaint)
    if as_json:
        click.echo(_json(advice_out(advice)))
        return
    found = advice.suggestion
    click.echo(f"主办：{_likely(found.lead)}")
    click.echo(f"协办：{_likely(found.assist)}" if found.assist else "协办：无")
    if found.urgency:
        level, confidence = found.urgency
        cautious = "，宁急勿缓" if confidence < 0.5 else ""
        click.echo(f"紧急程度：{level.name}（{confidence:.0%}{cautious}），{level.respond_within_hours:g} 小时内响应")
    others = "、".join(f"{one.department.name} {one.confidence:.0%}" for one in found.candidates[1:])
    click.echo(f"其他可能：{others}")
    click.echo(f"依据：{'、'.join(dict.fromkeys(one.text for one in found.reasons if one.weight > 0)) or '无'}")
    if against := "、".join(dict.fromkeys(one.text for one in found.reasons if one.weight < 0)):
        click.echo(f"支持别的部门的词：{against}")
    for one in found.reasons:
        if one.rule:
            click.echo(f"危险规则“{one.rule}”：见“{one.text}”")
    if found.needs_review:
        click.echo(f"请人工复核：{'；'.join(one.message for one in found.review_causes)}")
    for case in advice.similar:
        click.echo(f"相近（{case.similarity:.0%}，{case.department.name}）：{case.title or case.excerpt[:40]}")
    click.echo(f"模型 {found.model_version}，{advice.took_ms:.1f} 毫秒")


def _likely(one: Any) -> str:
    return f"{one.department.name}（{one.confidence:.0%}）"


@main.command()
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@_model
@click.option("--jobs", default=-1, show_default=True, help="工作进程数，-1 为每核一个")
@click.option(
    "--scheduler", default=None, help="Dask 调度器地址（tcp://主机:8786）；IN、OUT 是 Parquet 目录，可在 s3:// 上"
)
@click.option("--title", default=None, help="标题列的列名")
@click.option("--text", default=None, help="内容列的列名")
@click.option("--encoding", default=None, help="输入文件的编码，默认自动识别")
@click.option("--sheet", default=None, help="输入工作簿里的工作表，默认是第一个有内容的")
@click.option("--resume", is_flag=True, help="接着做上次中断的同一次运行")
def reclassify(source: str, target: str, model: Path | None, scheduler: str | None, **options: Any) -> None:
    """给表格文件的每一行加上建议，写成新文件；IN、OUT 为 - 时是标准输入、标准输出。"""
    if scheduler:
        cluster.reclassify(source, target, model, scheduler, options["title"], options["text"])
    else:
        _reclassify_here(Path(source), Path(target), model, **options)


def _reclassify_here(source: Path, target: Path, model: Path | None, **options: Any) -> None:
    gc.disable()  # as in serve(); classifier_of() begins again
    from backlog.journal import STANDARD
    from backlog.reclassify import reclassify as run
    from classifier.model import bundle

    folder = model or bundle.current(Settings().models_dir)
    try:
        with Progress() as progress:
            outcome = run(source, target, folder, progress=progress, **options)
    except KeyboardInterrupt:
        _fail("已按要求停下。" + ("" if STANDARD in (source, target) else "加 --resume 再运行即可接着做。"))
    where = "标准输出" if target == STANDARD else target
    click.echo(
        f"写出 {outcome.rows} 行到 {where}，其中 {outcome.errors} 行读不了，原因见 error 列。", err=target == STANDARD
    )


@main.group()
def corpus() -> None:
    """自带语料。"""


@corpus.command("check")
def corpus_check() -> None:
    """检查语料：格式、近似重复、标注分布、未覆盖的主题。"""
    from training.corpus import TOPICS, check, corpus_files

    report = check(corpus_files(), TOPICS)
    click.echo(report.text)
    if report.problems:
        _fail(f"语料有 {len(report.problems)} 处问题，请改正。")


@corpus.command("audit")
@click.argument("files", nargs=-1, type=_file)
@_as_json
def corpus_audit(files: tuple[Path, ...], as_json: bool) -> None:
    """列出交叉验证最怀疑标错的标注，供人复核；不给文件则查自带语料。"""
    from classifier.taxonomy import Taxonomy
    from training.audit import find_suspects
    from training.corpus import corpus_files
    from training.fit import fit
    from training.labelled import read_labelled
    from training.report import suspect_out, suspects_text

    examples, taxonomy = read_labelled(files or corpus_files(), Taxonomy.read())
    suspects = find_suspects(examples, fit(examples, taxonomy, Settings().auto_accept_accuracy))
    click.echo(_json([suspect_out(one) for one in suspects]) if as_json else suspects_text(suspects, taxonomy))


@main.command()
@click.option("--joblib", "target", type=_file, required=True, help="写到哪个文件")
@_model
def export(target: Path, model: Path | None) -> None:
    """把模型导出成 scikit-learn 流水线（joblib），供分析用；服务从不读取这种文件。"""
    from training.export import export_joblib

    export_joblib(_load(model), target)
    click.echo(f"已导出到 {target}")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址")
@click.option("--port", default=8080, show_default=True, help="端口")
@click.option("--workers", default=2, show_default=True, help="工作进程数")
def serve(host: str, port: int, workers: int) -> None:
    """启动网页和接口服务；还没有账号时先建一个管理员。"""
    # Nothing that is loaded until it serves is garbage, and to look for some takes a fifth of the start; run() begins again.
    gc.disable()
    from casework.web.server import Binding, run

    settings = Settings()
    binding = Binding(host, port, settings.tls_certificate, settings.tls_key, settings.behind_proxy)
    binding.check()
    _first_administrator(settings.database_url, binding)
    with _worker():
        run("api:create_app", binding, workers)


@contextmanager
def _worker() -> Iterator[None]:
    """A process for background jobs, begun anew when it dies; it ends with this one however that ends."""
    over = threading.Event()

    def keep() -> None:
        # A pause comes before the first start too: the web service, which somebody waits for, gets the machine first.
        while not over.wait(_WORKER_PAUSE_S):
            command = [sys.executable, "-m", "cli", "worker", "--attached"]
            with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT) as process:
                while process.poll() is None and not over.wait(0.2):
                    pass
                process.terminate()

    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _first_administrator(url: str, binding: Any) -> None:
    from casework.service.accounts import FIRST_ADMINISTRATOR, first_administrator
    from casework.service.permissions import console
    from casework.service.releases import note_current
    from casework.storage.accounts import any_user
    from casework.storage.database import Database

    database = Database(url)
    with database.writing() as session:
        if not binding.local and not any_user(session):
            _fail("还没有账号，请先建一个：fenban user add 名字 --role admin")
        password = first_administrator(session, console())
    note_current(database, Settings().models_dir)
    database.close()
    if password:
        click.echo(f"打开 {binding.address} ，用户名 {FIRST_ADMINISTRATOR}，一次性密码 {password} ，登录后须修改。")
    else:
        click.echo(f"打开 {binding.address} 登录；忘了密码用 fenban user password 重设。")


for command in (
    *(accounts.user, accounts.token),
    *(cases.cases, cases.deadline, cases.holiday, cases.key),
    *(models.models, models.retrain, models.worker),
    backlog.backlog,
):
    main.add_command(command)


def _load(model: Path | None) -> Any:
    from classifier.model import bundle

    return bundle.load(model or bundle.current(Settings().models_dir))


def _standard_input() -> str:
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape").rstrip("\n")


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main(prog_name="fenban")
