"""Labelled complaints: what training learns from and evaluation measures on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backlog.tables import TEXT_NAMES, TITLE_NAMES, encoding_fault, open_table
from classifier.errors import InvalidComplaintError, InvalidLabelsError
from classifier.records import Complaint
from classifier.taxonomy import Taxonomy

AUTO = "auto"
_MOST_SHOWN = 10


@dataclass(frozen=True)
class Example:
    """A complaint with the labels a person gave it, as ids; ``assist`` and ``urgency`` may be empty."""

    complaint: Complaint
    department: str
    assist: str
    urgency: str
    source: str


def read_labelled(paths: Sequence[Path], taxonomy: Taxonomy | str) -> tuple[list[Example], Taxonomy]:
    """Read labelled files whole, or not at all.

    Parameters
    ----------
    paths : sequence of Path
        CSV files or Excel workbooks with ``text`` and ``department``, perhaps ``title``, ``assist`` and ``urgency``;
        other columns are ignored.
    taxonomy : Taxonomy or "auto"
        "auto" takes the departments found in the files, and Fenban's own levels of urgency.

    Returns
    -------
    examples : list of Example, in the order of the files
    taxonomy : Taxonomy
        Without levels of urgency where no row has one.

    Raises
    ------
    InvalidLabelsError
        A label is unknown or a row unreadable; the message lists the first of them by line.
    InvalidTableError
        A file cannot be read, or lacks a column.
    """
    rows = [row for path in paths for row in _read_rows(path)]
    if isinstance(taxonomy, str):
        taxonomy = Taxonomy.from_labels((row["department"] for row in rows), Taxonomy.read().urgencies)
    examples, problems = [], []
    for row in rows:
        try:
            examples.append(_example(row, taxonomy))
        except (InvalidComplaintError, InvalidLabelsError) as error:
            problems.append(f"{row['source']}：{error}")
    if problems:
        more = f"\n……共 {len(problems)} 处" if len(problems) > _MOST_SHOWN else ""
        raise InvalidLabelsError("标注文件有误，请改正后再试：\n" + "\n".join(problems[:_MOST_SHOWN]) + more)
    if not examples:
        raise InvalidLabelsError(f"{'、'.join(map(str, paths))} 里没有可用的标注。")
    if not any(example.urgency for example in examples):
        taxonomy = Taxonomy(taxonomy.departments, ())
    return examples, taxonomy


def _read_rows(path: Path) -> Iterable[dict[str, str]]:
    table = open_table(path)
    columns = {
        "text": table.require(*TEXT_NAMES),
        "department": table.require("department"),
        "title": table.column(*TITLE_NAMES),
        "assist": table.column("assist"),
        "urgency": table.column("urgency"),
    }
    for number, row in enumerate(table, 1):
        cells = {name: row[index] if index is not None and index < len(row) else "" for name, index in columns.items()}
        yield cells | {"source": f"{path} 第 {number} 条"}


def _example(row: dict[str, str], taxonomy: Taxonomy) -> Example:
    if fault := encoding_fault(row[name] for name in ("title", "text", "department", "assist", "urgency")):
        raise InvalidLabelsError(fault)
    labels = {
        "department": taxonomy.department_id(row["department"].strip()),
        "assist": taxonomy.department_id(row["assist"].strip()),
        "urgency": taxonomy.urgency_id(row["urgency"].strip()),
    }
    for name, label in labels.items():
        if label is None and (row[name].strip() or name == "department"):
            raise InvalidLabelsError(f"{name} 列的值“{row[name]}”不在分类表里")
    department, assist, urgency = (label or "" for label in labels.values())
    return Example(Complaint(row["title"], row["text"]), department, assist, urgency, row["source"])


def fingerprint(examples: Iterable[Example]) -> str:
    """SHA-256 over all texts and labels, whatever their order."""
    digests = sorted(
        hashlib.sha256(
            "\x1f".join((e.complaint.title, e.complaint.text, e.department, e.assist, e.urgency)).encode()
        ).digest()
        for e in examples
    )
    return hashlib.sha256(b"".join(digests)).hexdigest()
