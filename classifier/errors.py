"""Every error Fenban raises on purpose, so that each caller can map it in one place.

Messages are in Chinese because staff read them; each names the value and the next step.
"""


class FenbanError(Exception):
    """Base of all errors that are the input's or the setup's fault, not a bug."""


class InvalidComplaintError(FenbanError):
    """A complaint that cannot be read: empty, too long, or holding characters that are no text."""


class InvalidTaxonomyError(FenbanError):
    """A file of departments and urgency levels that contradicts itself or lacks something."""


class InvalidTableError(FenbanError):
    """A table file that cannot be read or written as asked."""


class InvalidLabelsError(FenbanError):
    """A labelled file whose rows cannot be trained on or evaluated."""


class InvalidModelError(FenbanError):
    """A model folder that is missing, damaged, or made for another dictionary or format."""
