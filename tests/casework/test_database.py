"""The database: its schema, its promises, and how it says what is wrong."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Integer, bindparam, create_engine, delete, literal_column, select, text, update
from sqlalchemy.exc import DBAPIError

from casework.storage.database import HEAD, Database
from casework.storage.lookup import Lookup
from casework.storage.migrations.migrations import _config
from casework.storage.tables import APPEND_ONLY, AuditEntry, Base, Setting, SuggestionMade
from classifier.errors import StorageError

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)

OLD_CASE = {
    **{"id": 1, "year": 2026, "version": 1, "certain": 1, "blind": False, "status": "open", "urgency": "routine"},
    **dict.fromkeys(("channel", "place", "title"), ""),
    **dict.fromkeys(("received_at", "registered_at", "due_at"), "2026-03-02 08:30:00"),
    "text": "占地",
}
OLD_SUGGESTION = {
    **{"id": 1, "case_id": 1, "made_at": "2026-03-02 08:30:00", "model_version": "v1", "department": "land"},
    **{"department_confidence": 0.9, "needs_review": False, "known_share": 0.9, "details": "{}"},
}


def entry() -> AuditEntry:
    """Anything that can be written."""
    return AuditEntry(at=NOW, actor="测试", action="test", subject="case 1", old=None, new={"a": 1})


def test_migrations_make_the_tables_the_code_expects(database: Database) -> None:
    """Nothing is missing, nothing is more."""
    with database.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []


def test_the_newest_schema_is_the_newest_migration() -> None:
    """So that an up-to-date database is told without loading Alembic."""
    assert ScriptDirectory.from_config(_config()).get_current_head() == HEAD


def test_an_older_register_is_brought_up_to_date(database_url: str) -> None:
    """With what is in it; history stays closed to changes."""
    engine, config = create_engine(database_url), _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for table, row in (("cases", OLD_CASE), ("suggestions", OLD_SUGGESTION)):
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)
    engine.dispose()
    database = Database(database_url)
    with database.reading() as session:
        made = session.scalars(select(SuggestionMade)).one()
        assert (made.department, made.run_id, made.before) == ("land", None, None)
    with pytest.raises(DBAPIError, match="append-only"), database.writing() as session:
        session.execute(update(SuggestionMade).values(department="other"))
    database.close()


def test_opening_again_keeps_everything(database: Database, database_url: str) -> None:
    """A second process finds what the first wrote."""
    with database.writing() as session:
        session.add(entry())
    again = Database(database_url)
    with again.reading() as session:
        found = session.scalars(select(AuditEntry)).one()
    again.close()
    assert (found.at, found.new) == (NOW, {"a": 1})


def test_a_change_is_kept_whole_or_not_at_all(database: Database) -> None:
    """What an error interrupts leaves nothing."""

    class Stop(Exception):  # noqa: N818 # not an error of the product
        pass

    def interrupted() -> None:
        with database.writing() as session:
            session.add(entry())
            session.flush()
            raise Stop

    with pytest.raises(Stop):
        interrupted()
    with database.reading() as session:
        assert session.scalars(select(AuditEntry)).all() == []


def test_a_reader_sees_one_state(database: Database) -> None:
    """From its first look on, whatever others write meanwhile."""
    seen = []
    with database.reading() as reader:
        for _ in range(2):
            seen.append(len(reader.scalars(select(AuditEntry)).all()))
            with database.writing() as session:
                session.add(entry())
    assert seen == [0, 0]


def test_a_lookup_reads_what_a_session_reads(database: Database) -> None:
    """Each type as it was written, once it is committed; None where there is no row."""
    query = select(AuditEntry.at, AuditEntry.actor, AuditEntry.old, AuditEntry.new).where(
        AuditEntry.actor == bindparam("actor"), AuditEntry.action == bindparam("action")
    )
    lookup, wanted = Lookup(query), {"action": "test", "actor": "测试"}
    with database.writing() as session:
        session.add(entry())
        session.flush()
        assert database.look_up(lookup, **wanted) is None
    for _ in range(2):
        assert database.look_up(lookup, **wanted) == (NOW, "测试", None, {"a": 1})
    with database.reading() as session:
        assert session.execute(query, wanted).one() == (NOW, "测试", None, {"a": 1})


def test_a_lookup_that_fails_says_why(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As any other query does, and the next one works."""
    broken = Lookup(select(literal_column("x").label("x")))
    with pytest.raises(DBAPIError, match="x"):
        database.look_up(broken)
    monkeypatch.setattr("casework.storage.database._reason", lambda error: f"不好：{type(error).__name__}")
    with pytest.raises(StorageError, match=r"不好：(OperationalError|UndefinedColumn)"):
        database.look_up(broken)
    assert database.look_up(Lookup(select(literal_column("1", Integer)))) == (1,)


