"""Where the service may listen, and how it is told when it may not."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from casework.web.server import Binding
from classifier.errors import InvalidInputError
from settings import ROOT

SERVER = """
import sys
from casework.web import server
server._PATIENCE_S = 1
server.run("benchmarks.echo_app:create_app", server.Binding("127.0.0.1", int(sys.argv[1])), workers=1)
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


@pytest.mark.skipif(sys.platform == "win32", reason="waitress reads requests before a thread gets them")
def test_clients_that_stop_in_the_middle_keep_nobody_out() -> None:
    """However many there are: each is cut off after a while."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(address[1])], cwd=ROOT, stderr=subprocess.DEVNULL
    ) as server:
        try:
            while not answered(address):
                assert server.poll() is None
                time.sleep(0.1)
            stuck = [socket.create_connection(address, timeout=30) for _ in range(8)]
            for client in stuck:
                client.sendall(GET)
            assert answered(address)
            assert [client.recv(1) for client in stuck] == [b""] * 8
        finally:
            server.terminate()
    for client in stuck:
        client.close()


def answered(address: tuple[str, int]) -> bool:
    """Whether the server answers a whole request."""
    try:
        with socket.create_connection(address, timeout=30) as client:
            client.sendall(GET + b"\r\n")
            return client.recv(100).startswith(b"HTTP/1.1 200")
    except ConnectionRefusedError:
        return False
