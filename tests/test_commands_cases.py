"""Commands for cases, response times, days off and models, as an office types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from sqlalchemy import update

from casework.service import retraining
from casework.service.desk import Desk
from casework.service.office import Office
from casework.service.permissions import console
from casework.service.register import NewCase, register
from casework.storage.database import Database
from casework.storage.tables import Case
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.records import Complaint
from cli import main
from tests.models import add_model, copy_of, damage

HANDLED = (
    "工单编号,诉求内容,承办单位\n0017,化工厂往河里排污水，电话13800000123,生态环境\n0018,邻居占了我家宅基地,land\n"
)


@pytest.fixture
def models(models_dir: Path, tmp_path: Path) -> Path:
    """A folder of one's own with one model, in service."""
    (tmp_path / "models").mkdir()
    return copy_of(models_dir, tmp_path / "models")


@pytest.fixture
def fenban(models: Path, tmp_path: Path) -> Callable[..., Result]:
    """Run a command in an office of its own."""
    settings = {"FENBAN_DATABASE_URL": f"sqlite:///{tmp_path}/fenban.db", "FENBAN_MODELS_DIR": str(models)}

    def run(*arguments: object, **more: str) -> Result:
        return CliRunner(env=settings | more).invoke(main, [str(one) for one in arguments])

    return run


