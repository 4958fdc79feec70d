"""From labelled files to a released model: reading, measuring, checking, refusing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import ComplementNB

from classifier.errors import InvalidLabelsError, InvalidTableError
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.model.pipeline import SMOOTHING, build_classifier, build_features
from classifier.records import Complaint
from classifier.taxonomy import Taxonomy
from classifier.text.normalise import SEPARATOR
from classifier.text.prepare import Prepared
from training.corpus import TOPICS, check, corpus_files
from training.counts import Counts, Weighed, count
from training.duplicates import groups, near_duplicates
from training.evaluate import evaluate
from training.fit import FOLDS, Trainer, fit
from training.labelled import AUTO, Example, fingerprint, read_labelled
from training.metrics import (
    answered_alone,
    assist_report,
    bootstrap_intervals,
    expected_calibration_error,
    macro_f1,
    quadratic_kappa,
)
from training.release import release

PLACES = ["城东菜市口", "南门老桥头", "西岭水库边", "北大街中段", "火车站广场", "柳树屯村口"]
HEADER = "title,text,department,assist,urgency\n"


def labelled(path: Path, content: str) -> Path:
    """Write a labelled file."""
    path.write_text(content, encoding="utf-8")
    return path


def test_labels_may_be_ids_or_names(tmp_path: Path) -> None:
    """Both mean the same; empty assist and urgency are allowed."""
    path = labelled(tmp_path / "a.csv", HEADER + "题,污水,生态环境,land,特急\n,占地,land,,\n")
    examples, taxonomy = read_labelled([path], Taxonomy.read())
    assert [(one.department, one.assist, one.urgency) for one in examples] == [
        ("environment", "land", "critical"), ("land", "", "")
    ]  # fmt: skip
    assert taxonomy == Taxonomy.read()


def test_any_labels_will_do(tmp_path: Path) -> None:
    """With auto, departments are what the file says; without urgencies only they are learned."""
    topics = [("公交太少", "交通"), ("河水发臭", "环保")]
    rows = "".join(f"{place}的{text},{label}\n" for place in PLACES for text, label in topics)
    path = labelled(tmp_path / "a.csv", "text,department\n" + rows)
    examples, taxonomy = read_labelled([path], AUTO)
    folder, metrics = release(examples, taxonomy, tmp_path / "models", accept_accuracy=0.95, jobs=1)
    classifier = bundle.load(folder)
    assert [one.id for one in classifier.taxonomy.departments] == ["交通", "环保"]
    suggestion = classifier.suggest(examples[0].complaint)
    assert (suggestion.lead.department.id, suggestion.urgency, suggestion.assist) == ("交通", None, None)
    assert "urgency" not in metrics


REFUSED = [
    (HEADER + ",污水,环卫,,\n", InvalidLabelsError, "department 列的值“环卫”不在分类表里"),
    (HEADER + ",污水,,,\n", InvalidLabelsError, "department 列的值“”"),
    (HEADER + ",污水,land,,马上\n", InvalidLabelsError, "urgency 列的值“马上”"),
    (HEADER + ",污水,land,x,\n", InvalidLabelsError, "assist 列的值“x”"),
    (HEADER + ",,land,,\n", InvalidLabelsError, "第 1 条：内容为空"),
    (HEADER + ",a,x,,\n" * 12, InvalidLabelsError, "共 12 处"),
    (HEADER, InvalidLabelsError, "没有可用的标注"),
    ("text\n污水\n", InvalidTableError, "没有“department”列"),
    ("", InvalidTableError, "空文件"),
]


@pytest.mark.parametrize(("content", "error", "message"), REFUSED)
def test_bad_labels_are_refused(tmp_path: Path, content: str, error: type[Exception], message: str) -> None:
    """All of a file is read or none of it; the message names the row and the value."""
    with pytest.raises(error, match=message):
        read_labelled([labelled(tmp_path / "a.csv", content)], Taxonomy.read())


@pytest.mark.parametrize(
    ("labels", "message"), [(["land"] * 4, "只有一个部门"), (["land", "land", "other"], "只有一条互不重复的标注")]
)
def test_too_little_to_learn_from(examples: list[Example], labels: list[str], message: str) -> None:
    """Training says what is missing."""
    chosen = [next(one for one in examples[40 * i :] if one.department == label) for i, label in enumerate(labels)]
    with pytest.raises(InvalidLabelsError, match=message):
        fit(chosen, Taxonomy.read(), accept_accuracy=0.95, jobs=1)


def test_released_weights_are_the_fitted_ones(examples: list[Example]) -> None:
    """The released coefficients are those of scikit-learn's two classifiers added, times the calibration's slope."""
    fitted = fit(examples, Taxonomy.read(), accept_accuracy=0.95, jobs=1)
    prepared = Prepared([one.complaint for one in examples]).texts
    matrix = build_features().fit_transform(prepared)
    labels = np.array([one.department for one in examples])
    own = build_classifier().fit(matrix, labels)
    bayes = ComplementNB(alpha=SMOOTHING).fit(matrix, labels)
    head = fitted.weights.heads["department"]
    order = [own.classes_.tolist().index(label) for label in head.classes]
    added = (own.coef_ + bayes.feature_log_prob_)[order]
    slope = head.coef[0, 0] / added[0, 0]
    assert slope > 0
    np.testing.assert_allclose(head.coef, slope * added, atol=1e-6)


def test_folds_never_split_near_duplicates(examples: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    """A text and its near copy are always held out together."""
    doubled = examples + [
        Example(type(one.complaint)(one.complaint.title, one.complaint.text + "请尽快"), one.department, "", "", "")
        for one in examples[::3]
        if len(one.complaint.text) > 60
    ]
    texts = Prepared([one.complaint for one in doubled]).texts
    seen: list[tuple[set[int], set[int]]] = []
    original = Counts.weigh

    def spy(counts: Counts, train: np.ndarray, test: np.ndarray) -> Weighed:
        seen.append((set(train), set(test)))
        return original(counts, train, test)

    monkeypatch.setattr(Counts, "weigh", spy)
    Trainer(doubled, texts, groups(texts), Taxonomy.read(), 1).validate()
    assert len(seen) == FOLDS
    numbers = groups(Prepared([one.complaint for one in doubled]).texts)
    assert len(set(numbers)) < len(doubled)
    for train, test in seen:
        assert not {numbers[i] for i in train} & {numbers[i] for i in test}


def test_near_duplicates_are_found() -> None:
    """By shared character 5-grams, whatever the order."""
    text = "楼下烧烤店的油烟天天往家里灌孩子咳嗽夜里睡不着"
    pairs = list(near_duplicates([text, "完全不同的另一件事情说的是修路", text + "请管管"]))
    assert [(i, j) for i, j, _ in pairs] == [(0, 2)]
    assert groups(["短", "短", "长"]).tolist()[0] == groups(["短", "短", "长"]).tolist()[1]


def test_near_duplicates_are_those_of_comparing_all_pairs(examples: list[Example]) -> None:
    """Leaving out frequent grams finds the same pairs, with the same indices."""
    texts = Prepared([one.complaint for one in examples[:150]]).texts
    texts += [text[len(text) // 4 :] for text in texts[::5]] + ["", "短", "短"]
    grams = [{text[i : i + 5] for i in range(max(len(text) - 4, 1))} for text in texts]
    pairs = [(i, j) for j in range(len(texts)) for i in range(j)]
    indices = {(i, j): len(grams[i] & grams[j]) / len(grams[i] | grams[j]) for i, j in pairs}
    found = {(i, j): index for i, j, index in near_duplicates(texts)}
    assert found == pytest.approx({pair: index for pair, index in indices.items() if index > 0.5})
    assert len(found) > 20


@pytest.mark.parametrize("min_df", [1, 3])
def test_terms_are_counted_as_by_scikit_learn(examples: list[Example], min_df: int) -> None:
    """Same terms, same order, same counts in each block, also with empty texts."""
    texts = [*Prepared([one.complaint for one in examples[::9]]).texts, SEPARATOR, ""]
    features = build_features()
    counted = count(texts, min_df, {name: 1.0 for name, _ in features.transformer_list})
    for name, vectorizer in features.transformer_list:
        reference = CountVectorizer(analyzer=vectorizer.analyzer, min_df=min_df).fit(texts)
        assert counted.terms[name].tolist() == reference.get_feature_names_out().tolist()
        assert abs(counted.by_block[name] - reference.transform(texts)).sum() == 0


def test_a_weight_counts(examples: list[Example]) -> None:
    """The more an example weighs, the surer the model is of its label."""
    some = [one for one in examples if one.department in ("land", "education")][:160]
    odd = Complaint("", "城东菜市口的琴行夜里练鼓")
    own = [Example(odd, "land", "", "", "", weight) for weight in (1.0, 8.0)]
    pulled = []
    for one in own:
        chosen = [*some, one]
        fitted = fit(chosen, Taxonomy(Taxonomy.read().departments, ()), accept_accuracy=0.95, jobs=1)
        p = fitted.weights.probabilities(Prepared([odd]))["department"]
        pulled.append(p[0, fitted.weights.heads["department"].classes.index("land")])
    assert pulled[0] < pulled[1]


def test_the_fingerprint_is_of_the_data(examples: list[Example]) -> None:
    """Order does not matter, content does."""
    assert fingerprint(examples) == fingerprint(examples[::-1])
    assert fingerprint(examples) != fingerprint(examples[1:])


def test_metrics_on_known_cases() -> None:
    """Each measure gives the value that can be worked out by hand."""
    true, predicted = np.array(["a", "a", "b", "b"]), np.array(["a", "b", "b", "b"])
    assert macro_f1(true, predicted) == pytest.approx((2 / 3 + 0.8) / 2)
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    assert expected_calibration_error(confidence, np.array([1, 1, 0, 1], bool)) == pytest.approx(0.05)
    assert answered_alone(np.array([0.9, 0.8, 0.8, 0.1]), np.array([1, 1, 0, 1], bool), 0.9) == (0.25, 0.9)
    assert answered_alone(np.array([0.9]), np.array([False]), 0.9) == (0.0, 1.0)
    order = ["x", "y", "z"]
    assert quadratic_kappa(np.array(order), np.array(order), order) == 1
    assert assist_report(np.array(["a", "", "b"]), np.array(["a", "b", ""])) == {
        "suggested": 2, "labelled": 2, "precision": 0.5, "recall": 0.5
    }  # fmt: skip


def test_bootstrap_intervals_are_those_of_drawing_rows_anew() -> None:
    """Drawing confusion matrices gives what drawing rows gives, within the noise of the draws."""
    rng = np.random.default_rng(1)
    true = rng.choice(["a", "b", "c"], 80, p=[0.6, 0.3, 0.1])
    predicted = np.where(rng.random(80) < 0.7, true, "a")
    drawn = [rng.integers(0, 80, 80) for _ in range(1000)]
    expected = {
        "accuracy": np.quantile([(true[rows] == predicted[rows]).mean() for rows in drawn], [0.025, 0.975]),
        "macro_f1": np.quantile([macro_f1(true[rows], predicted[rows]) for rows in drawn], [0.025, 0.975]),
    }
    intervals = bootstrap_intervals(true, predicted)
    assert intervals == bootstrap_intervals(true, predicted)
    for name, interval in intervals.items():
        np.testing.assert_allclose(interval, expected[name], atol=0.03)


def test_a_released_model_says_how_it_was_made(model_dir: Path, examples: list[Example]) -> None:
    """Manifest, metrics and card are there and agree."""
    manifest = bundle.read_manifest(model_dir)
    metrics = json.loads((model_dir / "metrics.json").read_text(encoding="utf-8"))
    assert manifest["training_data"] == {"rows": len(examples), "fingerprint_sha256": fingerprint(examples)}
    assert manifest["metrics"]["department_macro_f1"] == metrics["department"]["macro_f1"]
    assert manifest["version"] == model_dir.name
    card = (model_dir / "card.md").read_text(encoding="utf-8")
    assert f"{metrics['department']['macro_f1']:.3f}" in card


def test_evaluation_reports_every_measure(classifier: Classifier, examples: list[Example]) -> None:
    """On rows it was trained on, the model must look better than chance: the report is of this model."""
    report = evaluate(classifier, examples)
    assert report["department"]["rows"] == len(examples)
    assert report["department"]["macro_f1"] > 0.9
    assert sum(map(sum, report["department"]["confusion"]["true_by_predicted"])) == len(examples)
    assert report["urgency"]["quadratic_kappa"] > 0.7
    assert set(report["assist"]) == {"suggested", "labelled", "precision", "recall"}


def test_evaluation_refuses_labels_the_model_never_learned(examples: list[Example], tmp_path: Path) -> None:
    """A department it cannot suggest cannot be measured."""
    some = [one for one in examples if one.department in ("land", "other")][:60]
    folder, _ = release(some, Taxonomy.read(), tmp_path, accept_accuracy=0.95, jobs=1)
    with pytest.raises(InvalidLabelsError, match="没有学过这些部门"):
        evaluate(bundle.load(folder), examples)


def test_the_corpus_is_in_order() -> None:
    """Schema, near-duplicates and topics hold; every department has all levels; enough are critical."""
    report = check(corpus_files(), TOPICS)
    assert report.problems == ()
    assert "不足的主题 0 个" in report.text
    examples, taxonomy = read_labelled(corpus_files(), Taxonomy.read())
    counts = {(one.department, one.urgency) for one in examples}
    assert counts == {(d.id, u.id) for d in taxonomy.departments for u in taxonomy.urgencies}
    assert sum(one.urgency == taxonomy.urgencies[-1].id for one in examples) >= 0.08 * len(examples)


def test_the_corpus_check_finds_what_is_wrong(tmp_path: Path) -> None:
    """A repeated text, an unknown channel, a malformed topic and a missing level are each named."""
    text = "楼下烧烤店的油烟天天往家里灌孩子咳嗽夜里睡不着"
    header = "title,text,department,assist,urgency,topic,channel,clarity,voice\n"
    rows = f",{text},environment,,urgent,a/b/c,网络,clear,某人\n,{text}啊,land,land,,a,微博,clear,某人\n"
    topics = labelled(tmp_path / "topics.csv", "topic,least\na/b/c,2\n")
    report = check([labelled(tmp_path / "a.csv", header + rows)], topics)
    for words in ("近似重复", "“微博”", "一级/二级/三级", "没有 urgency", "assist 与 department 相同"):
        assert any(words in problem for problem in report.problems), words
    assert "a/b/c（1/2）" in report.text


def test_a_stricter_declared_accuracy_accepts_less_alone(examples: list[Example]) -> None:
    """The declared accuracy chooses the threshold, and travels with the model."""
    loose, strict = (fit(examples, Taxonomy.read(), accept_accuracy=a, jobs=1).thresholds for a in (0.8, 0.97))
    assert (loose.accept_accuracy, strict.accept_accuracy) == (0.8, 0.97)
    assert loose.accept < strict.accept
    assert all(low >= high for low, high in zip(loose.plausible, strict.plausible, strict=True))
