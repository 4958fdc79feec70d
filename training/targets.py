"""What there is to learn: one target for each head of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classifier.taxonomy import Taxonomy
from training.labelled import Example

ASSISTS, LEADS = 1, 2


@dataclass(frozen=True)
class Target:
    """What one head learns: labels of shape (n,), or part in the matter, and which rows carry one.

    The part of each department is a matrix of shape (n, classes): LEADS, ASSISTS or 0.
    """

    y: np.ndarray
    labelled: np.ndarray
    classes: tuple[str, ...]

    @property
    def exclusive(self) -> bool:
        """Whether each row has exactly one class."""
        return self.y.ndim == 1

    @property
    def ranks(self) -> np.ndarray:
        """The index in ``classes`` of each labelled row's class."""
        return np.array([self.classes.index(label) for label in self.y[self.labelled]])

    def take(self, rows: np.ndarray) -> Target:
        """The same of some rows."""
        return replace(self, y=self.y[rows], labelled=self.labelled[rows])


def find_targets(examples: Sequence[Example], taxonomy: Taxonomy) -> dict[str, Target]:
    """The heads there are labels for: "department", and perhaps "urgency" and "assist"."""
    departments = np.array([example.department for example in examples])
    everywhere = np.ones(len(examples), dtype=bool)
    present = tuple(one.id for one in taxonomy.departments if one.id in departments)
    targets = {"department": Target(departments, everywhere, present)}
    urgencies = np.array([example.urgency for example in examples])
    levels = tuple(level.id for level in taxonomy.urgencies if level.id in urgencies)
    if len(levels) > 1:
        targets["urgency"] = Target(urgencies, urgencies != "", levels)
    if any(example.assist for example in examples):
        parts = [
            [LEADS if one == example.department else ASSISTS if one == example.assist else 0 for one in present]
            for example in examples
        ]
        targets["assist"] = Target(np.array(parts), everywhere, present)
    return targets
