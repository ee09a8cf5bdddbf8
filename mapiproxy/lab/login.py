"""How a client shows who it is: with each request (Basic), or once on a connection (NTLM, Negotiate).

Windows authentication is pyspnego's, bound to the certificate that this client sees on the connection
(Extended Protection). A handshake belongs to its connection (reference 8.1): it begins with a request
without a body, and after its end requests carry no Authorization. No secret is in any text here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary

import spnego
from attrs import define
from spnego.exceptions import SpnegoError

from mapiproxy.lab.asking import Request
from mapiproxy.lab.binding import bindings_for
from mapiproxy.lab.errors import AnswerLost, LoginBroken, NotSent
from mapiproxy.lab.line import ClientLine, Received
from mapiproxy.wire.heads import ResponseHead

#: A handshake that is not over after so many answers will not be.
_LEGS = 4

OnHead = Callable[[ResponseHead], None]


class Login(Protocol):
    """One person's credentials for one server.

    :ivar scheme: as it stands in Authorization.
    """

    scheme: str

    async def prove(self, line: ClientLine, request: Request) -> bytes | None:
        """The Authorization with which *request* is to go over *line*, or ``None`` for none.

        :raise LoginBroken: the handshake cannot go on. NotSent: the connection was lost in it.
        """

    def proceed(self, line: ClientLine, head: ResponseHead) -> bytes | None:
        """Told of each answer: the Authorization to ask once more with, or ``None`` to take it as it is."""


class BasicLogin:
    """The same value with each request. *value* is a secret."""

    scheme = "Basic"

    def __init__(self, value: bytes) -> None:
        self._value = value

    async def prove(self, line: ClientLine, request: Request) -> bytes | None:
        return self._value

    def proceed(self, line: ClientLine, head: ResponseHead) -> bytes | None:
        return None


@define
class _Shaken:
    """What one connection has come to."""

    context: spnego.ContextProxy | None
    legs: int = 0
    proven: bool = False


class WindowsLogin:
    """NTLM or Negotiate, by *scheme*.

    :param user: ``DOMAIN\\user`` or ``user@domain``; *host*: the name by which the server is asked.
    :param bound: send channel bindings where there is TLS; without them Extended Protection refuses.
    """

    def __init__(self, scheme: str, user: str, password: str, host: str, *, bound: bool = True) -> None:
        self.scheme = scheme
        self._user = user
        self._password = password
        self._host = host
        self._bound = bound
        self._lines: WeakKeyDictionary[ClientLine, _Shaken] = WeakKeyDictionary()

    async def prove(self, line: ClientLine, request: Request) -> bytes | None:
        known = self._lines.get(line)
        if known is not None and known.proven:
            return None
        known = self._lines[line] = _Shaken(self._begin(line))
        first = self._step(known, None)
        try:
            received = await line.ask(b"POST", request.blank(first))
        except AnswerLost as error:
            # Nothing of the request proper has left.
            raise NotSent(f"{error}, within the {self.scheme} handshake") from error
        if received.head.status != 401:
            # Nobody asked who it is; the request will show what that means.
            known.proven = True
            return None
        more = self.proceed(line, received.head)
        if more is None:
            raise LoginBroken(
                f"the {self.scheme} handshake was begun and not gone on with: the 401 brings no token"
            )
        if not line.idle:
            raise LoginBroken(
                f"the connection was closed within the {self.scheme} handshake, though that belongs to one"
            )
        return more

    def proceed(self, line: ClientLine, head: ResponseHead) -> bytes | None:
        known = self._lines[line]
        if head.status != 401:
            known.proven, known.context = True, None
            return None
        token = token_of(head, self.scheme)
        if known.proven or token is None or known.legs >= _LEGS:
            del self._lines[line]
            return None
        return self._step(known, token)

    def _begin(self, line: ClientLine) -> spnego.ContextProxy:
        certificate = line.certificate if self._bound else None
        try:
            return spnego.client(
                self._user,
                self._password,
                hostname=self._host,
                service="HTTP",
                protocol=self.scheme.lower(),
                channel_bindings=None if certificate is None else bindings_for(certificate),
                # Raw NTLM is pyspnego's own everywhere; Negotiate may be the system's, with Kerberos.
                options=spnego.NegotiateOptions.use_ntlm
                if self.scheme == "NTLM"
                else spnego.NegotiateOptions.none,
            )
        except (SpnegoError, ImportError, ValueError) as error:
            raise LoginBroken(f"{self.scheme} cannot be begun here: {type(error).__name__}") from error

    def _step(self, known: _Shaken, token: bytes | None) -> bytes:
        known.legs += 1
        assert known.context is not None, "a handshake that goes on has a context"
        try:
            made = known.context.step(token)
        except Exception as error:  # whatever a stranger's token does to the library
            raise LoginBroken(
                f"the server's {self.scheme} token was not understood ({type(error).__name__})"
            ) from error
        return self.scheme.encode("ascii") + b" " + base64.b64encode(made or b"")


async def ask_as(
    login: Login,
    line: ClientLine,
    request: Request,
    on_head: OnHead | None = None,
    on_word: Callable[[str], None] | None = None,
) -> Received:
    """The answer to *request*, with as much of a handshake as *line* still needs.

    :raise LabError: LoginBroken, and whatever :meth:`ClientLine.ask` fails with.
    """
    authorization = await login.prove(line, request)
    while True:
        received = await line.ask(b"POST", request.raw(authorization), on_head, on_word)
        authorization = login.proceed(line, received.head)
        if authorization is None or not line.idle:
            return received


def token_of(head: ResponseHead, scheme: str) -> bytes | None:
    """The token of a challenge of this scheme, if there is one."""
    for value in head.all(b"www-authenticate"):
        name, _, rest = value.strip().partition(b" ")
        if name.lower() == scheme.lower().encode("ascii") and rest.strip():
            try:
                return base64.b64decode(rest.strip(), validate=True)
            except binascii.Error:
                return None
    return None
