"""What Authorization and WWW-Authenticate say, as far as a proxy has to know (protocol reference 8).

Schemes, and which step of a handshake a message is; of the credentials themselves nothing but a user's
name leaves this file. NTLM and Negotiate authenticate a connection and not a request, so it matters at
which step a connection is.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from enum import Enum

from attrs import frozen

#: Schemes that authenticate the connection, in lower case. Kerberos alone could be per request, but what
#: Negotiate has chosen cannot be relied upon.
CONNECTION_BOUND = frozenset(("ntlm", "negotiate", "kerberos"))

_KNOWN = frozenset((b"basic", b"bearer", b"digest", b"kerberos", b"negotiate", b"ntlm"))
_NTLM = b"NTLMSSP\0"


class Step(Enum):
    """What the credentials of a request are."""

    NONE = "none"
    EMPTY = "a scheme without a token: a question which schemes there are"
    BEGIN = "the first message of a handshake"
    FINAL = "credentials that the server will check"


@frozen
class Credentials:
    """Of a request.

    :ivar scheme: in lower case, ``other`` for one that is not known; ``None`` when there are none.
    :ivar user: as the client names it (``DOMAIN\\user`` of NTLM), not verified by anybody.
    """

    scheme: str | None = None
    step: Step = Step.NONE
    user: str | None = None

    @property
    def bound(self) -> bool:
        """Whether they authenticate the connection."""
        return self.scheme in CONNECTION_BOUND


NO_CREDENTIALS = Credentials()


@frozen
class Challenge:
    """Of an answer.

    :ivar schemes: that are offered, in lower case.
    :ivar token: it continues a handshake: a token of NTLM or Negotiate is in it.
    :ivar persistent: the server says that the connection is authenticated.
    """

    schemes: frozenset[str] = frozenset()
    token: bool = False
    persistent: bool = False


NO_CHALLENGE = Challenge()


def read_credentials(authorization: bytes) -> Credentials:
    """What an Authorization header is; never fails, whatever it holds."""
    name, _, token = authorization.strip().partition(b" ")
    # What is no scheme could be a secret that was sent without one.
    scheme = name.lower().decode("ascii") if name.lower() in _KNOWN else "other"
    token = token.strip()
    if not token:
        return Credentials(scheme, Step.EMPTY)
    if scheme == "basic":
        return Credentials(scheme, Step.FINAL, _basic_user(token))
    if scheme not in CONNECTION_BOUND:
        return Credentials(scheme, Step.FINAL)
    try:
        message = b64decode(token, validate=True)
    except ValueError:
        return Credentials(scheme, Step.FINAL)
    at = message.find(_NTLM)
    if at < 0:
        # A Kerberos ticket, which is checked at once.
        return Credentials(scheme, Step.FINAL)
    kind = message[at + 8 : at + 12]
    if kind == b"\1\0\0\0":
        return Credentials(scheme, Step.BEGIN)
    return Credentials(scheme, Step.FINAL, _ntlm_user(message[at:]))


def read_challenge(values: Iterable[bytes], persistent: bytes | None) -> Challenge:
    """What the WWW-Authenticate lines of an answer offer."""
    schemes = set()
    token = False
    for value in values:
        for name, rest in _challenges(value):
            schemes.add(name)
            token = token or (name in CONNECTION_BOUND and bool(rest))
    said = persistent is not None and persistent.strip().lower() == b"true"
    return Challenge(frozenset(schemes), token, said)


def offered(values: Iterable[bytes], schemes: frozenset[str]) -> list[bytes]:
    """The values of WWW-Authenticate lines without the challenges of other schemes than these."""
    lines = []
    for value in values:
        kept: list[bytes] = []
        keeping = False
        for part in _split(value):
            name = part.strip().partition(b" ")[0]
            if b"=" not in name:
                keeping = name.lower().decode("latin-1") in schemes
            if keeping:
                kept.append(part.strip())
        if kept:
            lines.append(b", ".join(kept))
    return lines


def _challenges(value: bytes) -> Iterable[tuple[str, bytes]]:
    """The challenges in one line: (scheme in lower case, what follows it up to the next comma)."""
    for part in _split(value):
        name, _, rest = part.strip().partition(b" ")
        # ``realm="x"`` after a comma is a parameter and no scheme.
        if name and b"=" not in name:
            yield name.lower().decode("latin-1"), rest.strip()


def _split(value: bytes) -> Iterable[bytes]:
    """At commas that are not within quotes."""
    if b'"' not in value:
        return value.split(b",")
    parts, begin, quoted = [], 0, False
    for at, char in enumerate(value):
        if char == 0x22:
            quoted = not quoted
        elif char == 0x2C and not quoted:
            parts.append(value[begin:at])
            begin = at + 1
    return [*parts, value[begin:]]


def _basic_user(token: bytes) -> str | None:
    try:
        name, colon, _ = b64decode(token, validate=True).partition(b":")
    except ValueError:
        return None
    return name.decode("utf-8", "replace") if colon else None


def _ntlm_user(message: bytes) -> str | None:
    """``DOMAIN\\user`` of a type 3 message (MS-NLMP 2.2.1.3); ``None`` when it is none, or is cut off."""
    if message[8:12] != b"\3\0\0\0" or len(message) < 64:
        return None
    wide = bool(message[60] & 1)
    domain, user = (_text(message, at, wide) for at in (28, 36))
    if not user:
        return None
    return f"{domain}\\{user}" if domain else user


def _text(message: bytes, at: int, wide: bool) -> str:
    length = int.from_bytes(message[at : at + 2], "little")
    start = int.from_bytes(message[at + 4 : at + 8], "little")
    raw = message[start : start + length] if start + length <= len(message) else b""
    return raw.decode("utf-16-le" if wide else "latin-1", "replace")
