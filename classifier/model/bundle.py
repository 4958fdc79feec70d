"""Reads and writes released models: a folder of JSON and arrays, never code.

A pickled model can run anything when it is opened and breaks with the library that wrote it
(MLflow GHSA-w582-9x45-8mpx, skops CVE-2025-54412); these files can do neither.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from classifier.compiled import without_blas
from classifier.errors import InvalidModelError
from classifier.model.classifier import Classifier, Thresholds
from classifier.model.precedents import Precedent, Precedents, Rows
from classifier.model.weights import Block, Head, Weights
from classifier.taxonomy import Taxonomy
from classifier.text.segment import segmenter_id

FORMAT = 2
MANIFEST, ARRAYS, VOCABULARY, CURRENT = "manifest.json", "model.npz", "vocabulary.json", "CURRENT"
METRICS = "metrics.json"
CASES, CASE_WORDS = "precedents.json", "precedents.npz"


def save(
    models: Path,
    classifier: Classifier,
    manifest: Mapping[str, Any],
    documents: Mapping[str, bytes],
) -> Path:
    """Write a model as ``models/<version>``; :func:`promote` puts it in service.

    The folder appears under its name only when all of it is on the disk, so neither a reader
    nor a power failure finds half a model.

    Parameters
    ----------
    models : Path
    classifier : Classifier
    manifest : mapping
        What else the manifest records: training data, parameters, metrics, time.
    documents : mapping of file name to content
        Files beside the arrays, such as ``metrics.json``, ``card.md`` and its plots.

    Raises
    ------
    InvalidModelError
        A model of this version is there already, or the folder cannot be written.
    """
    target, draft = models / classifier.version, models / f".{classifier.version}.draft"
    if target.exists():
        raise InvalidModelError(f"模型 {target} 已经存在，请换一个目录或稍后重试。")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _write_weights(draft, classifier.weights)
        _write_precedents(draft, classifier.precedents)
        for name, content in documents.items():
            (draft / name).write_bytes(content)
        record = {
            "format": FORMAT,
            "version": classifier.version,
            "segmenter": segmenter_id(),
            "taxonomy": classifier.taxonomy.to_dict(),
            "heads": {
                name: {"classes": head.classes, "exclusive": head.exclusive}
                for name, head in classifier.weights.heads.items()
            },
            "block_weights": {name: block.weight for name, block in classifier.weights.blocks.items()},
            "thresholds": asdict(classifier.thresholds),
            **manifest,
            "sha256": {path.name: _sha256(path) for path in sorted(draft.iterdir())},
        }
        record["sha256_self"] = _digest(record)
        (draft / MANIFEST).write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
        for path in (*draft.iterdir(), draft):
            flush(path)
        draft.rename(target)
        flush(models)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise InvalidModelError(f"模型写不进 {models}：{error.strerror}，请检查目录权限和剩余空间。") from error
    return target


def promote(models: Path, version: str) -> None:
    """Put a released model in service by one rename of ``CURRENT``.

    Whatever happens meanwhile, ``CURRENT`` names the old model or the new one.

    Raises
    ------
    InvalidModelError
        There is no such model, it is damaged, or ``CURRENT`` cannot be written.
    """
    read_manifest(models / version)
    # Two processes must not write one draft.
    pointer = models / f".{CURRENT}.{os.getpid()}"
    try:
        pointer.write_text(version + "\n", encoding="utf-8")
        flush(pointer)
        pointer.replace(models / CURRENT)
        flush(models)
    except OSError as error:
        pointer.unlink(missing_ok=True)
        raise InvalidModelError(f"写不了 {models / CURRENT}：{error.strerror}，请检查目录权限和剩余空间。") from error


def released(models: Path) -> list[str]:
    """The versions of all complete models, the oldest first."""
    return sorted(path.parent.name for path in models.glob(f"[!.]*/{MANIFEST}"))


def current(models: Path) -> Path:
    """The folder of the model in service.

    Raises
    ------
    InvalidModelError
        There is none yet, or what names it is damaged.
    """
    try:
        version = (models / CURRENT).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidModelError(f"{models} 里还没有模型，请先运行 fenban train。") from error
    except UnicodeDecodeError as error:
        raise InvalidModelError(f"{models / CURRENT} 已损坏，请用 fenban models promote 指定一个模型。") from error
    return models / version


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a model's manifest and check all that can be checked without loading it.

    Raises
    ------
    InvalidModelError
        A file is missing, unreadable or differs from what was released, the format is another,
        or the text was cut with another dictionary.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise InvalidModelError(
                f"模型 {folder} 的格式是 {manifest['format']}，本程序只读格式 {FORMAT}，请重新训练。"
            )
        if manifest.pop("sha256_self") != _digest(manifest):
            raise InvalidModelError(
                f"模型清单 {folder / MANIFEST} 与发布时不一致，可能已损坏或被改动，请重新训练或从备份恢复。"
            )
        for name, digest in manifest["sha256"].items():
            if _sha256(folder / name) != digest:
                raise InvalidModelError(
                    f"模型文件 {folder / name} 与发布时不一致，可能已损坏或被改动，请重新训练或从备份恢复。"
                )
    except OSError as error:
        raise InvalidModelError(
            f"读不了模型文件 {error.filename}：{error.strerror}，请重新训练或从备份恢复。"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidModelError(f"{folder / MANIFEST} 不是完整的模型清单，请重新训练或从备份恢复。") from error
    if manifest["segmenter"] != segmenter_id():
        raise InvalidModelError(f"模型 {folder} 是用另一份分词词典训练的，与本程序不配，请用 fenban train 重新训练。")
    return manifest


def read_metrics(folder: Path) -> dict[str, Any]:
    """What was measured when a model was released; empty where nothing readable lies there."""
    try:
        metrics: dict[str, Any] = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return metrics


def load(folder: Path) -> Classifier:
    """Load a released model after checking all of it.

    Raises
    ------
    InvalidModelError
        As for :func:`read_manifest`, or the arrays do not fit together.
    """
    manifest = read_manifest(folder)
    without_blas()
    try:
        return Classifier(
            _read_weights(folder, manifest),
            Taxonomy.from_dict(manifest["taxonomy"], source=str(folder)),
            Thresholds(
                **{
                    **manifest["thresholds"],
                    "urgency": tuple(manifest["thresholds"]["urgency"]),
                    "plausible": tuple(manifest["thresholds"]["plausible"]),
                    "urgent_log_odds": tuple(manifest["thresholds"]["urgent_log_odds"]),
                }
            ),
            manifest["version"],
            _read_precedents(folder),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidModelError(f"模型 {folder} 内容不完整（{error}），请重新训练或从备份恢复。") from error


def _write_weights(folder: Path, weights: Weights) -> None:
    arrays = {f"{name}_idf": block.idf for name, block in weights.blocks.items()}
    for name, head in weights.heads.items():
        arrays |= {f"{name}_coef": head.coef, f"{name}_intercept": head.intercept}
    np.savez(folder / ARRAYS, allow_pickle=False, **arrays)
    vocabulary = {name: block.terms for name, block in weights.blocks.items()}
    (folder / VOCABULARY).write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")


def _read_weights(folder: Path, manifest: dict[str, Any]) -> Weights:
    vocabulary = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        blocks = {
            name: Block(tuple(vocabulary[name]), arrays[f"{name}_idf"], weight)
            for name, weight in manifest["block_weights"].items()
        }
        heads = {
            name: Head(tuple(head["classes"]), arrays[f"{name}_coef"], arrays[f"{name}_intercept"], head["exclusive"])
            for name, head in manifest["heads"].items()
        }
    return Weights(blocks, heads)


def _write_precedents(folder: Path, precedents: Precedents) -> None:
    cases = [list(asdict(one).values()) for one in precedents.cases]
    (folder / CASES).write_text(json.dumps(cases, ensure_ascii=False), encoding="utf-8")
    words = precedents.words
    arrays = {"data": words.data, "indices": words.indices, "indptr": words.indptr, "shape": np.array(words.shape)}
    np.savez(folder / CASE_WORDS, allow_pickle=False, **arrays)


def _read_precedents(folder: Path) -> Precedents:
    cases = [Precedent(*one) for one in json.loads((folder / CASES).read_text(encoding="utf-8"))]
    with np.load(folder / CASE_WORDS, allow_pickle=False) as a:
        words = Rows(a["data"], a["indices"], a["indptr"], tuple(a["shape"].tolist()))
    return Precedents(cases, words)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; Windows has no such call for folders."""
    if os.name == "nt" and path.is_dir():
        return
    # Windows flushes only what is open for writing, other systems open no folder so.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
