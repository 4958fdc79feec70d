"""Retraining: good cases help, poisoned ones do not, and nothing goes into service by itself."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier.model import bundle
from classifier.taxonomy import Taxonomy
from training import material
from training.answers import Folds
from training.corpus import corpus_files
from training.labelled import Example, read_labelled
from training.material import select
from training.release import release
from training.retrain import Challenger, retrain


@pytest.fixture(scope="module")
def everything() -> list[Example]:
    """A sixth of the corpus, the departments mixed."""
    rows = read_labelled(corpus_files(), Taxonomy.read())[0][3::6]
    return [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]


@pytest.fixture(scope="module")
def corpus(everything: list[Example]) -> list[Example]:
    """What the first model learns."""
    return everything[:300]


@pytest.fixture(scope="module")
def handled(everything: list[Example]) -> list[Example]:
    """What staff decided."""
    return [replace(one, weight=2.0) for one in everything[300:1100]]


@pytest.fixture(scope="module")
def first(corpus: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with a model that learned the corpus alone. Tests must not change it."""
    models = tmp_path_factory.mktemp("models")
    release(corpus, Taxonomy.read(), models, accept_accuracy=0.95, jobs=1)
    return models


@pytest.fixture
def models(first: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(first, tmp_path / "models"))


def challenge(models: Path, corpus: Sequence[Example], handled: Sequence[Example], **options: object) -> Challenger:
    """Retrain with the settings of these tests."""
    return retrain(corpus, handled, Taxonomy.read(), models, accept_accuracy=0.95, **{"jobs": 1, **options})  # type: ignore[arg-type]


def test_good_cases_make_a_better_model(
    models: Path, corpus: list[Example], handled: list[Example], everything: list[Example]
) -> None:
    """It is to be promoted with figures, written whole, and not yet in service."""
    before = bundle.current(models)
    challenger = challenge(models, corpus, handled, test_set=everything[1100:1500])
    figures = challenger.verdict.comparisons
    assert set(figures) == {"最近处理的件", "测试集", "语料交叉验证"}
    assert challenger.verdict.promoted, challenger.verdict.reasons
    assert figures["测试集"]["difference_interval"][0] > 0
    assert figures["语料交叉验证"]["rows"] == len(corpus)
    assert bundle.current(models) == before
    assert bundle.released(models) == sorted([before.name, challenger.version])
    assert json.loads((challenger.folder / "verdict.json").read_text(encoding="utf-8"))["promoted"]
    assert challenger.verdict.reasons[0] in (challenger.folder / "card.md").read_text(encoding="utf-8")
    folds = Folds.read(challenger.folder)
    assert folds is not None
    assert len(folds.keys) == len(corpus)
    bundle.promote(models, challenger.version)
    assert bundle.load(bundle.current(models)).version == challenger.version


def test_a_poisoned_batch_is_caught(models: Path, corpus: list[Example], handled: list[Example]) -> None:
    """Of a fifth of one department's labels turned, most are left out and shown; few of the rest are."""
    own = [i for i, one in enumerate(handled) if one.department == "education"]
    turned = set(own[::5])
    poisoned = [replace(one, department="land", assist="") if i in turned else one for i, one in enumerate(handled)]
    challenger = challenge(models, corpus, poisoned)
    suspected = {index for index, _ in challenger.suspects}
    trained = {i for i in turned if i < 640}
    assert not challenger.verdict.promoted or len(suspected & turned) > len(trained) / 2
    assert len(suspected - turned) < 0.05 * len(handled)


def test_confirmed_cases_train(models: Path, corpus: list[Example], handled: list[Example]) -> None:
    """What a supervisor has looked at is left out no longer."""
    own = [i for i, one in enumerate(handled[:400]) if one.department == "education"]
    odd = [replace(one, department="land", assist="") if i in own[::5] else one for i, one in enumerate(handled[:400])]
    suspected = {index for index, _ in challenge(models, corpus, odd).suspects}
    assert suspected
    confirmed = min(suspected)
    again = {index for index, _ in challenge(models, corpus, odd, confirmed={confirmed}).suspects}
    assert again == suspected - {confirmed}


def test_the_same_cases_give_the_same_model(tmp_path: Path, corpus: list[Example], handled: list[Example]) -> None:
    """Whatever the number of jobs; without a model in service there is nothing to lose to."""
    one, two = (challenge(tmp_path / str(jobs), corpus, handled[:200], jobs=jobs) for jobs in (1, 2))
    assert one.verdict == two.verdict
    assert one.verdict.promoted
    assert "还没有现用模型" in one.verdict.reasons[0]
    for name in (bundle.ARRAYS, bundle.VOCABULARY, "metrics.json"):
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


def test_a_kill_leaves_no_half_model(
    models: Path, corpus: list[Example], handled: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither under its final name nor in service, wherever the writing stops."""
    before = bundle.current(models)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle, "_write_precedents", killed)
    with pytest.raises(KeyboardInterrupt):
        challenge(models, corpus, handled[:100])
    assert bundle.released(models) == [before.name]
    assert bundle.current(models) == before


def test_equal_cases_are_one_row(corpus: list[Example], handled: list[Example]) -> None:
    """Their weights are added, and the recent ones train only the next time."""
    old, new = handled[0], handled[1:10]
    chosen = select(corpus, [old, old, replace(old, weight=3.0), *[handled[20]] * 33, *new], ())
    rows = dict(zip(chosen.sources, chosen.train, strict=True))
    assert rows[0, 1, 2].weight == 7
    assert rows[tuple(range(3, 36))].weight == 66
    assert len(chosen.train) == len(corpus) + 2
    assert chosen.recent == new


def test_nothing_like_a_frozen_row_is_trained_on(corpus: list[Example], handled: list[Example]) -> None:
    """What the test set holds leaves training, what training holds leaves the recent cases."""
    test = [replace(corpus[0], source="测试"), replace(handled[0], source="测试")]
    chosen = select(corpus, [*handled[:8], corpus[1], handled[9]], test)
    texts = {one.complaint.text for one in chosen.train}
    assert not texts & {one.complaint.text for one in test}
    assert chosen.recent == [handled[9]]
    assert chosen.n_corpus == len(corpus) - 1


def test_of_very_many_cases_the_newest_of_each_kind_train(
    corpus: list[Example], handled: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rare department keeps its cases when a frequent one has too many."""
    monkeypatch.setattr(material, "MOST_HANDLED", 30)
    kinds = [(one.department, one.urgency) for one in handled[:80]]
    own = select(corpus, handled[:100], ()).sources
    chosen = Counter(kinds[i] for one in own for i in one)
    assert chosen.total() == 30
    assert all(chosen[kind] >= min(n, 2) for kind, n in Counter(kinds).items())
