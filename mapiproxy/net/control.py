"""The control channel: a UNIX socket that only its owner may use, a line of JSON each way.

Whoever can connect may do everything, so the file's mode is the whole of its security: 0600, and never
anything else, not even for a moment (it is made under a mask).
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from mapiproxy.net.line import Line

#: Bytes of an order at most.
LONGEST = 65536
#: Connections at the same time; an operator has few hands.
MOST = 32


class ControlInUse(OSError):
    """Another process answers on that socket."""


class ControlSocket:
    """The socket, and what is answered on it.

    :param answer: from an order to its reply, both JSON objects; may raise, which is a bug of ours.
    """

    def __init__(
        self, path: Path, answer: Callable[[dict[str, Any]], dict[str, Any]], reactor: Any, log: Logger
    ) -> None:
        self.path = path
        self.answer = answer
        self.log = log
        self.open: set[_Ear] = set()
        self._reactor = reactor
        self._port: IListeningPort | None = None

    def start(self) -> None:
        """Listen. A file that nobody listens on is what a dead process left, and goes.

        :raise ControlInUse: somebody does listen on it.
        :raise OSError: it cannot be made.
        """
        if self.path.exists():
            if _is_answered(self.path):
                raise ControlInUse(f"another process listens on {self.path}")
            self.path.unlink()
        mask = os.umask(0o177)
        try:
            self._port = self._reactor.listenUNIX(str(self.path), _Ears(self), mode=0o600, wantPID=False)
        finally:
            os.umask(mask)
        self.log.info("control: listening on {path}", path=self.path)

    def stop(self) -> Deferred[Any]:
        """Listen no more; the file goes."""
        port, self._port = self._port, None
        for ear in [*self.open]:
            ear.line.finish()
        if port is None:
            return maybeDeferred(lambda: None)
        return maybeDeferred(port.stopListening)


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as knock:
        knock.settimeout(1.0)
        try:
            knock.connect(str(path))
        except OSError:
            return False
        return True


class _Ears(Factory):
    noisy = False

    def __init__(self, control: ControlSocket) -> None:
        self._control = control

    def buildProtocol(self, addr: Any) -> _Ear | None:
        return _Ear(self._control) if len(self._control.open) < MOST else None


class _Ear(Protocol):
    """One connection; orders are answered in turn."""

    line: Line

    def __init__(self, control: ControlSocket) -> None:
        self._control = control
        self._came = b""

    def connectionMade(self) -> None:
        self.line = Line(self.transport, lambda full: None)
        self._control.open.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.line.lost()
        self._control.open.discard(self)

    def dataReceived(self, data: bytes) -> None:
        self._came += data
        while b"\n" in self._came:
            order, _, self._came = self._came.partition(b"\n")
            self.line.write(json.dumps(self._reply(order)).encode() + b"\n")
        if len(self._came) > LONGEST:
            self.line.write(json.dumps(_no("an order is one line of at most 64 KiB")).encode() + b"\n")
            self.line.finish()

    def _reply(self, order: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(order)
        except ValueError as error:
            return _no(f"that is no JSON: {error}")
        if not isinstance(asked, dict):
            return _no("an order is a JSON object")
        try:
            return self._control.answer(asked)
        except Exception:
            self._control.log.failure("bug in the control command {command!r}", command=asked.get("command"))
            return _no("that went wrong inside mapiproxy; its log says how")


def _no(error: str) -> dict[str, Any]:
    return {"ok": False, "error": error}
