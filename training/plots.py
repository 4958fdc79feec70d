"""Draws how far confidence can be trusted; the one place that imports matplotlib."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from classifier.errors import FenbanError

_SIZE_INCHES, _DPI = (4.8, 3.6), 120


def plots(department: dict[str, Any]) -> dict[str, bytes]:
    """PNG files by name, from the measures of one head.

    Parameters
    ----------
    department : dict
        As :func:`training.metrics.single_label_report` returns it.
    """
    return {"coverage.png": _coverage(department), "reliability.png": _reliability(department)}


def write_plots(department: dict[str, Any], folder: Path) -> None:
    """Write the PNG files into ``folder``, which is made if need be.

    Raises
    ------
    FenbanError
        The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in plots(department).items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise FenbanError(f"图写不进 {folder}：{error.strerror}，请换一个目录。") from error


def _coverage(report: dict[str, Any]) -> bytes:
    """Accuracy of the surest suggestions against their share of all."""
    figure, axes = _axes("share of complaints, surest first", "accuracy")
    curve = report["coverage"]
    axes.plot([point["share"] for point in curve], [point["accuracy"] for point in curve], marker=".")
    asked = report["answered_alone"]["accuracy"]
    axes.axhline(asked, linestyle="--", color="grey")
    axes.annotate(f"{asked:.0%} asked", (1, asked), ha="right", va="bottom", color="grey")
    axes.set_ylim(min(0.5, *(point["accuracy"] for point in curve)), 1.01)
    return _png(figure)


def _reliability(report: dict[str, Any]) -> bytes:
    """Accuracy against confidence, each point as large as its share of rows."""
    figure, axes = _axes("confidence", "accuracy")
    bins = [one for one in report["reliability"] if one["rows"]]
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey")
    axes.plot([one["confidence"] for one in bins], [one["accuracy"] for one in bins])
    sizes = [20 + 400 * one["rows"] / report["rows"] for one in bins]
    axes.scatter([one["confidence"] for one in bins], [one["accuracy"] for one in bins], sizes)
    axes.set_ylim(0, 1.01)
    return _png(figure)


def _axes(x: str, y: str) -> tuple[Figure, Any]:
    # A Figure of its own, not pyplot: no global state, and no display is looked for.
    figure = Figure(_SIZE_INCHES, layout="constrained")
    axes = figure.add_subplot(xlabel=x, ylabel=y, xlim=(0, 1.01))
    axes.grid(alpha=0.3)
    return figure, axes


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # Without the library's name in it, the same measures give the same bytes.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
