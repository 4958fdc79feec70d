"""From labelled examples to a released model folder, with its measures, its folds and its card."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.model.precedents import Precedent, Precedents
from classifier.model.urgency import as_incoming, graded
from classifier.taxonomy import Taxonomy
from training.answers import FOLDS_FILE, Folds, row_keys
from training.fit import Fitted, fit
from training.labelled import Example, fingerprint
from training.metrics import single_label_report, urgency_report
from training.plots import plots
from training.reference import reference

_RECORDED = ("jieba", "scikit-learn", "numpy", "scipy", "OpenCC")


def release(
    examples: Sequence[Example], taxonomy: Taxonomy, models: Path, accept_accuracy: float, jobs: int = -1
) -> tuple[Path, dict[str, Any]]:
    """Train, measure and write ``models/<version>``, and make it the current model.

    Returns
    -------
    folder : Path
    metrics : dict
        As in ``metrics.json``: cross-validated over the examples.

    Raises
    ------
    InvalidLabelsError, InvalidModelError
        There is too little to learn from, or the folder cannot be written.
    """
    fitted = fit(examples, taxonomy, accept_accuracy, jobs)
    classifier = assemble(examples, fitted, taxonomy, jobs)
    folder, metrics = write(models, classifier, examples, fitted, folds_of(examples, fitted))
    bundle.promote(models, folder.name)
    return folder, metrics


def assemble(examples: Sequence[Example], fitted: Fitted, taxonomy: Taxonomy, jobs: int = -1) -> Classifier:
    """A classifier of what was fitted to ``examples``, its version the time and their fingerprint."""
    version_name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{fingerprint(examples)[:8]}"
    cases = Parallel(n_jobs=jobs, batch_size=500)(
        delayed(Precedent.of)(one.complaint, one.department, one.assist, one.urgency) for one in examples
    )
    precedents = Precedents(cases, fitted.words.astype(np.float32))
    return Classifier(fitted.weights, taxonomy, fitted.thresholds, version_name, precedents)


def folds_of(examples: Sequence[Example], fitted: Fitted) -> Folds:
    """The held-out probabilities of the first of the fitted examples."""
    targets = {name: target for name, target in fitted.targets.items() if target.exclusive}
    classes = {name: np.array(target.classes) for name, target in targets.items()}
    return Folds(row_keys(examples), classes, {name: fitted.held_out[name][: len(examples)] for name in targets})


def write(
    models: Path,
    classifier: Classifier,
    examples: Sequence[Example],
    fitted: Fitted,
    folds: Folds,
    documents: Mapping[str, bytes] = MappingProxyType({}),
    section: str = "",
) -> tuple[Path, dict[str, Any]]:
    """Measure and write ``models/<version>``, not yet in service.

    Parameters
    ----------
    folds : Folds
        What later models are compared with.
    documents : mapping of file name to content
    section : str
        Markdown at the end of the card.
    """
    metrics = held_out_metrics(examples, fitted)
    manifest = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "training_data": {"rows": len(examples), "fingerprint_sha256": fingerprint(examples)},
        "parameters": fitted.parameters,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _RECORDED},
        "metrics": {
            "department_macro_f1": metrics["department"]["macro_f1"],
            "department_accuracy": metrics["department"]["accuracy"],
        },
    }
    files = {
        "metrics.json": json.dumps(metrics, ensure_ascii=False, indent=1).encode(),
        "card.md": (_card(classifier, manifest, metrics) + section).encode(),
        FOLDS_FILE: folds.packed(),
        **plots(metrics["department"]),
        **documents,
    }
    return bundle.save(models, classifier, manifest, files), metrics


def held_out_metrics(examples: Sequence[Example], fitted: Fitted) -> dict[str, Any]:
    """Measures of the cross-validated probabilities; hazard rules are not in them."""
    heads, p = fitted.weights.heads, fitted.held_out
    departments = np.array([example.department for example in examples])
    metrics = {
        "measured_on": "cross-validation over the training data",
        "department": single_label_report(
            departments, heads["department"].classes, p["department"], fitted.thresholds.accept_accuracy
        ),
        "reference": reference(fitted),
    }
    if "urgency" in heads:
        labels = np.array([example.urgency for example in examples])
        rows, classes = labels != "", heads["urgency"].classes
        incoming = as_incoming(p["urgency"][rows], p["department"][rows], fitted.thresholds.urgent_log_odds)
        predicted = np.array(classes)[graded(incoming, fitted.thresholds.urgency)]
        metrics["urgency"] = urgency_report(labels[rows], predicted, classes)
    return metrics


def _card(classifier: Classifier, manifest: dict[str, Any], metrics: dict[str, Any]) -> str:
    department = metrics["department"]
    low, high = department["macro_f1_interval"]
    rows = "\n".join(
        f"| {one.name} | {department['per_class'][one.id]['precision']:.3f} | {department['per_class'][one.id]['recall']:.3f} "
        f"| {department['per_class'][one.id]['f1']:.3f} | {department['per_class'][one.id]['rows']} |"
        for one in classifier.taxonomy.departments
        if one.id in department["per_class"]
    )
    return f"""# 模型 {classifier.version}

{manifest["created"]} 训练，{manifest["training_data"]["rows"]} 条标注，数据指纹 {manifest["training_data"]["fingerprint_sha256"][:16]}…

用途：对诉求建议主办、协办部门和紧急程度，由工作人员决定。只评事，不评人；不得用于评价、跟踪或限制诉求人。

下列数字来自训练数据上的 {manifest["parameters"]["folds"]} 折交叉验证（近似重复的文本不跨折），不等于在贵单位来件上的表现。

主办部门：准确率 {department["accuracy"]:.3f}，宏平均 F1 {department["macro_f1"]:.3f}（95 % 区间 {low:.3f}–{high:.3f}），校准误差 {department["expected_calibration_error"]:.3f}，
以 {department["answered_alone"]["accuracy"]:.0%} 准确率可直接采纳的比例 {department["answered_alone"]["share"]:.2f}。

| 部门 | 精确率 | 召回率 | F1 | 条数 |
| --- | --- | --- | --- | --- |
{rows}

覆盖率与准确率（横轴：按把握从大到小取多少；纵轴：其中建议正确的比例）：

![覆盖率与准确率](coverage.png)

可靠性（横轴：模型说的把握；纵轴：实际正确的比例；点越大件数越多，越贴近虚线越可信）：

![可靠性](reliability.png)
{_urgency_card(metrics)}"""


def _urgency_card(metrics: dict[str, Any]) -> str:
    if "urgency" not in metrics:
        return ""
    urgency = metrics["urgency"]
    return f"""
紧急程度（未计危险规则）：二次加权 κ {urgency["quadratic_kappa"]:.3f}；最急一级召回率 {urgency["gravest_recall"]:.3f}，精确率 {urgency["gravest_precision"]:.3f}；
最急的被建议为最缓的 {urgency["gravest_shown_as_mildest"]} 件。
"""
