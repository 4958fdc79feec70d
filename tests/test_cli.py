"""The commands: each opens, makes one call and prints; errors are messages, not tracebacks."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import joblib
import pytest
from click.testing import CliRunner, Result

from backlog.tables import new_table
from cli import main
from tests.training.test_training import PLACES

TEXT = "楼下烧烤店的油烟天天往家里灌，孩子咳嗽"
ROWS = [
    ("河水又黑又臭", "environment", "urgent"),
    ("宅基地批不下来", "land", "routine"),
    ("老师打学生", "education", "critical"),
]


def fenban(models: Path, *arguments: str, stdin: bytes = b"") -> Result:
    """Run a command against a models folder."""
    return CliRunner(env={"FENBAN_MODELS_DIR": str(models)}).invoke(main, arguments, input=stdin)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A small labelled file."""
    path = tmp_path / "labelled.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "text", "department", "assist", "urgency"])
        writer.writerows(
            ["", f"{place}的{text}", department, "", urgency] for place in PLACES for text, department, urgency in ROWS
        )
    return path


def test_train_evaluate_suggest(labelled: Path, tmp_path: Path) -> None:
    """The three commands a newcomer runs first."""
    models = tmp_path / "models"
    trained = fenban(models, "train", str(labelled))
    assert trained.exit_code == 0, trained.output
    assert (models / "CURRENT").is_file()
    report = json.loads(fenban(models, "evaluate", str(labelled), "--json").stdout)
    assert report["department"]["rows"] == 18
    text = fenban(models, "evaluate", str(labelled)).stdout
    assert "主办部门：准确率" in text
    assert "标注＼建议" in text
    suggested = json.loads(fenban(models, "suggest", "河水又黑又臭", "--json").stdout)
    assert suggested["department"]["id"] == "environment"


def test_train_elsewhere_with_labels_found(labelled: Path, tmp_path: Path) -> None:
    """--taxonomy auto and --out work together."""
    out = tmp_path / "other"
    assert fenban(tmp_path / "unused", "train", str(labelled), "--taxonomy", "auto", "--out", str(out)).exit_code == 0
    folder = out / (out / "CURRENT").read_text(encoding="utf-8").strip()
    assert fenban(tmp_path / "unused", "evaluate", str(labelled), "--model", str(folder)).exit_code == 0


def test_suggest_in_words(models_dir: Path) -> None:
    """The same suggestion for a person to read; - reads standard input."""
    result = fenban(models_dir, "suggest", "-", stdin=TEXT.encode())
    assert result.exit_code == 0
    for words in ("主办：", "协办：", "紧急程度：", "依据：", "模型 "):
        assert words in result.stdout


def test_reclassify(models_dir: Path, tmp_path: Path) -> None:
    """Counts what it wrote."""
    source = tmp_path / "in.csv"
    source.write_text(f'内容\n{TEXT}\n""\n', encoding="utf-8")
    result = fenban(models_dir, "reclassify", str(source), str(tmp_path / "out.csv"), "--jobs", "1")
    assert result.exit_code == 0, result.output
    assert "写出 2 行" in result.stdout
    assert "其中 1 行读不了" in result.stdout


@pytest.mark.parametrize("name", ["in.csv", "in.xlsx"])
def test_reclassify_in_a_pipe(models_dir: Path, tmp_path: Path, name: str) -> None:
    """Nothing but the records goes to standard output: what else is told stands on standard error."""
    with new_table(tmp_path / name, "utf-8") as out:
        out.writerows([["编号", "内容"], ["007", TEXT], ["008", ""]])
    stdin = (tmp_path / name).read_bytes()
    result = fenban(models_dir, "reclassify", "-", "-", "--jobs", "1", stdin=stdin)
    assert result.exit_code == 0, result.output
    header, *rows = csv.reader(result.stdout.splitlines())
    assert header[:3] == ["编号", "内容", "suggested_department"]
    assert [row[0] for row in rows] == ["007", "008"]
    assert "写出 2 行到 标准输出，其中 1 行读不了" in result.stderr


def test_a_cluster_without_its_libraries(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "backlog.cluster", raising=False)
    result = fenban(models_dir, "reclassify", "in", "out", "--scheduler", "tcp://127.0.0.1:1")
    assert result.exit_code == 1
    assert "distributed，请运行 .venv/bin/pip install -r requirements-cluster.txt" in result.stderr


def test_export(models_dir: Path, tmp_path: Path) -> None:
    """Analysts get scikit-learn pipelines that take plain texts."""
    target = tmp_path / "model.joblib"
    assert fenban(models_dir, "export", "--joblib", str(target)).exit_code == 0
    pipelines = joblib.load(target)
    suggested = json.loads(fenban(models_dir, "suggest", TEXT, "--json").stdout)
    assert pipelines["department"].predict([TEXT])[0] == suggested["department"]["id"]
    assert pipelines["department"].predict_proba([TEXT]).max() == pytest.approx(suggested["department"]["confidence"])


def test_corpus_check() -> None:
    """The project's own corpus passes."""
    result = CliRunner().invoke(main, ["corpus", "check"])
    assert result.exit_code == 0
    assert "问题 0 处" in result.stdout


FAILURES = [
    (["suggest", ""], "内容为空"),
    (["suggest", TEXT, "--model", "missing"], "读不了模型文件"),
    (["evaluate", "missing.csv"], "打不开 missing.csv"),
    (["train", "missing.csv"], "打不开 missing.csv"),
    (["train", "--taxonomy", "missing.toml"], "读不了分类表"),
    (["reclassify", "missing.csv", "out.csv"], "打不开 missing.csv"),
    (["reclassify", "a.csv", "a.csv"], "不能与输入文件相同"),
    (["reclassify", "a.csv", "."], "是目录或设备"),
    (["reclassify", "-", "a.csv", "--resume"], "标准输入、标准输出中断后不能接着做"),
    (["export", "--joblib", "missing/x"], "写不了 missing/x"),
]


@pytest.mark.parametrize(("arguments", "message"), FAILURES)
def test_failures_are_messages(
    models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """Exit status 1, the message on standard error, nothing written."""
    monkeypatch.chdir(tmp_path)
    result = fenban(models_dir, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_a_model_the_message_says_what_to_run(tmp_path: Path) -> None:
    """Not a traceback."""
    result = fenban(tmp_path, "suggest", TEXT)
    assert (result.exit_code, "fenban train" in result.stderr) == (1, True)
