"""The first entries of a ledger: what a request's head says that the log will want."""

from __future__ import annotations

from mapiproxy.mapi.backendcookie import NAME, read_backend_cookie
from mapiproxy.mapi.credentials import read_credentials
from mapiproxy.mapi.reading import read_target
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.redaction import SCHEMES
from mapiproxy.wire.heads import RequestHead


def open_ledger(
    request_id: str, now: float, wall: float, head: RequestHead | None, ip: str, port: int
) -> Ledger:
    """A ledger for a request that has just come.

    :param head: ``None`` when what came could not be read as a request.
    :param wall: UTC seconds since 1970 at *now*.
    """
    ledger = Ledger(
        request_id=request_id, wall=wall, head_at=now, client_ip=ip, client_port=port
    )
    if head is None:
        return ledger
    first = head.first
    target = read_target(head.target)
    ledger.method = head.method.decode("latin-1")
    ledger.path = target.path
    ledger.query = target.query
    ledger.mailbox = target.mailbox
    host = first.get(b"host")
    if host is not None:
        ledger.host = _without_port(host.decode("latin-1"))
    ledger.request_type = _text(first.get(b"x-requesttype"))
    ledger.mapi_request_id = _text(first.get(b"x-requestid"))
    ledger.client_info = _text(first.get(b"x-clientinfo"))
    ledger.client_request_id = _text(first.get(b"client-request-id"))
    ledger.client_application = _text(first.get(b"x-clientapplication"))
    ledger.user_agent = _text(first.get(b"user-agent"))
    if b"x-anchormailbox" in first:
        ledger.anchor = _text(first[b"x-anchormailbox"])
    cookie = first.get(b"cookie")
    if cookie is not None:
        if head.keys.count(b"cookie") > 1:
            cookie = b"; ".join(head.all(b"cookie"))
        if NAME in cookie:
            ledger.route = read_backend_cookie(cookie, ledger.mailbox)
        ledger.by_form = b"cadata=" in cookie
    authorization = first.get(b"authorization")
    if authorization is not None:
        ledger.auth_scheme = _scheme(authorization)
        ledger.credentials = read_credentials(authorization)
        ledger.user = ledger.credentials.user
    return ledger


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _scheme(authorization: bytes) -> str:
    """The scheme as spelt if it is one that we know, else ``Other``."""
    scheme = authorization.partition(b" ")[0]
    return scheme.decode("ascii") if scheme.lower() in SCHEMES else "Other"


def _without_port(host: str) -> str:
    """``[::1]:443`` and ``mail.example.com:443`` without the port; nor what somebody put before an ``@``."""
    host = host.rpartition("@")[2]
    if host.startswith("["):
        return host.partition("]")[0][1:]
    return host.partition(":")[0]
