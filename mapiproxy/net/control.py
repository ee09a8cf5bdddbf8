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
from twisted.internet.interfaces import IHalfCloseableProtocol, IListeningPort
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

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
        """Listen. A socket that nobody listens on is what a dead process left, and goes; nothing else does.

        :raise ControlInUse: somebody listens on it, even if too busy to answer.
        :raise OSError: what is there is no socket, or may not be looked at.
        :raise CannotListenError: it cannot be made.
        """
        if self.path.exists():
            if not self.path.is_socket():
                raise FileExistsError(f"{self.path} exists and is no socket")
            if not _is_dead(self.path):
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


def _is_dead(path: Path) -> bool:
    """Whether nobody listens there. A process that hangs, with its queue full, does listen.

    :raise OSError: that cannot be known, as with another user's socket.
    """
    with socket.socket(socket.AF_UNIX) as knock:
        knock.setblocking(False)
        try:
            knock.connect(str(path))
        except ConnectionRefusedError:
            return True
        except BlockingIOError:
            return False
        return False


class _Ears(Factory):
    noisy = False

    def __init__(self, control: ControlSocket) -> None:
        self._control = control

    def buildProtocol(self, addr: Any) -> _Ear | None:
        return _Ear(self._control) if len(self._control.open) < MOST else None


@implementer(IHalfCloseableProtocol)
class _Ear(Protocol):
    """One connection; orders are answered in turn, as fast as the answers are read."""

    line: Line

    def __init__(self, control: ControlSocket) -> None:
        self._control = control
        self._came = b""

    def connectionMade(self) -> None:
        self.line = Line(self.transport, self._pressed)
        self._control.open.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.line.lost()
        self._control.open.discard(self)

    def dataReceived(self, data: bytes) -> None:
        self._came += data
        self._answer()

    def readConnectionLost(self) -> None:
        """``socat`` and the like say that they have nothing more to ask, and wait for the answer."""
        self.line.finish()

    def writeConnectionLost(self) -> None:
        """Only what we end ourselves ends this way."""

    def _pressed(self, full: bool) -> None:
        if full:
            self.line.hold("unread answers")
        else:
            self.line.release("unread answers")
            self._answer()

    def _answer(self) -> None:
        while not self.line.full and not self.line.ended:
            order, end, rest = self._came.partition(b"\n")
            if len(order) > LONGEST:
                self._say(_no("an order is one line of at most 64 KiB"))
                self.line.finish()
            elif end:
                self._came = rest
                self._say(self._reply(order))
            else:
                return

    def _say(self, reply: dict[str, Any]) -> None:
        self.line.write(json.dumps(reply).encode() + b"\n")

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
