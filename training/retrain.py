"""Trains a challenger from the corpus and handled cases, and judges it against the model in service."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from classifier.errors import InvalidModelError
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.taxonomy import Taxonomy
from classifier.text.prepare import Prepared
from training.answers import Folds, ask
from training.audit import Suspect, doubtful_departments
from training.fit import Trainer
from training.gate import FrozenSet, Gate, Verdict, judge
from training.labelled import Example
from training.material import Material, select
from training.release import assemble, folds_of, write

HANDLED_WEIGHT = 2.0
"""How much an office's own case counts against a text of the corpus; 1, 2 and 4 measure alike (benchmarks/learning-curve.md)."""


@dataclass(frozen=True)
class Challenger:
    """A model written beside the one in service.

    Attributes
    ----------
    version : str
    folder : Path
    verdict : Verdict
    suspects : tuple of (int, Suspect)
        Handled cases, by index, left out of training until a supervisor has looked; the most doubtful first.
    """

    version: str
    folder: Path
    verdict: Verdict
    suspects: tuple[tuple[int, Suspect], ...]


_GATE = Gate()


def _silent(_: str) -> None:
    pass


def retrain(
    corpus: Sequence[Example],
    handled: Sequence[Example],
    taxonomy: Taxonomy,
    models: Path,
    *,
    test_set: Sequence[Example] = (),
    confirmed: Collection[int] = (),
    accept_accuracy: float,
    gate: Gate = _GATE,
    progress: Callable[[str], None] = _silent,
    jobs: int = -1,
) -> Challenger:
    """Train, judge and write ``models/<version>``; what is in service stays in service.

    The newest fifth of ``handled`` is not trained on: the challenger that is judged is the one
    that may go live, and it learns them the next time. No model in service has seen them
    either, as long as ``handled`` only grows at its end.

    Parameters
    ----------
    handled : sequence of Example
        The oldest first, each with its weight (see HANDLED_WEIGHT).
    test_set : sequence of Example
        The office's own; nothing like them is trained on.
    confirmed : collection of int
        Indices into ``handled`` whose labels a supervisor has looked at; they train, however doubtful.
    accept_accuracy : float
        Accuracy asked of suggestions that need no review, between 0 and 1.
    progress : callable
        Told in Chinese what is being done.

    Raises
    ------
    InvalidLabelsError, InvalidModelError
        There is too little to learn from, or the folder cannot be written.
    """
    progress(f"整理 {len(corpus)} 条语料和 {len(handled)} 件已办件")
    material = select(corpus, handled, test_set)
    progress(f"交叉验证，用 {len(material.train)} 条")
    trainer = Trainer(material.train, material.prepared, material.group, taxonomy, jobs)
    validation = trainer.validate()
    doubted = {
        row: suspect
        for row, suspect in doubtful_departments(material.train, validation).items()
        if material.sources[row] and not set(material.sources[row]) & set(confirmed)
    }
    progress(f"训练新模型，{len(doubted)} 条标注可疑，暂不学")
    rows = np.array([row for row in range(len(material.train)) if row not in doubted])
    learned = [material.train[row] for row in rows]
    fitted = trainer.finish(validation, rows, accept_accuracy)
    classifier = assemble(learned, fitted, taxonomy, jobs)
    progress("与现用模型比较")
    folds = folds_of(learned[: material.n_corpus], fitted)
    verdict = _judge(models, classifier, material, folds, gate)
    told = asdict(verdict) | {"champion": _champion(models)}
    suspects = tuple((index, one) for row, one in doubted.items() for index in material.sources[row])
    folder, _ = write(
        models,
        classifier,
        learned,
        fitted,
        folds,
        {"verdict.json": json.dumps(told, ensure_ascii=False, indent=1).encode()},
        _section(verdict, material, len(doubted)),
    )
    return Challenger(classifier.version, folder, verdict, suspects)


def _champion(models: Path) -> str | None:
    """The version of the model in service, None where there is none."""
    try:
        return bundle.current(models).name
    except InvalidModelError:
        return None


def _judge(models: Path, challenger: Classifier, material: Material, folds: Folds, gate: Gate) -> Verdict:
    if not (models / bundle.CURRENT).exists():
        return Verdict(True, ("还没有现用模型，无从比较。",), {})
    try:
        folder = bundle.current(models)
        champion = bundle.load(folder)
    except InvalidModelError as error:
        return Verdict(True, (f"现用模型用不了，无从比较：{error}",), {})
    sets = {
        "最近处理的件": _asked(material.recent, champion, challenger),
        "测试集": _asked(material.test, champion, challenger),
        "语料交叉验证": _folded(material.train[: material.n_corpus], Folds.read(folder), folds, champion, challenger),
    }
    return judge(sets, challenger.taxonomy, gate)


def _asked(examples: Sequence[Example], champion: Classifier, challenger: Classifier) -> FrozenSet | None:
    if not examples:
        return None
    prepared = Prepared([one.complaint for one in examples])
    return FrozenSet(examples, ask(champion, prepared), ask(challenger, prepared), own=True)


def _folded(
    corpus: Sequence[Example], before: Folds | None, after: Folds, champion: Classifier, challenger: Classifier
) -> FrozenSet | None:
    """The texts of the corpus that both models were cross-validated on."""
    if before is None:
        return None
    _, old, new = np.intersect1d(before.keys, after.keys, return_indices=True)
    if not len(new):
        return None
    return FrozenSet(
        [corpus[i] for i in new],
        before.answers(champion.thresholds).take(old),
        after.answers(challenger.thresholds).take(new),
        own=False,
    )


def _section(verdict: Verdict, material: Material, left_out: int) -> str:
    counted = sum(map(len, material.sources))
    reasons = "\n".join(f"- {reason}" for reason in verdict.reasons)
    return f"""
## 从已办件学习

{material.n_corpus} 条语料，{counted} 件已办件（去掉重复后 {len(material.train) - material.n_corpus} 条，其中 {left_out} 条标注可疑，未用于训练）。
最近的 {len(material.recent)} 件只用来与现用模型比较。结论：{"可以上线" if verdict.promoted else "不上线"}。

{reasons}
"""
