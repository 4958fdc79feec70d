"""A backlog goes through whole, and as if nothing had happened, however often the command is killed on its way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from backlog.journal import Journal
from backlog.tables import new_table
from settings import ROOT
from tests.faults.killing import alive, children, wait_until

pytestmark = pytest.mark.slow
ROWS, KILLS = 120_000, 6
MATTERS = ("石材厂夜里开工，粉尘飘进屋里", "宅基地报了两年批不下来", "校车超员，孩子站着上学", "轮椅坏了没有地方修", "")
SUFFIXES = (".csv", ".jsonl", ".xlsx")


def backlog(path: Path) -> Path:
    """A backlog that takes one worker ten seconds."""
    with new_table(path) as out:
        out.writerow(["编号", "内容"])
        out.writerows([str(i), f"{MATTERS[i % 5]}，第{i}次反映" * (i % 20) + MATTERS[i % 5]] for i in range(ROWS))
    return path


def start(source: Path, target: Path, models: Path) -> subprocess.Popen[bytes]:
    """The real command, in a group of its own."""
    command = [sys.executable, "-m", "cli", "reclassify", str(source), str(target), "--resume", "--jobs", "1"]
    environment = {**os.environ, "FENBAN_MODELS_DIR": str(models)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def rows_done(target: Path) -> int:
    """How many rows need not be done again."""
    journal = Journal.of(target)
    return journal.rows if journal else 0


def ended(pids: list[int]) -> bool:
    """Whether none of these processes runs any more."""
    return not any(map(alive, pids))


def run(source: Path, target: Path, models: Path) -> None:
    """To its end."""
    with start(source, target, models) as process:
        _, told = process.communicate()
    assert process.returncode == 0, told.decode()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_killed_again_and_again(models_dir: Path, tmp_path: Path, suffix: str) -> None:
    """SIGKILL at random moments: nothing under the output's name, no worker left, and in the end the same bytes."""
    # A JSON Lines output keeps its records where the input is JSON Lines too.
    source = backlog(tmp_path / ("in.jsonl" if suffix == ".jsonl" else "in.csv"))
    whole, target = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    run(source, whole, models_dir)
    moments, done = random.Random(suffix), [0]
    for i in range(KILLS):
        with start(source, target, models_dir) as process:
            # Every other time anywhere, start-up included, else where this very run has done something.
            if i % 2:
                wait_until(lambda: rows_done(target) > done[-1] or process.poll() is not None, process)
            time.sleep(moments.uniform(0, 2))
            workers = children(process.pid)
            process.kill()
        wait_until(partial(ended, workers), workers)
        if target.exists():
            break
        done.append(rows_done(target))
    else:
        run(source, target, models_dir)
    print(f"reclassify to {suffix}: killed when {done} rows were done")
    assert done == sorted(done), "a killed run lost rows"
    assert len(set(done)) > 2, "hardly a kill hit a run that had something to lose"
    assert target.read_bytes() == whole.read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([source, target, whole])


def test_killed_while_the_workbook_is_written(models_dir: Path, tmp_path: Path) -> None:
    """All suggestions are there by then, and what was half written is cleared away."""
    source, whole, target = backlog(tmp_path / "in.csv"), tmp_path / "whole.xlsx", tmp_path / "out.xlsx"
    run(source, whole, models_dir)
    with start(source, target, models_dir) as process:
        wait_until(lambda: (tmp_path / ".out.xlsx.rows").exists(), "the workbook was not begun")
        process.kill()
    assert rows_done(target) == ROWS
    assert not target.exists()
    run(source, target, models_dir)
    assert target.read_bytes() == whole.read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([source, target, whole])


def test_control_c(models_dir: Path, tmp_path: Path) -> None:
    """Stops at once with one line that says how to go on; no process of it complains or stays."""
    source, target = backlog(tmp_path / "in.csv"), tmp_path / "out.csv"
    with start(source, target, models_dir) as process:
        wait_until(lambda: rows_done(target) > 0, "nothing was done")
        workers = children(process.pid)
        asked = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == 1
    assert told.decode().splitlines()[-1] == "出错：已按要求停下。加 --resume 再运行即可接着做。"
    assert "Traceback" not in told.decode()
    assert ended(workers)
    run(source, target, models_dir)
    print(f"reclassify: stopped {time.monotonic() - asked:.1f} s before its end")
