"""What the log says of who asked and where it went, per protocol: the columns that repeat from line to line.
(UrlStem and UrlQuery are not among them: of OWA and EWS they are many.)

Each protocol of Exchange's front end finds a mailbox by something else, and says so in AnchorMailbox and
RoutingHint (reference exchange-httpproxy 1.4, 1.5): MAPI/HTTP and Outlook Anywhere by the mailbox in the URL,
PowerShell by the version in it, all others by the user. A security identifier (``Sid~``) is not known to a
proxy, and stays empty. Where nothing was routed all of it is empty.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

from attrs import define

from mapiproxy.record.cleaning import LIMIT, clean, clean_item, clean_long, sweep
from mapiproxy.record.ledger import Ledger

_SCHEMES = {
    "basic": "Basic", "bearer": "Bearer", "digest": "Digest", "kerberos": "Kerberos",
    "negotiate": "Negotiate", "ntlm": "NTLM",
}  # fmt: skip
#: Those whose users are of a directory of Windows.
_WINDOWS = frozenset(("Basic", "Digest", "FBA", "Kerberos", "Negotiate", "NTLM"))
#: Where a form in a page takes the place of HTTP's own authentication.
_FORMS = frozenset(("Owa", "Ecp"))
_VERSION = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{1,5})", re.ASCII)
_POWERSHELL = re.compile(r"[?&;]sessionID=Version_([0-9.]{1,9})_\(Build_([0-9.]{1,9})\)", re.ASCII)
#: Parameters of a URL whose values let somebody in, as a pattern for any case.
_SECRET_NAMES = (
    r"[a-z0-9_.-]*(?:canary|token|secret|assertion|credentials?|jwt|passw[a-z]*|pwd|passphrase|signature|"
    r"saml[a-z]*|(?:api|access|auth|private|subscription)[_-]?key)|code|sig|wresult"
)
#: Values of a query that let somebody in. Exchange writes them; this log does not.
_SECRET = re.compile(rf"([?&;](?:{_SECRET_NAMES})=)[^&;]+", re.IGNORECASE | re.ASCII)


@define
class Routed:
    """Cleaned texts.

    :ivar site: the columns Protocol and UrlHost, each after its comma.
    :ivar who: ProtocolAction to ClientIpAddress, likewise.
    :ivar way: Method to ServerLocatorLatency, likewise.
    :ivar tail: EdgeTraceId to RoutingStatus, each after its comma.
    :ivar front: FEAuth of GenericInfo, ``fresh`` its NewConnection, ``own`` our first keys.
    """

    site: str
    who: str
    way: str
    tail: str
    front: str
    fresh: str
    own: str


def tell_routed(ledger: Ledger, proxied: bool, authenticated: bool, version: str | None) -> Routed:
    """All of it.

    :param version: X-ServerApplication of the backend, as far as it is known.
    """
    scheme = scheme_of(ledger)
    anchor, hint, organization = _anchor(ledger, scheme)
    target_version, front = _versions(version[:64]) if version else ("", "")
    host = clean_item(ledger.backend_host)
    route = ledger.route
    who = (
        ","  # ProtocolAction: PowerShell's is in the body, nobody else has one
        f",{scheme}"  # AuthenticationType
        f",{'true' if authenticated else 'false'}"  # IsAuthenticated
        f",{clean(ledger.user) if authenticated else ''}"  # AuthenticatedUser: DOMAIN\sam
        f",{organization}"  # Organization
        f",{anchor if proxied else ''}"  # AnchorMailbox
        f",{clean_long(ledger.user_agent)}"  # UserAgent
        f",{clean(ledger.client_ip)}"  # ClientIpAddress
    )
    way = (
        f",{clean(ledger.method)}"  # Method
        f",{'Proxy' if proxied else ''}"  # ProxyAction
        f",{clean(ledger.backend_host) if proxied else ''}"  # TargetServer
        f",{target_version if proxied else ''}"  # TargetServerVersion
        f",{'IntraForest' if proxied else ''}"  # RoutingType
        f",{hint if proxied else ''}"  # RoutingHint
        f",{clean(route) if proxied else ''}"  # BackEndCookie: what the client brought, decoded
        ",,"  # ServerLocatorHost, ServerLocatorLatency: we ask no Active Manager
    )
    database = ""
    if proxied and route is not None and route.startswith("Database~"):
        database = "|RoutingDB:" + clean(route.split("~")[1])
    own = f"MapiSession={clean_item(ledger.session)};" if ledger.session else ""
    for key, value in (
        ("RoutedBy", ledger.routed_by),
        ("Backend", ledger.backend),
        ("ClientApplication", ledger.client_application),
    ):
        if value:
            own += f"{key}={clean_item(value[:LIMIT])};"
    return Routed(
        f",{clean(ledger.protocol)},{clean(ledger.host)}",
        who,
        way,
        f",,{database},,,{'CafeV1' if proxied else ''}",
        front,
        f"NewConnection={host}&0;",
        own,
    )


def scheme_of(ledger: Ledger) -> str:
    """AuthenticationType: schemes know no case (RFC 9110 11.1), readers of the log do."""
    scheme = ledger.auth_scheme
    if not scheme:
        # Whoever is not logged on there is sent to the form, and the log says so before it was filled in.
        return "FBA" if ledger.protocol in _FORMS else ""
    return _SCHEMES.get(scheme.lower()) or clean(scheme)


def is_authenticated(ledger: Ledger) -> bool:
    """Whether the backend has taken the credentials: nobody has looked at them before it has answered."""
    status = ledger.backend_status
    if status is None or status == 401:
        return False
    if ledger.auth_scheme is not None:
        return True
    # By the cookie of the form; 440 and a redirect say that it has expired.
    return ledger.by_form and status not in (302, 440) and ledger.protocol in _FORMS


def tell_query(query: str) -> str:
    """UrlQuery, without the values that would let their finder in."""
    return _tell_query(query[:4096]) if query else ""


@lru_cache(maxsize=2048)
def _tell_query(query: str) -> str:
    return sweep(_SECRET.sub(r"\1<removed>", query) if "=" in query else query)


def _anchor(ledger: Ledger, scheme: str) -> tuple[str, str, str]:
    """AnchorMailbox, RoutingHint and Organization."""
    if ledger.mailbox:
        anchor, organization = _mailbox(ledger.mailbox[:320])
        return anchor, "MailboxGuidWithDomain", organization
    cookie = "-ServerCookie" if ledger.route is not None and ledger.route.startswith("Server~") else ""
    if ledger.protocol == "PowerShell":
        found = _POWERSHELL.search(ledger.query[:LIMIT])
        if found is not None:
            version = f"ServerVersion~Version {found[1]} (Build {found[2]})"
            return version, f"ExchClientVer{cookie}", ""
    if ledger.anchor and "@" in ledger.anchor and ledger.protocol != "Mapi":
        return f"Smtp~{clean_item(ledger.anchor[:320])}", "", ""
    return "", f"WindowsIdentity{cookie}" if scheme in _WINDOWS else "", ""


@lru_cache(maxsize=2048)
def _mailbox(mailbox: str) -> tuple[str, str]:
    """AnchorMailbox and Organization of a MailboxId: ``guid@domain``, perhaps with the ``@`` encoded."""
    guid, _, domain = unquote(mailbox).partition("@")
    return f"MailboxGuid~{clean_item(guid.lower())}", clean(domain)


@lru_cache(maxsize=64)
def _versions(text: str) -> tuple[str, str]:
    """TargetServerVersion and FEAuth (1.5) of an X-ServerApplication; empty if it tells no version."""
    match = _VERSION.search(text)
    if match is None:
        return "", ""
    major, minor, build = map(int, match.groups())
    number = 7 << 28 | major << 22 | minor << 16 | 0x8000 | build
    return f"{major:02d}.{minor:02d}.{build:04d}.000", f"FEAuth=BEVersion-{number};"
