"""The queue of background jobs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from casework.service.jobs import Jobs
from casework.storage.database import Database
from settings import Settings

OPENED = 8


def test_a_new_queue_is_made_once(database: Database, database_url: str) -> None:
    """By however many processes it is opened at the same time, as a server and its worker do at their first start."""
    together = Barrier(OPENED)

    def open_queue(_: int) -> None:
        together.wait()
        Jobs(Settings(database_url=database_url).jobs, database)

    with ThreadPoolExecutor(OPENED) as threads:
        assert len(list(threads.map(open_queue, range(OPENED)))) == OPENED
