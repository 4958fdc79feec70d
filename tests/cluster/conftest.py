"""A real Dask cluster of processes, and an S3 server that its workers reach by their environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import LocalCluster
from moto.server import ThreadedMotoServer

Writer = Callable[..., Path]


@pytest.fixture(scope="session")
def s3() -> Iterator[None]:
    """An S3 server that this process and those started by it use, without anything in it."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield
    server.stop()


@pytest.fixture(scope="session")
def cluster(s3: None) -> Iterator[LocalCluster]:
    """Two worker processes of one thread each."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture
def backlog(tmp_path: Path) -> Writer:
    """Writes a Parquet file of so many complaints below ``in``, every one another."""

    def write(name: str = "part-0.parquet", rows: int = 50, **columns: pa.Array) -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [
            f"{name} 第{i}次反映，楼下{'烧烤店的油烟' if i % 3 else '工地夜里施工'}天天影响休息" for i in range(rows)
        ]
        pq.write_table(
            pa.table({"编号": pa.array(range(rows), pa.int32()), "内容": texts, **columns}),
            path,
            write_page_checksum=True,
        )
        return path

    return write
