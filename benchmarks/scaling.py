"""`make bench-scaling`: what a large backlog takes on a cluster, computed from one rate measured on this machine.

Runs `fenban reclassify --scheduler` over Parquet files made of `../shared/data/complaints.csv` and writes
`benchmarks/scaling.md`. In each file every complaint stands once, so that it is as large as a real one.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dask
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client, LocalCluster

from backlog.cluster import reclassify_partitions
from backlog.tables import CsvTable
from benchmarks.run import DATA
from classifier.model import bundle
from settings import Settings

RESULTS = Path(__file__).parent / "scaling.md"
# As docs/scaling.md tells: freed memory is kept, to be used again.
_MALLOC = {"MALLOC_TRIM_THRESHOLD_": 1 << 28, "MALLOC_MMAP_THRESHOLD_": 1 << 28}
_FILES_PER_CORE = 8
_BACKLOGS = (10_000_000, 100_000_000, 1_000_000_000)
_CORES = (16, 128, 1024)


@dataclass(frozen=True)
class Measured:
    """What one run took.

    ``core_seconds`` is the processor time of all workers, ``peak_mb`` the memory of the largest,
    sizes are bytes of Parquet for each row.
    """

    rows: int
    cores: int
    seconds: float
    core_seconds: float
    peak_mb: float
    bytes_in: float
    bytes_out: float

    @property
    def rate(self) -> float:
        """Rows per second and core."""
        return self.rows / self.core_seconds


def main() -> None:
    """Measure, compute, write."""
    if not DATA.exists():
        sys.exit(f"{DATA} is not here: the benchmarks need the measured complaints.")
    with tempfile.TemporaryDirectory() as name:
        measured = _measure(Path(name), bundle.current(Settings().models_dir), os.cpu_count() or 1)
    RESULTS.write_text(_report(measured), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


def _measure(folder: Path, model: Path, cores: int) -> Measured:
    table = CsvTable(DATA / "complaints.csv")
    columns = pa.table(dict(zip(table.header, map(list, zip(*table, strict=True)), strict=True)))
    for place, files in (("warm", 2 * cores), ("in", _FILES_PER_CORE * cores)):
        (folder / place).mkdir()
        for i in range(files):
            part = columns.slice(0, 50) if place == "warm" else columns
            pq.write_table(part, folder / place / f"part-{i}.parquet")
    with (
        dask.config.set({"distributed.nanny.pre-spawn-environ": _MALLOC}),
        LocalCluster(n_workers=cores, threads_per_worker=1, dashboard_address=":0") as cluster,
    ):
        # Workers have loaded the model and compiled their loops before the clock starts.
        reclassify_partitions(str(folder / "warm"), str(folder / "warm-out"), model, cluster.scheduler_address)
        with Client(cluster) as client:
            start, used = time.perf_counter(), sum(client.run(time.process_time).values())
            outcome = reclassify_partitions(str(folder / "in"), str(folder / "out"), model, cluster.scheduler_address)
            seconds, used = time.perf_counter() - start, sum(client.run(time.process_time).values()) - used
            peak_mb = max(client.run(_peak_mb).values())
    bytes_in, bytes_out = (sum(_sizes(folder / place)) / outcome.rows for place in ("in", "out"))
    return Measured(outcome.rows, cores, seconds, used, peak_mb, bytes_in, bytes_out)


def _sizes(folder: Path) -> Iterator[int]:
    return (path.stat().st_size for path in folder.iterdir())


def _peak_mb() -> float:
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert peak
    return int(peak[1]) / 1024


def _report(measured: Measured) -> str:
    head = (
        "rows",
        "core-hours",
        *(f"time on {cores:,} cores" for cores in _CORES),
        "input",
        "output",
        "read and written a second on 128 cores",
    )
    lines = [head, ("---",) * len(head), *(_line(measured, rows) for rows in _BACKLOGS)]
    return f"""# What a large backlog takes on a cluster

`make bench-scaling`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {measured.rows:,} real messages, Parquet to Parquet, reasons included,
took the workers {measured.core_seconds:.0f} s of processor time ({measured.seconds:.0f} s by the clock on {measured.cores} cores, load {os.getloadavg()[0]:.1f} when it ended):
**{measured.rate:,.0f} rows for each second of a core**. The largest worker took {measured.peak_mb:.0f} MB. A row took {measured.bytes_in:,.0f} bytes as input and
{measured.bytes_out:,.0f} as output. All below is computed from these; nothing was run at that size.

{chr(10).join("| " + " | ".join(line) + " |" for line in lines)}

Memory: {measured.peak_mb * 1.5 / 1000:.1f} GB for each core, half as much again as was measured, at any number of rows. How to run it: [docs/scaling.md](../docs/scaling.md).
"""


def _line(measured: Measured, rows: int) -> tuple[str, ...]:
    core_hours = rows / measured.rate / 3600
    both = measured.bytes_in + measured.bytes_out
    return (
        f"{rows:,}",
        f"{core_hours:,.1f}",
        *(_time(core_hours / cores) for cores in _CORES),
        f"{rows * measured.bytes_in / 1e9:,.0f} GB",
        f"{rows * measured.bytes_out / 1e9:,.0f} GB",
        f"{measured.rate * 128 * both / 1e6:,.0f} MB",
    )


def _time(hours: float) -> str:
    return f"{hours:,.1f} h" if hours >= 1 else f"{hours * 60:.1f} min"


if __name__ == "__main__":
    main()
