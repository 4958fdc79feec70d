"""Opens the case register: one place for connections, transactions, migrations and their errors."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from casework.storage.lookup import Lookup, Lookups, Row
from classifier.errors import StorageError

__all__ = ["Database", "Session"]

T = TypeVar("T")

HEAD = "0004"
"""The newest schema this program knows; a test holds it equal to the newest migration."""

_LOCK_TIMEOUT_S = 15
_WRITES = "fenban_writes"

# By SQLite's primary result code, or PostgreSQL's SQLSTATE (or its class).
_REASONS = {
    5: "正被别的程序占用，请稍后再试",
    6: "正被别的程序占用，请稍后再试",
    8: "是只读的，请检查文件和所在目录的权限",
    10: "读写出错，请检查磁盘",
    11: "已损坏，请从备份恢复",
    13: "所在磁盘已满，请清理后再试",
    14: "打不开，请检查路径和权限",
    26: "不是数据库文件，请检查路径",
    "25006": "是只读的，请检查连接的是否主库",
    "53": "资源不足（磁盘或连接数已满），请清理后再试",
    "55P03": "正被别的程序占用，请稍后再试",
    "57": "正在停止或已断开，请稍后再试",
    "28": "拒绝了用户名或密码，请检查连接地址",
    "3D000": "不存在，请先建库",
    "08": "连不上，请检查地址和网络",
}


class Database:
    """The case register behind one URL.

    Parameters
    ----------
    url : str
        As SQLAlchemy writes it: ``sqlite:////path/fenban.db`` or ``postgresql+psycopg://…``.
        A SQLite file is made where there is none.

    Raises
    ------
    StorageError
        It cannot be opened, or was made by a newer Fenban.
    """

    def __init__(self, url: str) -> None:
        try:
            self._url = make_url(url)
        except ArgumentError as error:
            raise StorageError("FENBAN_DATABASE_URL 不是数据库地址，应形如 sqlite:////目录/fenban.db。") from error
        self._name = self._url.render_as_string(hide_password=True)
        self._told_in_words = _ToldInWords(self._name)
        self._engine = self._open()
        # Their own connections, in which the driver begins no transaction that would have to be ended; on SQLite each thread keeps one.
        bound = {"max_overflow": -1} if self._url.get_backend_name() == "sqlite" else {}
        self._lookups = Lookups(self._open(isolation_level="AUTOCOMMIT", pool_reset_on_return=None, **bound))
        try:
            self._migrate()
        except StorageError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of all connections, as a process must before it forks; the next use opens new ones."""
        self._engine.dispose()
        self._lookups.close()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database and changes nothing."""
        engine = self._engine
        if engine.dialect.name == "postgresql":
            # By default each statement there sees what was committed until then.
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with self._told_in_words, Session(engine, expire_on_commit=False) as session:
            yield session

    def look_up(self, lookup: Lookup, **parameters: Any) -> Row | None:
        """The row that a lookup finds in what is committed now, or None."""
        with self._told_in_words:
            return self._lookups.find(lookup, parameters)

    def remembered(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` gave for a key, made again once anything was committed; each time where the database cannot tell."""
        with self._told_in_words:
            return self._lookups.remembered(key, make)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are kept together when the block ends, or not at all."""
        engine = self._engine.execution_options(**{_WRITES: True})
        with self._told_in_words, Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def alone(self) -> Iterator[Session]:
        """As :meth:`writing`, in one process at a time: what makes tables must not run twice at once."""
        with self.writing() as session:
            if self._engine.dialect.name == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(20261122)"))
            yield session

    def _open(self, **options: Any) -> Engine:
        if self._url.get_backend_name() == "sqlite":
            self._make_file()
            engine = create_engine(self._url, connect_args={"timeout": _LOCK_TIMEOUT_S}, **options)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        with self._told_in_words:
            session = f"-c lock_timeout={_LOCK_TIMEOUT_S * 1000} -c timezone=UTC"
            return create_engine(self._url, pool_pre_ping=True, connect_args={"options": session}, **options)

    def _make_file(self) -> None:
        if self._url.database in (None, "", ":memory:"):
            raise StorageError("数据库要放在文件里，FENBAN_DATABASE_URL 应形如 sqlite:////目录/fenban.db。")
        path = Path(str(self._url.database))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Nobody else on the machine reads complaints; files SQLite adds beside it follow its mode.
            path.touch(mode=0o600, exist_ok=True)
        except OSError as error:
            raise StorageError(f"建不了数据库 {path}：{error.strerror}，请检查权限和空间。") from error

    def _migrate(self) -> None:
        """Bring the schema up to date."""
        if self._revision() == HEAD:
            return
        # Slow to import, and wanted only here.
        from casework.storage.migrations import migrations

        with self.alone() as session:
            connection = session.connection()
            found = migrations.revision(connection)
            if found not in migrations.known():
                raise StorageError(
                    f"数据库 {self._name} 是更新版本的分办建立的（结构 {found}，本程序只认到 {HEAD}），请升级程序。"
                )
            migrations.upgrade(connection)

    def _revision(self) -> str | None:
        with self.reading() as session:
            if not inspect(session.connection()).has_table("alembic_version"):
                return None
            return session.execute(text("SELECT version_num FROM alembic_version")).scalar()


class _ToldInWords:
    """Errors of a database as staff are told them; bugs of ours pass. No generator, for every request enters it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError):
            if reason := _reason(error.orig):
                raise StorageError(f"数据库 {self._name} {reason}。刚才的操作没有保存。") from error
        elif isinstance(error, ArgumentError | ImportError):
            raise StorageError(f"数据库地址 {self._name} 用不了：只支持 sqlite 和 postgresql+psycopg。") from error


def _reason(error: Any) -> str | None:
    """What went wrong in the database itself, in words; None for a bug of ours."""
    if (code := getattr(error, "sqlite_errorcode", None)) is not None:
        return _REASONS.get(code & 0xFF)
    if state := getattr(error, "sqlstate", None):
        return _REASONS.get(state) or _REASONS.get(state[:2])
    return _REASONS["08"] if type(error).__name__ == "OperationalError" else None


def _prepare_sqlite(connection: Any, record: object) -> None:
    # The driver must not begin or commit by itself: `_begin_sqlite` does.
    connection.isolation_level = None
    # An acknowledged write outlives a power cut; readers never wait for a writer.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that has read first cannot be upgraded in WAL mode, so it says at once that it writes.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
