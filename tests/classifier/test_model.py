"""A released model: its scores are scikit-learn's, its files are checked, its reasons add up."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from classifier.errors import InvalidModelError
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.model.found import greatest_sum, shares
from classifier.model.pipeline import build_features, rebuild_pipelines
from classifier.model.urgency import graded
from classifier.records import Complaint
from classifier.taxonomy import Taxonomy
from classifier.text.prepare import Prepared
from training.fit import fit
from training.labelled import Example

COMPLAINTS = [
    Complaint("", "工地天天打桩到半夜，灰尘大得不敢开窗"),
    Complaint("宅基地", "我家老屋基被占了盖楼，找村里没人管"),
    Complaint("轮椅上不去", "社区医院门口五级台阶没有坡道。"),
    Complaint("", "幼儿园說沒有名額，户口在这里也不收"),
    Complaint("", "！！！"),
    Complaint("", "xyz 999"),
    Complaint("路灯", ""),
]


def matrix(classifier: Classifier, prepared: Prepared) -> csr_matrix:
    """TF-IDF values by which complaints are served, shape (complaints, columns)."""
    found = classifier.weights.find(prepared)
    return csr_matrix(
        (found.value, found.column, found.first_cell), (len(prepared.complaints), classifier.weights.n_columns)
    )


def test_served_features_equal_the_fitted_vectorizers(classifier: Classifier, examples: list[Example]) -> None:
    """The arrays give the TF-IDF values that scikit-learn's own union gives."""
    complaints = [one.complaint for one in examples]
    union = build_features().fit(Prepared(complaints).texts)
    held_out = Prepared(COMPLAINTS + complaints[:100])
    served = matrix(classifier, held_out)
    assert np.abs((served - union.transform(held_out.texts)).toarray()).max() < 1e-12


def test_served_probabilities_equal_scikit_learns(
    classifier: Classifier, examples: list[Example], model_dir: Path, tmp_path: Path
) -> None:
    """In a fresh process, the service's probabilities equal the rebuilt pipelines' predict_proba."""
    complaints = COMPLAINTS + [one.complaint for one in examples[:50]]
    source = tmp_path / "complaints.json"
    source.write_text(json.dumps([[one.title, one.text] for one in complaints]), encoding="utf-8")
    script = (
        "import json, sys; from pathlib import Path; from classifier.model import bundle; from classifier.records import Complaint;"
        "from classifier.text.prepare import Prepared; assert 'sklearn' not in sys.modules;"
        "model = bundle.load(Path(sys.argv[1])); rows = json.loads(Path(sys.argv[2]).read_text());"
        "found = model.weights.probabilities(Prepared([Complaint(*row) for row in rows]));"
        "print(json.dumps({name: p.tolist() for name, p in found.items()}))"
    )
    run = [sys.executable, "-W", "ignore", "-c", script, str(model_dir), str(source)]
    served = json.loads(subprocess.run(run, capture_output=True, check=True, text=True).stdout)
    for name, pipeline in rebuild_pipelines(classifier.weights).items():
        np.testing.assert_allclose(served[name], pipeline.predict_proba(complaints), rtol=0, atol=1e-9)


def test_training_is_repeatable(examples: list[Example], classifier: Classifier) -> None:
    """The same examples give the same numbers, whatever the number of processes."""
    again = fit(examples, classifier.taxonomy, accept_accuracy=0.95, jobs=2).weights
    for name, head in classifier.weights.heads.items():
        np.testing.assert_array_equal(head.coef, again.heads[name].coef)


def test_a_batch_equals_one_by_one(classifier: Classifier, examples: list[Example]) -> None:
    """Suggestions do not depend on their neighbours in a batch, to the last bit."""
    complaints = COMPLAINTS + [one.complaint for one in examples[:200]]
    assert [classifier.suggest(one) for one in complaints] == classifier.suggest_many(complaints)


def test_probabilities_sum_to_one_and_come_best_first(classifier: Classifier) -> None:
    """Candidates are every department, best first."""
    for suggestion in classifier.suggest_many(COMPLAINTS):
        confidences = [candidate.confidence for candidate in suggestion.candidates]
        assert sum(confidences) == pytest.approx(1, abs=1e-12)
        assert confidences == sorted(confidences, reverse=True)
        assert {candidate.department for candidate in suggestion.candidates} == set(classifier.taxonomy.departments)


