"""What is known about one exchange, filled as it happens and closed when it is over.

There is no place in it for a cookie's or an Authorization's value, so no log, metric or page that is
made from a ledger can show one.
"""

from __future__ import annotations

from attrs import define

from mapiproxy.mapi.credentials import NO_CREDENTIALS, Credentials
from mapiproxy.record.ending import Ending


@define(eq=False)
class Miss:
    """A backend that was chosen and did not serve the request.

    :ivar reached: whether there was a connection, which then was lost; else it could not be dialled.
    :ivar then: the backend that was chosen next; ``None`` when there was none.
    """

    backend: str
    reached: bool
    then: str | None = None


@define(eq=False, kw_only=True)
class Ledger:
    """The facts of one exchange.

    Times are seconds on the proxy's clock, which does not jump; ``wall`` is the UTC time (seconds since
    1970) that belongs to ``head_at``, so that every other moment can be told as a date.

    :ivar request_id: lower-case dashed GUID that we gave the request.
    :ivar head_at: the request's head was complete.
    :ivar routed_at: a backend was chosen.
    :ivar dial_at: dialling began; ``None`` on a connection used before.
    :ivar connected_at: the backend's connection was ready.
    :ivar request_started_at: the first byte was given to the backend.
    :ivar request_ended_at: the last byte was.
    :ivar answer_at: the head of the backend's final answer was complete.
    :ivar answer_ended_at: its last byte was here.
    :ivar ended_at: nothing was left to do.
    :ivar protocol: log folder, in Exchange's words.
    :ivar pool: the group of backends that it is for; ``None`` when nothing could be read.
    :ivar host: Host without a port; ``path`` as sent; ``query`` with its ``?`` or empty.
    :ivar mapi_request_id: X-RequestId as received, as are the other headers here.
    :ivar mailbox: the value of MailboxId, or the mailbox that Outlook Anywhere names in its URL.
    :ivar anchor: X-AnchorMailbox as received.
    :ivar route: decoded text of X-BackEndCookie (mapi/backendcookie.py), which is routing and no secret.
    :ivar by_form: the client brought what a form of OWA or ECP has given it; not what that is.
    :ivar credentials: what its Authorization is: scheme and step, nothing secret.
    :ivar user: name in its credentials or in those of its connection, not verified by us.
    :ivar status: what the client got; ``backend_status`` what the backend gave.
    :ivar backend: configured name; ``backend_host`` its address.
    :ivar backend_version: X-ServerApplication, e.g. ``Exchange/15.02.2562.045``.
    :ivar request_bytes: body bytes on the wire, chunk framing included; ``response_bytes`` likewise.
    :ivar response_code: X-ResponseCode of the head; ``late_response_code`` the one after DONE.
    :ivar pulses: how many PENDING came.
    :ivar elapsed_ms: X-ElapsedTime in milliseconds.
    :ivar session: short digest of the session cookie.
    :ivar backend_request_id: ``request-id`` of the backend's answer.
    :ivar routed_by: a rung of the ladder (policy/tally.py), or ``local``.
    :ivar retries: dials that failed, and backend connections that were lost, before it went through;
        ``misses`` says whose they were.
    :ivar moved_from: the address from which the session was used before, if it was another one.
    :ivar phase: ``head``, ``dial``, ``request``, ``wait`` or ``answer``.
    :ivar error: one safe line for GenericErrors.
    """

    request_id: str
    wall: float
    head_at: float
    routed_at: float | None = None
    dial_at: float | None = None
    connected_at: float | None = None
    request_started_at: float | None = None
    request_ended_at: float | None = None
    answer_at: float | None = None
    answer_ended_at: float | None = None
    ended_at: float = 0.0
    protocol: str = "Mapi"
    pool: str | None = None
    method: str = ""
    host: str = ""
    path: str = ""
    query: str = ""
    request_type: str | None = None
    mapi_request_id: str | None = None
    client_info: str | None = None
    client_request_id: str | None = None
    client_application: str | None = None
    user_agent: str | None = None
    mailbox: str | None = None
    anchor: str | None = None
    route: str | None = None
    by_form: bool = False
    auth_scheme: str | None = None
    credentials: Credentials = NO_CREDENTIALS
    user: str | None = None
    client_ip: str = ""
    client_port: int = 0
    status: int | None = None
    backend_status: int | None = None
    backend: str | None = None
    backend_host: str | None = None
    backend_version: str | None = None
    new_connection: bool = False
    request_bytes: int = 0
    response_bytes: int = 0
    response_code: int | None = None
    late_response_code: int | None = None
    pulses: int = 0
    elapsed_ms: int | None = None
    session: str | None = None
    backend_request_id: str | None = None
    routed_by: str | None = None
    retries: int = 0
    misses: list[Miss] | None = None
    moved_from: str | None = None
    ending: Ending = Ending.DONE
    phase: str = "head"
    error: str | None = None
