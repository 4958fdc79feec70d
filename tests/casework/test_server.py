"""Where the service may listen, and how it is told when it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from casework.web.server import Binding
from classifier.errors import InvalidInputError


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