def test_reasons_quote_the_complaint_and_their_shares_add_up(classifier: Classifier) -> None:
    """Positions are those of the text as written; all words together make the score above average."""
    for complaint, suggestion in zip(COMPLAINTS, classifier.suggest_many(COMPLAINTS), strict=True):
        for reason in suggestion.reasons:
            assert getattr(complaint, reason.field)[reason.start : reason.end] == reason.text
    head = classifier.weights.heads["department"]
    prepared, stack = Prepared(COMPLAINTS), classifier.weights.stack
    found, (first, _, average) = classifier.weights.find(prepared), stack.span("department")
    for document, scores in enumerate(matrix(classifier, prepared) @ head.coef.T):
        best, worst = first + scores.argmax(), first + scores.argmin()
        own = shares(found, document, stack.by_column, (best, best, worst), (average, worst, worst))
        assert own.shape == (3, found.first_word[document + 1] - found.first_word[document])
        wanted = [scores.max() - scores.mean(), scores.max() - scores.min(), 0]
        assert own.sum(axis=1) == pytest.approx(wanted, abs=1e-9)


def test_the_strongest_passage_is_the_greatest_sum_of_neighbours(classifier: Classifier) -> None:
    """Equal to trying every passage of every document, one document never reaching into another."""
    stack, prepared = classifier.weights.stack, Prepared(COMPLAINTS)
    found, (first, end, _) = classifier.weights.find(prepared), stack.span("department")
    scores = matrix(classifier, prepared) @ classifier.weights.heads["department"].coef.T
    for document, lead in enumerate(scores.argmax(axis=1)):
        for other in range(first, end):
            own, *_ = shares(found, document, stack.by_column, (other,) * 3, (first + lead,) * 3)
            best = max(own[i:j].sum() for i in range(len(own)) for j in range(i + 1, len(own) + 1))
            assert greatest_sum(own) == pytest.approx(best, abs=1e-6)


def test_reasons_never_show_masked_data(classifier: Classifier) -> None:
    """A number that was masked is no reason."""
    complaint = Complaint("", "我叫王小明，电话13800001234，身份证110101199001010015，化工厂排的水把井水弄臭了")
    shown = "".join(reason.text for reason in classifier.suggest(complaint).reasons)
    assert shown
    assert not any(char.isdigit() for char in shown)
    assert "王小明" not in shown


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The quick brown fox jumps over the lazy dog", "unfamiliar"),
        ("！！！", "too_short"),
        ("天很蓝", "too_short"),
        ("天气很好心情也很好想说句话", "uncertain"),
    ],
)
def test_doubt_is_said(classifier: Classifier, text: str, code: str) -> None:
    """Where there is little to go by, a person is asked to look."""
    suggestion = classifier.suggest(Complaint("", text))
    assert suggestion.needs_review
    assert code in {cause.code for cause in suggestion.review_causes}


@pytest.fixture
def copy(model_dir: Path, tmp_path: Path) -> Path:
    """A copy of the model that a test may damage."""
    return Path(shutil.copytree(model_dir, tmp_path / model_dir.name))


@pytest.mark.parametrize("name", ["model.npz", "vocabulary.json", "manifest.json", "metrics.json", "card.md"])
def test_one_changed_byte_is_noticed(copy: Path, name: str) -> None:
    """Every file of a model is checked before it is used."""
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(InvalidModelError, match=r"请重新训练或从备份恢复"):
        bundle.load(copy)


