"""Passwords: what one must be like, how it is kept, and how long wrong ones make people wait."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from classifier.errors import InvalidInputError

HASHER = PasswordHasher()
"""argon2id with the library's parameters; whoever signs in is moved to new ones when they change."""

MIN_LENGTH = 12
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # nothing that looks like something else on paper
_FREE_MISTAKES = 2
_LONGEST_WAIT_S = 300


def check_new(password: str, name: str) -> None:
    """Refuse a password that is easily guessed.

    Raises
    ------
    InvalidInputError
    """
    if len(password.strip()) < MIN_LENGTH:
        raise InvalidInputError(f"密码太短：至少要 {MIN_LENGTH} 个字符，可以用一句话。", field="password")
    if len(password.casefold().replace(name.casefold(), "")) < MIN_LENGTH // 2:
        raise InvalidInputError("密码不能以用户名为主，请换一个。", field="password")


def hashed(password: str) -> str:
    """What is kept of a password: salted, slow to guess."""
    return HASHER.hash(_bytes(password))


def matches(password: str, kept: str | None) -> bool:
    """Whether it is the password; with nothing kept, takes as long to say no."""
    try:
        return HASHER.verify(kept or _nobody(), _bytes(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether it was hashed with other parameters than today's."""
    return HASHER.check_needs_rehash(kept)


def one_time() -> str:
    """A password to be used once, easy to type: four groups of five, 100 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


def wait_after(wrong: int) -> timedelta:
    """How long nobody may try after so many wrong ones in a row.

    >>> [wait_after(count).total_seconds() for count in (0, 2, 3, 4, 5, 100)]
    [0.0, 0.0, 1.0, 2.0, 4.0, 300.0]
    """
    if wrong <= _FREE_MISTAKES:
        return timedelta(0)
    return timedelta(seconds=min(_LONGEST_WAIT_S, 2 ** min(wrong - _FREE_MISTAKES - 1, 16)))


def _bytes(password: str) -> bytes:
    # Full-width letters from an input method are the same password.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _nobody() -> str:
    return HASHER.hash(secrets.token_bytes(16))
