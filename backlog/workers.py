"""Runs chunks through worker processes that share one model, and hands the results back in order."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from typing import TypeVar

from classifier.errors import UnfinishedError

Kept = TypeVar("Kept")
Message = TypeVar("Message")
Result = TypeVar("Result")

_CHUNKS_AHEAD = 3
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_KEPT_BYTES = 64 << 20


class Workers:
    """So many worker processes.

    Forked where the system can fork safely, so that they share what is loaded and start at
    once; started anew elsewhere.

    Parameters
    ----------
    jobs : int
        How many, -1 for one on each core.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs if jobs > 0 else os.cpu_count() or 1
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
        self._pool = ProcessPoolExecutor(self._jobs, context, _begin)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def in_order(
        self, task: Callable[[Message], Result], chunks: Iterable[tuple[Kept, Message]]
    ) -> Iterator[tuple[Kept, Result]]:
        """Do a task for each chunk's message; yield the results, each beside what was kept here of its chunk.

        Only a few chunks are under way at a time, so that memory stays as it is however many come.

        Raises
        ------
        UnfinishedError
            A worker was killed.
        """
        under_way: deque[tuple[Kept, Future[Result]]] = deque()
        try:
            for kept, message in chunks:
                under_way.append((kept, self._pool.submit(task, message)))
                if len(under_way) > _CHUNKS_AHEAD * self._jobs:
                    done, future = under_way.popleft()
                    yield done, future.result()
            for done, future in under_way:
                yield done, future.result()
        except BrokenProcessPool as error:
            raise UnfinishedError(
                "工作进程被系统终止，多半是内存不足，请关闭别的程序，或用 --jobs 减少进程。"
            ) from error


def _begin() -> None:
    """Make a worker of a new process."""
    gc.disable()
    keep_freed_memory()
    # Ctrl-C reaches all processes of a terminal; the one that started them decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Else a worker whose parent was killed would wait for its next chunk for ever."""
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)


def keep_freed_memory() -> None:
    """Let the C library of this process keep what a chunk frees for the next: to fetch it anew costs a tenth of the time."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        library.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
