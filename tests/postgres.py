"""Starts a PostgreSQL of the tests' own from Debian's package, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if found:
        return found[-1].parent
    return Path(on_path).parent if (on_path := shutil.which("pg_ctl")) else None


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a server that lives in ``folder`` and yield its URL; it listens on a socket there only.

    Raises
    ------
    RuntimeError
        PostgreSQL is not installed, or does not start.
    """
    if (binaries := _binaries()) is None:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    data, log = folder / "data", folder / "log"
    # PostgreSQL refuses to run as root; Debian's package brings a user for it.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres")
        # pytest's folders are closed to other users.
        for parent in [folder, *folder.parents]:
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*as_user, binaries / program, *arguments], capture_output=True, text=True, cwd=folder, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr or done.stdout}{log.read_text() if log.exists() else ''}")

    run("initdb", "-D", str(data), "-U", "fenban", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=100"
    # pg_ctl hands its output on to the server, so it must not be a pipe.
    subprocess.run(
        [*as_user, binaries / "pg_ctl", "-D", data, "-l", log, "-w", "-o", settings, "start"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        check=True,
    )
    try:
        yield f"postgresql+psycopg://fenban@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
