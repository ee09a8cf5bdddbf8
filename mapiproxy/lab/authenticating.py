"""NTLM and Negotiate in the lab, for real: what IIS does with a connection, with pyspnego's cryptography.

A handshake belongs to a TCP connection (protocol reference 8): the first token begins it, the challenge
goes back with a 401, the last token is checked, and from then on whatever comes over the connection is
that user's, without Authorization. A new first token starts over. Knows nothing of sockets.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import spnego
from attrs import define
from cryptography.x509 import load_pem_x509_certificate
from spnego.channel_bindings import GssChannelBindings

from mapiproxy.lab.binding import bindings_for
from mapiproxy.lab.users import BasicAuthenticator, Challenged, LabUser, Users

#: What a server may offer, in the spelling of its challenges.
SCHEMES = ("Negotiate", "NTLM", "Basic")
#: The key under which a connection's memory holds its handshake or its user.
_MEMORY = "windows"


def bindings_of(certificate: Path) -> GssChannelBindings:
    """The channel bindings of the first certificate of a PEM file."""
    return bindings_for(load_pem_x509_certificate(certificate.read_bytes()))


@define
class _Connection:
    """What is known of one connection."""

    context: spnego.ContextProxy | None = None
    user: LabUser | None = None


class WindowsAuthenticator:
    """Checks any of :data:`SCHEMES`.

    :param offers: the schemes that a 401 offers and that are accepted.
    :param bindings: Extended Protection: the bindings of this server's own certificate, which a client
        must have used; ``None``: it is off.
    """

    def __init__(
        self,
        users: Users,
        offers: Sequence[str] = SCHEMES,
        realm: str = "lab",
        bindings: GssChannelBindings | None = None,
    ) -> None:
        self._users = users
        self._offers = tuple(each.lower() for each in offers)
        self._bindings = bindings
        self._basic = BasicAuthenticator(users, realm)
        lines = {"negotiate": b"Negotiate", "ntlm": b"NTLM", "basic": b'Basic realm="%b"' % realm.encode()}
        self._none = Challenged(tuple(lines[each] for each in self._offers))
        # pyspnego wants the passwords in a file that an environment variable names.
        self._folder = TemporaryDirectory(prefix="lab-users-")
        self._store = Path(self._folder.name) / "users"
        self._store.touch(0o600)
        self._store.write_text("".join(map(_lines, users)))

    def check(self, authorization: bytes | None, memory: dict[str, object]) -> LabUser | Challenged:
        """Whose request it is, or the 401 that it gets."""
        known = memory.setdefault(_MEMORY, _Connection())
        assert isinstance(known, _Connection)
        if authorization is None:
            return known.user or self._none
        scheme, _, token = authorization.partition(b" ")
        name = scheme.decode("latin-1").lower()
        if name not in self._offers:
            return self._none
        if name == "basic":
            found = self._basic.check(authorization, memory)
            return found if isinstance(found, LabUser) else self._none
        try:
            given = base64.b64decode(token.strip(), validate=True)
        except binascii.Error:
            given = b""
        return self._step(known, scheme, name, given)

    def _step(self, known: _Connection, scheme: bytes, name: str, token: bytes) -> LabUser | Challenged:
        # A first message on a connection that has been authenticated makes it nobody's again.
        known.user = None
        if known.context is None or _is_first(token):
            if not token:
                return self._none
            known.context = self._accept(name, token)
        context = known.context
        try:
            with self._passwords():
                answer = context.step(token)
        except Exception:  # whatever a stranger's token does to the library, it is not let in
            known.context = None
            return self._none
        if not context.complete:
            return Challenged((scheme + b" " + base64.b64encode(answer or b""),))
        known.context = None
        known.user = self._find(context.client_principal or "")
        return known.user or self._none

    def _accept(self, name: str, token: bytes) -> spnego.ContextProxy:
        # Negotiate may carry NTLM as it is or wrapped in SPNEGO; IIS takes either.
        bare = name == "ntlm" or token.startswith(b"NTLMSSP\0")
        with self._passwords():
            return spnego.server(
                protocol=name,
                channel_bindings=self._bindings,
                options=spnego.NegotiateOptions.use_ntlm if bare else spnego.NegotiateOptions.use_negotiate,
            )

    @contextmanager
    def _passwords(self) -> Iterator[None]:
        """The file that pyspnego looks into, named for as long as it looks."""
        before = os.environ.get("NTLM_USER_FILE")
        os.environ["NTLM_USER_FILE"] = str(self._store)
        try:
            yield
        finally:
            if before is None:
                del os.environ["NTLM_USER_FILE"]
            else:
                os.environ["NTLM_USER_FILE"] = before

    def _find(self, principal: str) -> LabUser | None:
        """``alice@example.test`` and ``DOMAIN\\alice`` are the same person."""
        name = principal.rpartition("\\")[2].lower()
        for user in self._users:
            if name in (user.login.lower(), user.login.lower().partition("@")[0]):
                return user
        return None


def is_by_connection(memory: dict[str, object]) -> bool:
    """Whether the connection itself is authenticated: what ``Persistent-Auth: true`` tells."""
    known = memory.get(_MEMORY)
    return isinstance(known, _Connection) and known.user is not None


def lines_of(login: str | None, memory: dict[str, object]) -> bytes:
    """What an answer says of who is believed to have asked, to stand behind its status line; or nothing."""
    lines = b"\r\n"
    if login is not None:
        lines += b"X-Lab-User: %b\r\n" % login.encode("ascii", "replace")
        lines += b"X-Lab-Connection: %b\r\n" % str(memory.get("connection")).encode("ascii")
    if is_by_connection(memory):
        lines += b"Persistent-Auth: true\r\n"
    return lines if len(lines) > 2 else b""


def _is_first(token: bytes) -> bool:
    at = token.find(b"NTLMSSP\0")
    return token[at + 8 : at + 12] == b"\1\0\0\0" if at >= 0 else False


def _lines(user: LabUser) -> str:
    """One person under each of the names that clients use."""
    short, _, domain = user.login.partition("@")
    names = [f":{user.login}", f":{short}", f"LAB:{short}", f"{domain}:{short}"]
    return "".join(f"{name}:{user.password}\n" for name in names)