def file(tmp_path: Path, content: str, name: str = "办结件.csv") -> Path:
    """A file as an office has it."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def test_cases_come_in_and_go_out(fenban: Callable[..., Result], tmp_path: Path) -> None:
    """First looked through, then taken once, then written masked."""
    path = file(tmp_path, HANDLED)
    seen = fenban("cases", "import", path, "--preview")
    assert (seen.exit_code, seen.stdout) == (0, "")
    assert "2 行，其中 0 行不能导入" in seen.stderr
    assert "department ← 承办单位" in seen.stderr
    assert fenban("cases", "import", path).stdout == "导入 2 件；以前导入过的 0 件；跳过 0 行。\n"
    assert fenban("cases", "import", path).stdout == "导入 0 件；以前导入过的 2 件；跳过 0 行。\n"
    for name in ("件.csv", "件.xlsx"):
        assert fenban("cases", "export", tmp_path / name).stdout.startswith("写出 2 件到")
    assert "13800000123" not in (tmp_path / "件.csv").read_text(encoding="utf-8-sig")
    assert fenban("cases", "export", tmp_path / "x.csv", "--department", "land").stdout.startswith("写出 1 件到")


@pytest.fixture
def reclassified(fenban: Callable[..., Result], classifier: Classifier, tmp_path: Path) -> Path:
    """An open case whose suggestion was wrong and a handled one, exported and reclassified."""
    fenban("cases", "import", file(tmp_path, HANDLED))
    database = Database(f"sqlite:///{tmp_path}/fenban.db")
    desk = Desk(console(), Office(blind_share=0), classifier.taxonomy, classifier)
    with database.writing() as session:
        register(session, desk, NewCase(Complaint("", "初三班主任周末在家收费补课")))
        session.execute(update(Case).where(Case.status == "open").values(text="化工厂往河里排污水，河水发黑发臭"))
    database.close()
    fenban("cases", "export", tmp_path / "件.csv", "--status", "open")
    assert fenban("reclassify", tmp_path / "件.csv", tmp_path / "结果.csv", "--jobs", "1").exit_code == 0
    return tmp_path / "结果.csv"


def test_a_campaign_is_applied_and_undone(fenban: Callable[..., Result], reclassified: Path) -> None:
    """First shown, then applied by --yes, listed, taken back; each for programs too."""
    seen = fenban("backlog", "apply", reclassified)
    assert "1 行，将更新 1 件" in seen.stdout
    assert "部门：教育 → 生态环境，1 件" in seen.stdout
    assert (seen.exit_code, "加 --yes" in seen.stderr) == (0, True)
    shown = json.loads(fenban("backlog", "apply", reclassified, "--json").stdout)
    assert shown["departments"] == [{"from": "education", "to": "environment", "cases": 1}]
    assert fenban("backlog", "list").stdout == ""
    assert "\t更新 1 件\n撤销用：fenban backlog undo 1\n" in fenban("backlog", "apply", reclassified, "--yes").stdout
    again = fenban("backlog", "apply", reclassified)
    assert "不更新，这个结果已经应用过：1 行" in again.stdout
    assert "--yes" not in again.stderr
    assert [line.split("\t")[:2] for line in fenban("backlog", "list").stdout.splitlines()] == [["1", "已应用"]]
    assert "恢复 1 件，另外 0 件" in fenban("backlog", "undo", 1).stdout
    (listed,) = json.loads(fenban("backlog", "list", "--json").stdout)
    assert (listed["state"], listed["changed"], listed["restored"], listed["left"]) == ("undone", 1, 1, {})


@pytest.mark.parametrize(("answer", "runs"), [(True, 1), (False, 0)])
def test_at_a_terminal_a_person_is_asked(
    fenban: Callable[..., Result], reclassified: Path, monkeypatch: pytest.MonkeyPatch, answer: bool, runs: int
) -> None:
    """And nothing is done without their yes."""
    monkeypatch.setattr("commands.backlog._at_terminal", lambda: True)
    asked = []

    def confirm(question: str, err: bool) -> bool:
        asked.append((question, err))
        return answer

    monkeypatch.setattr("click.confirm", confirm)
    assert "将更新 1 件" in fenban("backlog", "apply", reclassified).stdout
    assert asked == [("更新这 1 件的建议？", True)]
    assert len(json.loads(fenban("backlog", "list", "--json").stdout)) == runs


def test_columns_and_rows_that_cannot_be_taken(fenban: Callable[..., Result], tmp_path: Path) -> None:
    """Are named; the rows can be skipped."""
    path = file(tmp_path, "事由,交办\n路灯不亮,other\n树倒了,林业局\n")
    named = ("cases", "import", path, "--column", "text=事由", "--column", "department=交办")
    refused = fenban(*named)
    assert (refused.exit_code, "第 3 行" in refused.stderr) == (1, True)
    assert fenban(*named, "--skip-invalid").stdout == "导入 1 件；以前导入过的 0 件；跳过 1 行。\n"


def test_response_times(fenban: Callable[..., Result]) -> None:
    """Set, listed, taken back."""
    rule = ("--channel", "上级转办", "--urgency", "routine")
    assert fenban("deadline", "set", *rule, "--hours", "24", "--working-days").exit_code == 0
    assert fenban("deadline", "list").stdout == "上级转办\t*\troutine\t24 小时\t工作日\n"
    assert fenban("deadline", "remove", *rule).exit_code == 0
    assert fenban("deadline", "list").stdout == ""


def test_days_off(fenban: Callable[..., Result], tmp_path: Path) -> None:
    """From a file of the office's, and taken back one by one."""
    path = file(tmp_path, "日期,安排,名称\n2026-10-01,放假,国庆\n2026/10/10,上班,调休\n")
    assert fenban("holiday", "import", path).stdout == "已设置 2 天\n"
    assert fenban("holiday", "list").stdout == "2026-10-01\t放假\t国庆\n2026-10-10\t上班\t调休\n"
    assert fenban("holiday", "remove", "2026-10-01").exit_code == 0
    assert fenban("holiday", "list").stdout == "2026-10-10\t上班\t调休\n"


def test_a_key_for_originals(fenban: Callable[..., Result]) -> None:
    """Another each time, and one that encrypts."""
    first, second = (fenban("key").stdout.strip() for _ in range(2))
    assert first != second
    Fernet(first)


