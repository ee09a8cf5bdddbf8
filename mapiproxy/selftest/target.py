"""What is to be tested, and as whom: a URL and a person, read from what an operator wrote.

Opens nothing. Passwords are in no repr.
"""

from __future__ import annotations

import base64
import re
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from attrs import field, frozen

from mapiproxy.backends.kind import Kind

#: The schemes that can be asked for; "auto" is the strongest that the server offers.
SCHEMES = ("auto", "basic", "ntlm", "negotiate")

_PATH = re.compile(r"(?:/mapi(?:/(?:emsmdb|nspi)?/?)?|/)?\Z", re.IGNORECASE)
_MAILBOX_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}@[^@\s&]+\Z", re.IGNORECASE)
_NAME = re.compile(r"(?=.{1,253}\Z)(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?\Z")
_HEX = re.compile(r"[0-9A-Fa-f:.]+\Z")


class BadTarget(ValueError):
    """What was asked for cannot be tried; says what is wrong with it."""


class Probe(Enum):
    """The probes of Test-OutlookConnectivity, by their identities (exchange reference 5.4)."""

    SELF_TEST = r"OutlookMapiHttp.Protocol\OutlookMapiHttpSelfTestProbe"
    DEEP_TEST = r"OutlookMapiHttp.Protocol\OutlookMapiHttpDeepTestProbe"
    CTP = "OutlookMapiHttpCtpProbe"

    @property
    def short(self) -> str:
        """The identity without its health set."""
        return self.value.rpartition("\\")[2]


@frozen
class Target:
    """An endpoint.

    :ivar host: the name that is tested: of TLS and of the Host header.
    :ivar reach: where to connect in its place, if not there.
    :ivar mailbox_id: from the URL's query.
    """

    host: str
    port: int
    tls: bool
    reach: tuple[str, int] | None = None
    mailbox_id: str | None = None

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}/mapi/"


@frozen
class Account:
    """Whose mailbox is opened, as :class:`mapiproxy.lab.users.Person`."""

    login: str
    password: str = field(repr=False)
    mailbox_id: str = ""
    dn: str = ""

    @property
    def basic(self) -> bytes:
        """The value of Authorization for Basic. A secret."""
        return b"Basic " + base64.b64encode(f"{self.login}:{self.password}".encode())


@frozen
class Plan:
    """One probe of one target.

    :ivar user: nobody for the self-test; *mailbox*: a MailboxId or an address, *dn* a legacy DN, where
        they are known.
    :ivar kind: of server, where it is known.
    :ivar timeout: seconds for each stage but the wait; *wait*: seconds to watch a NotificationWait, or
        ``None`` for until its first PENDING.
    """

    probe: Probe
    target: Target
    user: str | None = None
    password: str = field(default="", repr=False)
    auth: str = "auto"
    mailbox: str | None = None
    dn: str | None = None
    kind: Kind | None = None
    ca_file: Path | None = None
    insecure: bool = False
    timeout: float = 30.0
    wait: float | None = None
    name: str = ""

    @property
    def identity(self) -> str:
        """MonitorIdentity; a listener's name stands where Exchange has a database's."""
        return self.probe.value + (f"\\{self.name}" if self.name else "")


def read_probe(text: str) -> Probe:
    """A probe by its identity, with or without the health set, in any case. :raise BadTarget:"""
    name = text.rpartition("\\")[2].lower()
    for probe in Probe:
        if name == probe.short.lower():
            return probe
    known = ", ".join(probe.short for probe in Probe)
    raise BadTarget(f"there is no probe {text!r}: {known}")


def read_target(text: str, reach: str | None = None) -> Target:
    """A URL, or a bare name for ``https://NAME/mapi/``. :raise BadTarget:"""
    url = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadTarget(f"{text!r} is no URL: {error}") from None
    if parts.scheme not in ("https", "http"):
        raise BadTarget(f"{text!r}: the scheme is {parts.scheme}, not https or http")
    if parts.username is not None or parts.password is not None:
        raise BadTarget("the URL has a user in it: use --user, and never a password in an argument")
    if not _PATH.match(parts.path):
        raise BadTarget(f"{text!r}: the path is {parts.path}, and MAPI over HTTP is always at /mapi/")
    ascii_host = _host(host, text)
    tls = parts.scheme == "https"
    query = {name.lower(): value for name, value in parse_qsl(parts.query)}
    mailbox_id = query.get("mailboxid")
    if mailbox_id and not is_mailbox_id(mailbox_id):
        raise BadTarget(f"{text!r}: MailboxId is not GUID@DOMAIN")
    port = (443 if tls else 80) if port is None else port
    return Target(
        ascii_host,
        port,
        tls,
        None if reach is None else _read_reach(reach, port),
        mailbox_id or None,
    )


def check_names(mailbox: str | None, dn: str | None) -> None:
    """Whether a mailbox and a DN can be what they are said to be. :raise BadTarget:"""
    if mailbox and ("@" not in mailbox or not mailbox.isprintable() or " " in mailbox):
        raise BadTarget(f"{mailbox!r} is neither a MailboxId (GUID@DOMAIN) nor an address")
    if dn and not is_dn(dn):
        raise BadTarget(f"{dn!r} is no legacy DN: they look like /o=ORG/ou=.../cn=Recipients/cn=NAME")


def is_dn(text: str) -> bool:
    """A legacy DN, which is Latin-1 on the wire (MS-OXCMAPIHTTP 2.2.4.1.1)."""
    return text.startswith("/") and text.isprintable() and all(each <= "\xff" for each in text)


def is_mailbox_id(text: str) -> bool:
    """``GUID@DOMAIN``."""
    return _MAILBOX_ID.match(text) is not None


def _read_reach(text: str, usual: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError as error:
        raise BadTarget(f"{text!r} is no HOST:PORT: {error}") from None
    if parts.path or parts.query or parts.username is not None:
        raise BadTarget(f"{text!r} is no HOST:PORT")
    return _host(parts.hostname or "", text), usual if port is None else port


def _host(host: str, text: str) -> str:
    if ":" in host and _HEX.match(host):
        return host
    try:
        found = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        found = ""
    if not _NAME.match(found):
        raise BadTarget(f"{text!r} names no host")
    return found.rstrip(".")