@pytest.mark.parametrize("name", ["model.npz", "vocabulary.json", "manifest.json"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    """The message says which file is gone."""
    (copy / name).unlink()
    with pytest.raises(InvalidModelError, match=name):
        bundle.load(copy)


def test_another_dictionary_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words cut otherwise than in training would be silently wrong."""
    monkeypatch.setattr(bundle, "segmenter_id", lambda: {"hmm": False, "dictionary_sha256": "0" * 64})
    with pytest.raises(InvalidModelError, match="另一份分词词典"):
        bundle.load(copy)


def test_another_format_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later format is not guessed at."""
    monkeypatch.setattr(bundle, "FORMAT", 99)
    with pytest.raises(InvalidModelError, match="本程序只读格式 99"):
        bundle.load(copy)


def test_no_model_yet(tmp_path: Path) -> None:
    """The message says how to get one."""
    with pytest.raises(InvalidModelError, match="fenban train"):
        bundle.current(tmp_path)


def test_a_failed_release_leaves_nothing(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a half-written folder nor a switched CURRENT."""

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle, "_write_weights", full)
    with pytest.raises(InvalidModelError, match="No space left"):
        bundle.save(tmp_path, classifier, {}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_model_goes_into_service_by_promotion(copy: Path, classifier: Classifier) -> None:
    """Saving switches nothing; promoting checks the folder, switches CURRENT and leaves nothing else."""
    models = copy.parent
    bundle.promote(models, copy.name)
    other = Classifier(
        classifier.weights, classifier.taxonomy, classifier.thresholds, "20990101-000000-x", classifier.precedents
    )
    bundle.save(models, other, {}, {})
    assert bundle.released(models) == [copy.name, "20990101-000000-x"]
    assert bundle.current(models) == copy
    bundle.promote(models, other.version)
    assert bundle.current(models).name == other.version
    assert {path.name for path in models.iterdir()} == {copy.name, other.version, bundle.CURRENT}


def test_a_damaged_model_is_not_promoted(copy: Path, classifier: Classifier) -> None:
    """The model in service stays, and what is wrong is said."""
    models = copy.parent
    bundle.promote(models, copy.name)
    (copy / bundle.ARRAYS).write_bytes(b"")
    for version, message in ((copy.name, "与发布时不一致"), ("没有这个", "读不了模型文件")):
        with pytest.raises(InvalidModelError, match=message):
            bundle.promote(models, version)
    assert bundle.current(models) == copy


def test_a_failed_promotion_leaves_the_old_model(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at the worst moment changes nothing in service."""
    models = copy.parent
    bundle.promote(models, copy.name)
    before = sorted(models.iterdir())

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle, "flush", full)
    with pytest.raises(InvalidModelError, match="No space left"):
        bundle.promote(models, copy.name)
    assert sorted(models.iterdir()) == before
    assert bundle.current(models) == copy


def test_a_model_holds_no_code(model_dir: Path) -> None:
    """Arrays load with pickles forbidden, plots are PNG, everything else is text."""
    kinds = {".npz": 0, ".png": 0}
    for path in model_dir.iterdir():
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert all(array.dtype.kind in "fiU" for array in arrays.values())
        elif path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
        else:
            path.read_text(encoding="utf-8")
        kinds[path.suffix] = kinds.get(path.suffix, 0) + 1
    assert (kinds[".npz"], kinds[".png"]) == (3, 2)


def test_analyzers_are_scikit_learns(examples: list[Example]) -> None:
    """Both blocks are plain TfidfVectorizers with our analyzers."""
    for _, vectorizer in build_features().transformer_list:
        assert isinstance(vectorizer, TfidfVectorizer)
        assert callable(vectorizer.analyzer)


def test_grades_rise_with_the_probability_of_worse() -> None:
    """Raising the probability of a graver level never lowers the level suggested."""
    cuts = (0.3, 0.2)
    steps = np.linspace(0, 1, 21)
    levels = [graded(np.array([[1 - p, p / 2, p / 2]]), cuts)[0] for p in steps]
    assert levels == sorted(levels)
    assert graded(np.array([[0.5, 0.3, 0.2]]), cuts)[0] == 2


def test_prediction_sets_hold_the_right_department(examples: list[Example]) -> None:
    """On held-out rows, in 95 of 100 of each department: the promise of class-conditional conformal sets."""
    fitted = fit(examples, Taxonomy.read(), accept_accuracy=0.95, jobs=1)
    labels = np.array([one.department for one in examples])
    for k, label in enumerate(fitted.weights.heads["department"].classes):
        own = fitted.held_out["department"][labels == label, k]
        assert (own >= fitted.thresholds.plausible[k]).mean() >= 0.95


def test_several_plausible_departments_ask_for_review(classifier: Classifier, examples: list[Example]) -> None:
    """A set of more than one is said, with the departments' names."""
    for suggestion in classifier.suggest_many([one.complaint for one in examples[:200]]):
        codes = {cause.code for cause in suggestion.review_causes}
        assert ("several" in codes) == (len(suggestion.plausible) > 1)


PLAIN = [
    "小区后面的养鸡场味道很大，夏天不敢开窗",
    "村里征了我家两亩地，补偿款还没有到账",
    "孩子转学手续学校拖了两个月不给办",
    "家属院的路灯坏了一半，请安排修理",
]


@pytest.mark.parametrize(
    "addition",
    [
        "我叫李四，电话13800001234。",
        "联系人：王五，身份证110101199001010015。",
        "！！！！！！",
        "\n\n　　",
        "<br/>&nbsp;",
    ],
)
@pytest.mark.parametrize("text", PLAIN)
def test_person_and_form_change_no_suggestion(classifier: Classifier, text: str, addition: str) -> None:
    """Names, numbers, punctuation and markup leave department and urgency as they were."""
    plain, changed = classifier.suggest_many([Complaint("", text), Complaint("", text + addition)])
    assert changed.lead.department == plain.lead.department
    assert changed.urgency
    assert plain.urgency
    assert changed.urgency.level == plain.urgency.level
