"""What held-out training texts looked like to the model, to tell later whether what comes in still does."""

from __future__ import annotations

from typing import Any

import numpy as np

from classifier.model.found import Floats
from training.fit import Fitted

_DECILES = np.linspace(0.1, 0.9, 9)


def reference(fitted: Fitted) -> dict[str, Any]:
    """Shares of suggested departments, and a histogram of the known share of words, as in ``metrics.json``.

    Both as models said that had not seen the text, so that a week's suggestions compare with
    them like with like. Bin i of the histogram lies below ``edges[i]``, the last has no end.
    """
    classes = fitted.weights.heads["department"].classes
    suggested = np.bincount(fitted.held_out["department"].argmax(axis=1), minlength=len(classes))
    edges, shares = _deciles(fitted.known_share)
    return {
        "departments": dict(zip(classes, (suggested / suggested.sum()).tolist(), strict=True)),
        "known_share": {"edges": edges, "shares": shares},
    }


def _deciles(values: Floats) -> tuple[list[float], list[float]]:
    """Edges at the deciles, equal ones once, and the share of values in each bin, none of them empty."""
    edges = np.unique(np.quantile(values, _DECILES, method="inverted_cdf"))
    edges = edges[edges > values.min()]
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return edges.tolist(), (counts / len(values)).tolist()
