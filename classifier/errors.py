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


class UnfinishedError(FenbanError):
    """A run that ended before its end; what it wrote so far is kept, and another run goes on from there."""


class InvalidLabelsError(FenbanError):
    """A labelled file whose rows cannot be trained on or evaluated."""


class InvalidModelError(FenbanError):
    """A model folder that is missing, damaged, or made for another dictionary or format."""


class ClusterError(FenbanError):
    """A Dask cluster that cannot be reached, is lost, or runs another program."""


class StorageError(FenbanError):
    """A database that cannot be reached, read or written; nothing of the change was kept."""


class NotFoundError(FenbanError):
    """Something asked for by a name or number that is not there."""


class ConflictError(FenbanError):
    """A change of something that somebody else has changed meanwhile, or that is no longer open to it."""


class ReferenceTakenError(ConflictError):
    """A case with the same reference as one that is registered as ``number``, but with another text."""

    def __init__(self, reference: str, number: str) -> None:
        super().__init__(f"来文编号 {reference} 已登记为 {number}，内容不同，请核对编号。")
        self.number = number


class InvalidInputError(FenbanError):
    """A value given by a user that is none of those allowed."""


class NotSignedInError(FenbanError):
    """A request without an account or a token, or with one that has ended."""


class StaleFormError(FenbanError):
    """A form or request without the key of the page it came from."""


class NotAllowedError(FenbanError):
    """A request beyond what the account or token may do."""
