"""Where the service may listen, and how it is told when it may not."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from casework.web.server import Binding
from classifier.errors import InvalidInputError
from settings import ROOT

SERVER = """
import sys
from casework.web import server
server._PATIENCE_S = 1
server.run("benchmarks.echo_app:create_app", server.Binding("127.0.0.1", int(sys.argv[1])), int(sys.argv[2]))
"""
GET = b"GET /readyz HTTP/1.1\r\nHost: fenban\r\n"


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.20", False),
        ("fenban.example", False),
        ("localhost.example", False),
    ],
)
def test_where_the_service_may_listen(host: str, local: bool, tmp_path: Path) -> None:
    """Elsewhere than on this machine only with TLS, or behind a proxy that does it."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.touch()
    key.touch()
    for binding in (Binding(host, 8080, certificate, key), Binding(host, 8080, behind_proxy=True)):
        binding.check()
    if local:
        Binding(host, 8080).check()
    else:
        with pytest.raises(InvalidInputError, match=r"明文传输.*FENBAN_TLS_CERTIFICATE.*FENBAN_BEHIND_PROXY"):
            Binding(host, 8080).check()


def test_half_a_certificate_is_refused(tmp_path: Path) -> None:
    """As is one that is not there."""
    for certificate, key, message in (
        (tmp_path, None, "一起设置"),
        (None, tmp_path, "一起设置"),
        (tmp_path / "a", tmp_path / "b", "没有文件"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            Binding("127.0.0.1", 8080, certificate, key).check()


@pytest.mark.parametrize(
    ("binding", "address", "bind"),
    [
        (Binding("127.0.0.1", 80), "http://127.0.0.1:80/", "127.0.0.1:80"),
        (Binding("::1", 80, Path("c"), Path("k")), "https://[::1]:80/", "[::1]:80"),
    ],
)
def test_how_an_address_is_written(binding: Binding, address: str, bind: str) -> None:
    """For people and for gunicorn."""
    assert (binding.address, binding.gunicorn_options()["bind"]) == (address, bind)


gunicorn_only = pytest.mark.skipif(sys.platform == "win32", reason="waitress serves there")
Address = tuple[str, int]


@gunicorn_only
def test_clients_that_stop_in_the_middle_keep_nobody_out() -> None:
    """They hold every thread, but not for ever."""
    with serving(workers=1) as (address, _), ExitStack() as clients:
        for _ in range(4):
            clients.enter_context(socket.create_connection(address, timeout=30)).sendall(GET)
        assert answered(address)


@gunicorn_only
def test_workers_share_connections_that_come_at_once() -> None:
    """None takes two thirds of them, or only one core would work."""
    with serving(workers=2) as (address, pid):
        fewest = 0
        for _ in range(5):
            with ExitStack() as clients:
                burst = [clients.enter_context(socket.create_connection(address, timeout=30)) for _ in range(16)]
                for client in burst:
                    client.sendall(GET + b"\r\n")
                assert all(client.recv(100) for client in burst)
                fewest += min(map(sockets, children(pid)))
    assert fewest >= 5 * 6


@contextmanager
def serving(workers: int) -> Iterator[tuple[Address, int]]:
    """A server that answers, by its address and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address: Address = probe.getsockname()
    command = [sys.executable, "-c", SERVER, str(address[1]), str(workers)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as server:
        try:
            while not (answered(address) and len(children(server.pid)) == workers):
                assert server.poll() is None
                time.sleep(0.1)
            yield address, server.pid
        finally:
            server.terminate()


def answered(address: Address) -> bool:
    """Whether the server answers a whole request."""
    try:
        with socket.create_connection(address, timeout=30) as client:
            client.sendall(GET + b"\r\n")
            return client.recv(100).startswith(b"HTTP/1.1 200")
    except ConnectionRefusedError:
        return False


def children(pid: int) -> list[int]:
    """The processes it started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def sockets(pid: int) -> int:
    """How many sockets a process holds."""
    return sum(one.readlink().name.startswith("socket:") for one in Path(f"/proc/{pid}/fd").iterdir())
