"""Compiles loops over characters and cells, which numpy could only do in many passes."""

from __future__ import annotations

import hashlib
import importlib
import math
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numba
import numba.core.config as numba_settings
import numpy as np
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of arrays and numbers when it is first called, and keep the machine code on disk.

    Sums are taken in the order of the source, so equal input gives equal bits; divisions by zero are numpy's.
    """
    made: Callable[P, R] = numba.njit(cache=_keeps_code(), error_model="numpy")(function)
    return made


@cache
def _keeps_code() -> bool:
    """Choose where machine code is kept; False where that cannot be written, and each process compiles anew.

    It is ``__pycache__`` beside this module, or what NUMBA_CACHE_DIR says; in it a folder by the sources, for numba
    notices a change of a function, but not of those it calls in other modules.
    """
    package = Path(__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted(package.rglob("*.py")))
    chosen = Path(numba_settings.CACHE_DIR or package / "__pycache__")  # type: ignore[attr-defined]
    folder = chosen / f"compiled-{hashlib.sha256(sources).hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    numba_settings.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    return os.access(folder, os.W_OK)


def without_blas() -> None:
    """Let numba load without scipy.linalg: to learn whether it could multiply matrices, which no loop here does, it would import
    that with the first loop, a twentieth of a server's start."""
    if _BLAS in sys.modules or _ASKS in sys.modules:
        return
    sys.modules[_BLAS] = None  # type: ignore[assignment] # as if it were not installed
    try:
        importlib.import_module(_ASKS)
    finally:
        del sys.modules[_BLAS]


_ASKS, _BLAS = "numba.np.arraymath", "scipy.linalg"


def empty_on_lines(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array to fill that begins where a pair of the processor's cache lines does: rows of as many bytes take one pair each."""
    raw = np.empty(math.prod(shape) * dtype.itemsize + _PAIR, dtype=np.uint8)
    begin = -raw.ctypes.data % _PAIR
    return raw[begin : begin + math.prod(shape) * dtype.itemsize].view(dtype).reshape(shape)


_PAIR = 128


@compiled
def indices(start: int, stop: int) -> range:
    """``range(start, stop)`` in unsigned numbers, for use as indices alone: a signed one is asked each time whether it counts
    from the end. Arithmetic of these and plain integers gives floating-point numbers."""
    return range(np.uint64(start), np.uint64(stop))
