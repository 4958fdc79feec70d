"""Finds the labels that cross-validation contradicts most: where a labeller may have erred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.fit import Validation
from training.labelled import Example


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
    # Slow to import, and wanted by nothing else.
    from cleanlab.filter import find_label_issues

    suspects = []
    for about in ("department", "urgency"):
        if about not in validation.targets:
            continue
        classes = validation.targets[about].classes
        rows = [i for i, one in enumerate(examples) if getattr(one, about)]
        own = np.array([classes.index(getattr(examples[i], about)) for i in rows])
        p = validation.held_out[about][rows]
        for k in find_label_issues(own, p, return_indices_ranked_by="self_confidence", n_jobs=1):
            likelier = int(p[k].argmax())
            suspects.append(
                Suspect(examples[rows[k]], about, classes[likelier], float(p[k, likelier]), float(p[k, own[k]]))
            )
    return sorted(suspects, key=lambda one: one.own_confidence)