def test_what_is_remembered_is_never_older_than_the_register(database: Database, database_url: str) -> None:
    """In every thread, whoever commits: this process, or another one with connections of its own."""
    lookup, elsewhere = Lookup(select(Setting.value).where(Setting.name == bindparam("name"))), Database(database_url)

    def seen(_: object = None) -> object:
        return database.remembered("x", lambda: database.look_up(lookup, name="x"))

    with ThreadPoolExecutor(3) as threads:
        assert seen() is None
        for turn, writer in enumerate([database, elsewhere] * 10):
            with writer.writing() as session:
                session.merge(Setting(name="x", value={"turn": turn}))
            assert [seen(), *threads.map(seen, range(9))] == [({"turn": turn},)] * 10
        with elsewhere.writing() as session:
            session.execute(delete(Setting))
        assert [seen(), *threads.map(seen, range(9))] == [None] * 10
    elsewhere.close()


def test_what_is_remembered_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By each key while nothing is committed, after closing anew; what failed is not remembered."""
    database, made = Database(f"sqlite:///{tmp_path}/one.db"), []

    def make() -> int:
        made.append(1)
        return 1 // (len(made) - 1)

    with pytest.raises(ZeroDivisionError):
        database.remembered("a", make)
    assert [database.remembered(key, make) for key in "aaba"] == [1, 1, 0, 1]
    database.close()
    assert database.remembered("a", make) == 0
    assert len(made) == 4
    monkeypatch.setattr("casework.storage.lookup._VERSION", "PRAGMA x(")
    with pytest.raises(DBAPIError, match="PRAGMA x"):
        database.remembered("a", make)
    monkeypatch.setattr("casework.storage.database._reason", lambda error: "不好")
    with pytest.raises(StorageError, match="不好"):
        database.remembered("a", make)
    database.close()


def test_history_cannot_be_rewritten(database: Database) -> None:
    """The database itself refuses, whoever asks."""
    with database.writing() as session:
        session.add(entry())
    for change in (update(AuditEntry).values(actor="别人"), delete(AuditEntry)):
        with pytest.raises(DBAPIError, match="append-only"), database.writing() as session:
            session.execute(change)
    assert "audit" in APPEND_ONLY


def test_a_newer_schema_is_refused(database: Database, database_url: str) -> None:
    """An older program must not write into what it does not know."""
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"更新版本的分办.*9999"):
        Database(database_url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "不是数据库地址"),
        ("sqlite://", "要放在文件里"),
        ("mysql://user@host/db", "只支持"),
        ("postgresql+psycopg://user@127.0.0.1:9/db?connect_timeout=1", "连不上"),
    ],
)
def test_an_address_that_leads_nowhere_is_named(url: str, message: str) -> None:
    """With what to do."""
    with pytest.raises(StorageError, match=message):
        Database(url)


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    """Somebody else's file."""
    path = tmp_path / "fenban.db"
    path.write_bytes(b"not a database, but long enough to look at" * 10)
    with pytest.raises(StorageError, match="不是数据库文件"):
        Database(f"sqlite:///{path}")
    assert path.read_bytes().startswith(b"not a database")


def test_a_read_only_or_full_database_says_so_and_keeps_what_it_had(tmp_path: Path) -> None:
    """Nothing half-written."""
    database = Database(f"sqlite:///{tmp_path}/fenban.db")
    with database.writing() as session:
        session.add(entry())

    def write_after(pragma: str) -> None:
        with database.writing() as session:
            session.execute(text(f"PRAGMA {pragma}"))
            session.add_all([entry() for _ in range(2000)])

    for pragma, message in (("query_only=1", "只读"), ("max_page_count=1", "已满")):
        with pytest.raises(StorageError, match=message):
            write_after(pragma)
        database.close()
    with database.reading() as session:
        assert len(session.scalars(select(AuditEntry)).all()) == 1
    database.close()


def test_a_locked_database_is_waited_for_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not silently overwritten, not waited for without end."""
    monkeypatch.setattr("casework.storage.database._LOCK_TIMEOUT_S", 0.1)
    database = Database(f"sqlite:///{tmp_path}/fenban.db")
    other = sqlite3.connect(tmp_path / "fenban.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="占用"), database.writing() as session:
        session.add(entry())
    other.close()
    database.close()