def test_models_are_switched(fenban: Callable[..., Result], models: Path) -> None:
    """Listed for people and for programs, shown, promoted, rolled back."""
    before = bundle.current(models).name
    add_model(models, "v2", promoted=False)
    assert [line.split("\t")[:2] for line in fenban("models", "list").stdout.splitlines()] == [
        ["v2", "未通过"],
        [before, "现用"],
    ]
    assert [one["version"] for one in json.loads(fenban("models", "list", "--json").stdout)] == ["v2", before]
    assert "测试" in fenban("models", "show", "v2").stdout
    assert fenban("models", "promote", "v2", "--why", "主管决定").stdout == "已启用 v2\n"
    assert bundle.current(models).name == "v2"
    assert fenban("models", "rollback").stdout == f"已换回 {before}\n"


@pytest.mark.parametrize("promoted", [True, False])
def test_retraining(
    fenban: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, promoted: bool
) -> None:
    """Its progress goes to standard error, so that the JSON stands alone; doubts are pointed out."""
    report = retraining.Report("v2", promoted, ["理由"], 7, 3, ["某.csv 第 2 条：标为 land"], {})

    def retrain(database: object, actor: object, plan: retraining.Plan, progress: Callable[[str], None]) -> object:
        assert (plan.recall_floor, plan.files) == (0.1, (tmp_path / "更多.csv",))
        progress("训练新模型……")
        return report

    monkeypatch.setattr(retraining, "retrain", retrain)
    arguments = ("retrain", "--handled", tmp_path / "更多.csv")
    told = fenban(*arguments, "--json", FENBAN_RECALL_FLOOR="0.1")
    assert json.loads(told.stdout) == report.to_dict()
    assert told.stderr == "训练新模型……\n"
    words = fenban(*arguments, FENBAN_RECALL_FLOOR="0.1").stdout
    assert ("模型 v2已启用" in words, "模型 v2没有启用" in words) == (promoted, not promoted)
    assert "3 件标注可疑" in words
    assert "某.csv 第 2 条" in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cases", "import", "没有.csv"], "没有.csv"),
        (["cases", "import", "{file}", "--column", "事由"], "应形如 text=事由"),
        (["cases", "import", "{file}", "--column", "colour=事由"], "没有“colour”这一项"),
        (["cases", "export", "{folder}/x.csv", "--status", "asleep"], "没有“asleep”这种状态"),
        (["cases", "export", "{folder}/none/x.csv"], "x.csv"),
        (["backlog", "apply", "没有.csv"], "没有.csv"),
        (["backlog", "apply", "{file}", "--yes"], "里没有“suggested_department”列"),
        (["backlog", "undo", "7"], "没有批量更新 7"),
        (["deadline", "set", "--urgency", "whenever", "--hours", "1"], "没有“whenever”这一级"),
        (["deadline", "set", "--urgency", "routine", "--hours", "0"], "时限 0 小时不对"),
        (["deadline", "set", "--urgency", "routine", "--hours", "nan"], "时限 nan 小时不对"),
        (["deadline", "remove", "--urgency", "routine"], "没有这一条时限"),
        (["holiday", "import", "{file}"], "日期"),
        (["holiday", "remove", "国庆"], "“国庆”不是日期"),
        (["models", "show", "v9"], "没有模型 v9"),
        (["models", "promote", "v9"], "没有模型 v9"),
        (["models", "promote", "broken"], "与发布时不一致"),
        (["models", "rollback"], "没有可以退回的上一个模型"),
        (["retrain", "--handled", "{folder}/没有.csv"], "没有.csv"),
        (["retrain"], "fenban cases import"),
    ],
)
def test_refusals_are_messages(
    fenban: Callable[..., Result], models: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    """Exit status 1, the value in it, and no traceback."""
    damage(models, add_model(models, "broken"))
    path = file(tmp_path, HANDLED)
    result = fenban(*(one.format(file=path, folder=tmp_path) for one in arguments))
    assert (result.exit_code, message in result.stderr) == (1, True), result.output
    assert isinstance(result.exception, SystemExit)


def test_a_queue_of_no_known_kind(fenban: Callable[..., Result]) -> None:
    """The worker says what an address looks like."""
    result = fenban("worker", FENBAN_JOBS_URL="mysql://localhost/jobs")
    assert (result.exit_code, "FENBAN_JOBS_URL 应以" in result.stderr) == (1, True)
