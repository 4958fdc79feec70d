"""Does one kind of work over and over and tells of what is acknowledged, until it is killed.

``python -m tests.faults.worker WORK URL MODELS`` loads everything and forks a worker for each line on standard input,
one at a time; the line may name a file. It prints ``started PID`` and ``ended STATUS`` of each worker, which itself
prints ``begin`` before each operation and ``done …`` when it is acknowledged.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

from casework.service import exchange, releases
from casework.service import retraining as service
from casework.service.decide import Choice, decide
from casework.service.desk import Desk, find
from casework.service.jobs import RETRAIN, Jobs, Progress
from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.service.register import NewCase, register
from casework.storage.cases import DECIDED, Filters
from casework.storage.database import Database
from casework.storage.lists import page
from classifier.errors import ConflictError
from classifier.model import bundle
from classifier.records import Complaint
from settings import Settings

SUPERVISOR = Actor("李主管", ROLES["supervisor"], 1)
TEXT = "石材厂夜里开工，粉尘飘进屋里，老人咳得睡不着，打过电话没有人来，请来看看。"
DEPARTMENTS = ("environment", "land")
ROWS_PER_CHUNK = 20


def desk_of(models: Path) -> Desk:
    """The supervisor's, with the model in service."""
    classifier = bundle.load(bundle.current(models))
    classifier.suggest(Complaint("", TEXT))  # the dictionaries load with the first text
    return Desk(SUPERVISOR, Office(blind_share=0), classifier.taxonomy, classifier)


def jobs_of(url: str, database: Database, **work: Any) -> Jobs:
    """The queue that belongs to a register."""
    return Jobs(Settings(database_url=url).jobs, database, work)


def register_one(database: Database, desk: Desk) -> str:
    """Register a complaint; its number."""
    with database.writing() as session:
        return register(session, desk, NewCase(Complaint("", TEXT), reference=uuid4().hex))[0].number


def decide_one(database: Database, desk: Desk, number: str) -> int:
    """Send a case to another department than before; its version then."""
    with database.writing() as session:
        version = find(session, desk.actor, number).version
        return decide(session, desk, number, version, Choice(DEPARTMENTS[version % 2])).version


def promote_other(database: Database, models: Path) -> tuple[str, str]:
    """Put a model into service that is not; its version, and the reason, by which the entry is found."""
    current, why = bundle.current(models).name, uuid4().hex
    version = next(one for one in bundle.released(models) if one != current)
    releases.promote(database, SUPERVISOR, models, version, why)
    return version, why


def registering(database: Database, desk: Desk) -> None:
    """Register complaints; tells their numbers."""
    while True:
        _tell("begin")
        _tell("done", register_one(database, desk))


def deciding(database: Database, desk: Desk) -> None:
    """Decide the decided cases anew, in turn; tells numbers and versions."""
    with database.reading() as session:
        numbers = [line.case.number for line in page(session, Filters(DECIDED), None, 100)]
    for number in cycle(numbers):
        _tell("begin")
        _tell("done", number, decide_one(database, desk, number))


def importing(database: Database, desk: Desk, file: Path) -> None:
    """Import a file of handled cases, again and again; tells how many of its rows are in."""
    exchange._ROWS_PER_CHUNK = ROWS_PER_CHUNK

    def progress(rows: int) -> None:
        _tell("done", rows)
        _tell("begin")

    _tell("begin")
    while True:
        exchange.import_handled(database, desk, file, progress=progress)


def promoting(database: Database, models: Path) -> None:
    """Promote two models in turn; tells version and reason."""
    while True:
        _tell("begin")
        _tell("done", *promote_other(database, models))


def retraining(url: str, database: Database, models: Path) -> None:
    """Do jobs as `fenban worker` does, lenient, and ask for another whenever there is none; tells their numbers,
    and version and whether it was promoted."""

    def ask() -> None:
        while True:
            try:
                _tell("requested", jobs.request(SUPERVISOR, RETRAIN).id)
            except ConflictError:
                time.sleep(0.01)

    def work(requested_by: str, progress: Progress) -> dict[str, Any]:
        _tell("begin")
        report = service.retrain(database, SUPERVISOR, service.Plan(models, recall_floor=1), progress)
        _tell("done", report.version, report.promoted)
        return report.to_dict()

    jobs = jobs_of(url, database, **{RETRAIN: work})
    threading.Thread(target=ask, daemon=True).start()
    jobs.work()


def learn_little(desk: Desk) -> None:
    """Load what training needs, and make it quick: a small part of the corpus, one process."""
    import training.plots
    import training.retrain

    corpus = service._corpus(desk.taxonomy)[::40]
    service._corpus = lambda taxonomy: corpus
    training.retrain.retrain = partial(training.retrain.retrain, jobs=1)


def main(work: str, url: str, folder: str) -> None:
    """Load, then fork workers."""
    models = Path(folder)
    desk = desk_of(models)
    if work == "retraining":
        learn_little(desk)
    for line in sys.stdin:
        if (worker := os.fork()) == 0:
            _tell("started", os.getpid())
            _do(work, url, Database(url), desk, models, Path(line.strip()))
        _tell("ended", os.waitpid(worker, 0)[1])


def _do(work: str, url: str, database: Database, desk: Desk, models: Path, file: Path) -> None:
    {
        "registering": partial(registering, database, desk),
        "deciding": partial(deciding, database, desk),
        "importing": partial(importing, database, desk, file),
        "promoting": partial(promoting, database, models),
        "retraining": partial(retraining, url, database, models),
    }[work]()


def _tell(*words: object) -> None:
    # At once, since two threads tell.
    print(f"{' '.join(map(str, words))}\n", end="", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
