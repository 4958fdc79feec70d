"""Compiles loops over characters and cells, which numpy could only do in many passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of arrays and numbers when it is first called, and keep the machine code on disk.

    It lies in ``__pycache__`` beside the source, or where the folder ``NUMBA_CACHE_DIR`` names; where neither
    can be written, each process compiles anew, which takes seconds. Divisions by zero give infinity as in
    numpy; sums are taken in the order of the source, so equal input gives equal bits.
    """
    try:
        made: Callable[P, R] = numba.njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # no folder for the cache can be written
        made = numba.njit(error_model="numpy")(function)
    return made
