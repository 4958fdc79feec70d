"""Checks the project's own corpus: schema, near-duplicates, balance, topics covered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backlog.tables import CsvTable
from classifier.errors import FenbanError
from classifier.taxonomy import Taxonomy
from classifier.text.prepare import Prepared
from training.duplicates import near_duplicates
from training.labelled import Example, read_labelled

CHANNELS = ("来访", "来信", "电话", "网络", "信箱", "短信", "转办")
CLARITIES = ("clear", "situational", "misleading")
CORPUS = Path(__file__).parent / "corpus"
TOPICS = CORPUS / "topics.csv"
_LENGTHS = (40, 100, 250, 450)


def corpus_files() -> tuple[Path, ...]:
    """The project's own labelled files."""
    return tuple(path for path in sorted(CORPUS.glob("*.csv")) if path != TOPICS)


@dataclass(frozen=True)
class Report:
    """What the check found: ``problems`` must be mended, ``text`` is all of it for a person."""

    problems: tuple[str, ...]
    text: str


def check(paths: Sequence[Path], topics: Path) -> Report:
    """Check corpus files against the list of topics they should cover.

    Parameters
    ----------
    paths : sequence of Path
        Labelled files that also have the columns topic, channel, clarity and voice.
    topics : Path
        CSV with the columns topic and least, the number of texts it should have.
    """
    try:
        examples, _ = read_labelled(paths, Taxonomy.read())
    except FenbanError as error:
        return Report((str(error),), str(error))
    columns = _Columns(paths)
    problems = [*columns.problems(examples), *_duplicates(examples)]
    missing = _topics_missing(columns.values["topic"], topics)
    lines = [
        f"语料 {len(examples)} 条，{len(paths)} 个文件",
        _counts("主办部门", [one.department for one in examples]),
        _counts("协办部门", [one.assist or "无" for one in examples]),
        _counts("紧急程度", [one.urgency for one in examples]),
        _counts("部门×紧急程度", [f"{one.department}/{one.urgency}" for one in examples]),
        _counts("渠道", columns.values["channel"]),
        _counts("清楚程度", columns.values["clarity"]),
        _counts("字数", [_length_band(len(one.complaint.text)) for one in examples]),
        f"主题 {len(set(columns.values['topic']))} 个；不足的主题 {len(missing)} 个{'：' if missing else ''}{'、'.join(missing)}",
        f"问题 {len(problems)} 处",
        *problems,
    ]
    return Report(tuple(problems), "\n".join(lines))


class _Columns:
    """The corpus's own columns, row by row in the order of the examples."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.values: dict[str, list[str]] = {"topic": [], "channel": [], "clarity": [], "voice": []}
        for path in paths:
            table = CsvTable(path)
            indices = {name: table.require(name) for name in self.values}
            for row in table:
                for name, index in indices.items():
                    self.values[name].append(row[index])

    def problems(self, examples: Sequence[Example]) -> list[str]:
        found = []
        for name, choices in (("channel", CHANNELS), ("clarity", CLARITIES)):
            for example, value in zip(examples, self.values[name], strict=True):
                if value not in choices:
                    found.append(f"{example.source}：{name} 的值“{value}”应为{'、'.join(choices)}之一")
        for example, topic in zip(examples, self.values["topic"], strict=True):
            if topic.count("/") != 2:
                found.append(f"{example.source}：topic“{topic}”应写成 一级/二级/三级")
        found += [f"{one.source}：没有 urgency" for one in examples if not one.urgency]
        found += [f"{one.source}：assist 与 department 相同" for one in examples if one.assist == one.department]
        return found


def _duplicates(examples: Sequence[Example]) -> list[str]:
    prepared = Prepared([example.complaint for example in examples]).texts
    return [
        f"{examples[i].source} 与 {examples[j].source} 近似重复（5 字组 Jaccard {index:.2f}）"
        for i, j, index in near_duplicates(prepared)
    ]


def _topics_missing(covered: Sequence[str], topics: Path) -> list[str]:
    table, count = CsvTable(topics), Counter(covered)
    topic, least = table.require("topic"), table.require("least")
    return [f"{row[topic]}（{count[row[topic]]}/{row[least]}）" for row in table if count[row[topic]] < int(row[least])]


def _length_band(length: int) -> str:
    below = next((bound for bound in _LENGTHS if length <= bound), None)
    return f"≤{below}" if below else f">{_LENGTHS[-1]}"


def _counts(name: str, values: Sequence[str]) -> str:
    return f"{name}：" + "、".join(f"{value} {count}" for value, count in Counter(values).most_common())
