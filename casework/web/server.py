"""Runs the web service, gunicorn on Linux and waitress on Windows, where it is safe to."""

from __future__ import annotations

import gc
import importlib
import ipaddress
import socket
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.errors import InvalidInputError

_THREADS = 2
_PATIENCE_S = 10
"""How long a client may send nothing, or take nothing, in the middle of a request."""

_WAIT_PER_CONNECTION_S, _LONGEST_WAIT_S = 0.0002, 0.002


@dataclass(frozen=True)
class Binding:
    """Where the service listens, and what keeps passwords from being read on the way.

    Attributes
    ----------
    host, port
        The address.
    certificate, key : Path or None
        For TLS.
    behind_proxy : bool
        A proxy in front of it does TLS.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def address(self) -> str:
        """What to type into a browser."""
        return f"{'https' if self.certificate else 'http'}://{self._socket}/"

    @property
    def _socket(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def check(self) -> None:
        """Refuse an address where passwords would travel in the open.

        Raises
        ------
        InvalidInputError
        """
        if (self.certificate is None) != (self.key is None):
            raise InvalidInputError("FENBAN_TLS_CERTIFICATE 和 FENBAN_TLS_KEY 要一起设置。")
        for path in filter(None, (self.certificate, self.key)):
            if not path.is_file():
                raise InvalidInputError(f"没有文件 {path}，请检查 FENBAN_TLS_CERTIFICATE 和 FENBAN_TLS_KEY。")
        if self.certificate and sys.platform == "win32":
            raise InvalidInputError("Windows 上请由反向代理加密，并设置 FENBAN_BEHIND_PROXY=1。")
        if not (self.local or self.certificate or self.behind_proxy):
            raise InvalidInputError(
                f"不能监听 {self.host or '所有地址'}：没有加密，密码和诉求会在网络上明文传输。"
                "请设置 FENBAN_TLS_CERTIFICATE 和 FENBAN_TLS_KEY；若前面有加密的反向代理，请设置 FENBAN_BEHIND_PROXY=1。"
            )

    def gunicorn_options(self) -> dict[str, Any]:
        """The same for gunicorn."""
        files = {"certfile": str(self.certificate), "keyfile": str(self.key)} if self.certificate else {}
        return {"bind": self._socket, **files}


def run(application: str, binding: Binding, workers: int) -> None:
    """Serve until stopped.

    Parameters
    ----------
    application : str
        "module:factory". Made once, before the workers fork, so they share the model's memory.
    binding : Binding
        Checked before.
    workers : int
    """
    module, _, factory = application.partition(":")
    app = getattr(importlib.import_module(module), factory)()
    # What was made until here stays: looking for garbage in it again and again delays answers and copies shared memory.
    gc.freeze()
    gc.enable()
    if sys.platform == "win32":
        from waitress import serve

        serve(app, host=binding.host, port=binding.port, threads=workers)
        return
    _run_gunicorn(app, {**binding.gunicorn_options(), "workers": workers})


def _run_gunicorn(app: Any, options: dict[str, Any]) -> None:
    from gunicorn.app.base import BaseApplication
    from gunicorn.workers.gthread import ThreadWorker

    # Threads, so that an import of minutes neither blocks a worker nor counts as its death.
    class Worker(ThreadWorker):  # type: ignore[misc]
        def accept(self, listener: Any) -> None:
            # Whoever has more connections waits longer, and the other worker takes this one; or the one that
            # happens to run takes all that come at once, and the other core is idle.
            time.sleep(min(self.nr_conns * _WAIT_PER_CONNECTION_S, _LONGEST_WAIT_S))
            super().accept(listener)

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            ours = {"worker_class": Worker, "threads": _THREADS, "when_ready": _limit_patience}
            for name, value in (options | ours | {"control_socket_disable": True}).items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return app

    Server().run()


def _limit_patience(server: Any) -> None:
    # gunicorn's threads wait for the rest of a request without end. Sockets inherit what their listener has.
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", _PATIENCE_S, 0))
