"""Words for staff about what an evaluation found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from classifier.taxonomy import Taxonomy
from classifier.text.mask import mask
from training.audit import Suspect


def evaluation_text(report: dict[str, Any], taxonomy: Taxonomy) -> str:
    """The evaluation as a page of plain text."""
    names = _names(taxonomy)
    department = report["department"]
    alone = department["answered_alone"]
    lines = [
        f"模型 {report['model_version']}，{department['rows']} 条",
        f"主办部门：准确率 {department['accuracy']:.3f}{_interval(department['accuracy_interval'])}，"
        f"宏平均 F1 {department['macro_f1']:.3f}{_interval(department['macro_f1_interval'])}",
        f"前两个建议中有正确部门：{department['among_first_two']:.3f}",
        f"校准误差（ECE）：{department['expected_calibration_error']:.3f}",
        f"以 {alone['accuracy']:.0%} 准确率可直接采纳的比例：{alone['share']:.3f}",
        "",
        "按把握从大到小取\t准确率\t把握不低于",
        *(f"{one['share']:.0%}\t{one['accuracy']:.3f}\t{one['threshold']:.2f}" for one in department["coverage"][1::2]),
        "",
        "平均把握\t准确率\t条数",
        *(
            f"{one['confidence']:.2f}\t{one['accuracy']:.3f}\t{one['rows']}"
            for one in department["reliability"]
            if one["rows"]
        ),
        "",
        "部门\t精确率\t召回率\tF1\t条数",
    ]
    for label, row in department["per_class"].items():
        lines.append(
            f"{names.get(label, label)}\t{row['precision']:.3f}\t{row['recall']:.3f}\t{row['f1']:.3f}\t{row['rows']}"
        )
    lines += ["", *_confusion(department["confusion"], names)]
    if urgency := report.get("urgency"):
        lines += ["", f"紧急程度：准确率 {urgency['accuracy']:.3f}，二次加权 κ {urgency['quadratic_kappa']:.3f}"]
        lines += [
            f"最急一级：召回率 {urgency['gravest_recall']:.3f}，精确率 {urgency['gravest_precision']:.3f}，"
            f"被建议为最缓的 {urgency['gravest_shown_as_mildest']} 件",
            *_confusion(urgency["confusion"], names),
        ]
    if assist := report.get("assist"):
        lines += [
            "",
            f"协办部门：建议 {assist['suggested']} 件，标注 {assist['labelled']} 件，"
            f"精确率 {assist['precision']:.3f}，召回率 {assist['recall']:.3f}",
        ]
    lines += ["", f"需要人工复核的比例：{report['needs_review_share']:.3f}"]
    return "\n".join(lines)


def suspect_out(suspect: Suspect) -> dict[str, Any]:
    """A suspect label as plain data."""
    complaint = suspect.example.complaint
    return {
        "source": suspect.example.source,
        "about": suspect.about,
        "label": suspect.label,
        "likelier": suspect.likelier,
        "confidence": suspect.confidence,
        "own_confidence": suspect.own_confidence,
        "title": complaint.title,
        "text": complaint.text,
    }


def suspects_text(suspects: Sequence[Suspect], taxonomy: Taxonomy) -> str:
    """Suspect labels as lines of text, the most doubtful first."""
    names = _names(taxonomy)
    lines = [f"可能标错的标注 {len(suspects)} 处，最可疑的在前："]
    for one in suspects:
        excerpt = mask(one.example.complaint.title or one.example.complaint.text).replace("\n", " ")[:40]
        lines.append(
            f"{one.example.source}：标为{names[one.label]}（{one.own_confidence:.0%}），"
            f"更像{names[one.likelier]}（{one.confidence:.0%}）：{excerpt}"
        )
    return "\n".join(lines)


def _names(taxonomy: Taxonomy) -> dict[str, str]:
    return {one.id: one.name for one in taxonomy.departments} | {one.id: one.name for one in taxonomy.urgencies}


def _interval(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"（95 % 区间 {low:.3f}–{high:.3f}）"


def _confusion(confusion: dict[str, Any], names: dict[str, str]) -> list[str]:
    labels = [names.get(label, label) for label in confusion["labels"]]
    rows = [
        "\t".join([label, *map(str, row)]) for label, row in zip(labels, confusion["true_by_predicted"], strict=True)
    ]
    return ["\t".join(["标注＼建议", *labels]), *rows]
