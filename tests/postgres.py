"""Starts a PostgreSQL of the tests' own from Debian's package, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if found:
        return found[-1].parent
    return Path(on_path).parent if (on_path := shutil.which("pg_ctl")) else None


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server in a folder of its own and yield its URL; it listens on a socket there only.

    Raises
    ------
    RuntimeError
        PostgreSQL is not installed, or does not start.
    """
    if (binaries := _binaries()) is None:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    # Not below pytest's folder, which pytest closes to other users whenever it starts.
    with tempfile.TemporaryDirectory(prefix="fenban-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # PostgreSQL refuses to run as root; Debian's package brings a user for it.
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if as_user:
            shutil.chown(folder, "postgres")
        data, log = folder / "data", folder / "log"

        def run(program: str, *arguments: object) -> None:
            command = [*as_user, binaries / program, "-D", data, *arguments]
            # pg_ctl hands its output on to the server, so it must not be a pipe.
            with (folder / "output").open("w") as output:
                done = subprocess.run(command, stdout=output, stderr=output, cwd=folder, check=False)
            if done.returncode:
                told = [(folder / "output").read_text(), log.read_text() if log.exists() else ""]
                raise RuntimeError(f"{program}: {' '.join(told)}")

        run("initdb", "-U", "fenban", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=100"
        run("pg_ctl", "-l", log, "-w", "-o", settings, "start")
        try:
            yield f"postgresql+psycopg://fenban@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
