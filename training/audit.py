"""Finds the labels that cross-validation contradicts most: where a labeller may have erred."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.fit import Validation
from training.labelled import Example

CLEARLY = 0.9
"""Probability of another department from which on a handled case does not train unseen."""


@dataclass(frozen=True)
class Suspect:
    """A label to look at again.

    Attributes
    ----------
    example : Example
    about : str
        "department" or "urgency".
    likelier : str
        The label that models which had not seen the example, nor anything near it, hold likelier.
    confidence, own_confidence : float
        Their probability of ``likelier``, and of the label the example carries.
    """

    example: Example
    about: str
    likelier: str
    confidence: float
    own_confidence: float

    @property
    def label(self) -> str:
        """The label the example carries."""
        return str(getattr(self.example, self.about))


def find_suspects(examples: Sequence[Example], validation: Validation) -> list[Suspect]:
    """Labels of department and urgency that are probably wrong, the most doubtful first.

    Confident learning (Northcutt, Jiang and Chuang 2021) over the cross-validated
    probabilities, as cleanlab implements it.
    """
    found = [
        suspect
        for about in ("department", "urgency")
        if about in validation.targets
        for _, suspect in _issues(about, examples, validation)
    ]
    return sorted(found, key=lambda one: one.own_confidence)


def doubtful_departments(examples: Sequence[Example], validation: Validation) -> dict[int, Suspect]:
    """By row, the suspects so doubtful that a model is better off without them until somebody has looked."""
    return {
        row: suspect for row, suspect in _issues("department", examples, validation) if suspect.confidence >= CLEARLY
    }


def _issues(about: str, examples: Sequence[Example], validation: Validation) -> Iterator[tuple[int, Suspect]]:
    # Slow to import, and wanted by nothing else.
    from cleanlab.filter import find_label_issues

    target = validation.targets[about]
    rows = np.flatnonzero(target.labelled)
    own, p = target.ranks, validation.held_out[about][rows]
    for k in find_label_issues(own, p, return_indices_ranked_by="self_confidence", n_jobs=1):
        likelier = int(p[k].argmax())
        labels = target.classes[likelier], float(p[k, likelier]), float(p[k, own[k]])
        yield int(rows[k]), Suspect(examples[rows[k]], about, *labels)
