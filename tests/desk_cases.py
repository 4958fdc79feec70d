"""Fills a register with the cases of a busy office, out of the project's own corpus, for tests of the pages and for trying them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from casework.service import decide, register
from casework.service.accounts import add_user
from casework.service.desk import Desk
from casework.service.office import Office
from casework.service.permissions import Actor, console
from casework.storage.database import Database, Session
from classifier.model.classifier import Classifier
from tests.clients import PASSWORD
from training.corpus import corpus_files
from training.labelled import Example, read_labelled

STAFF = (("zhang", "triage"), ("zhuguan", "supervisor"), ("admin", "admin"))
NEWCOMERS = ("light", "dark")
CHANNELS = ("12345热线", "来信", "来访", "网上信箱", "上级转办", "短信")
PLACES = ("城关镇", "柳河街道", "东山乡", "开发区", "石桥镇", "")


def fill(database: Database, classifier: Classifier, cases: int, seed: int = 1) -> None:
    """Open accounts for staff, all with the tests' password (one-time for newcomers), and register cases.

    One in six is decided, a few of these are handed back, and every other of them is closed. The rest
    wait; some are overdue.
    """
    chance = random.Random(seed)
    examples, _ = read_labelled(corpus_files(), classifier.taxonomy)
    now = datetime.now(UTC)
    with database.writing() as session:
        for name, role in STAFF:
            user = add_user(session, console(), name, role, PASSWORD)
        for name in NEWCOMERS:
            add_user(session, console(), name, "triage", PASSWORD, one_time=True)
        actor = Actor("admin", console().permissions, user.id)
        desk = Desk(actor, Office(), classifier.taxonomy, classifier)
        for number, example in enumerate(chance.sample(examples, cases)):
            received_at = now - timedelta(days=5) * chance.random() ** 2
            channel, place = chance.choice(CHANNELS), chance.choice(PLACES)
            new = register.NewCase(example.complaint, channel, place, received_at=received_at)
            case, _ = register.register(session, desk, new)
            if number % 6 == 0:
                _handle(desk, session, case.number, example, chance)


def _handle(desk: Desk, session: Session, number: str, example: Example, chance: random.Random) -> None:
    choice = decide.Choice(example.department, example.assist or None, example.urgency or None)
    decide.decide(session, desk, number, 1, choice)
    turn = chance.random()
    if turn < 0.1:
        decide.hand_back(session, desk, number, 2, "不属于本单位职责，请改派")
    elif turn < 0.5:
        decide.close(session, desk, number, 2, note="已现场处理并答复")
