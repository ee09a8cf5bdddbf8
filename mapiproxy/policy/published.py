"""What is done to an answer of Autodiscover before its client gets it, and what is learnt from it."""

from __future__ import annotations

from attrs import frozen

from mapiproxy.policy.autodiscover import home_of, mailbox_of, rewrite, without_mapi_http
from mapiproxy.policy.mapihttp import MapiHttp


@frozen
class Published:
    """What the operator wants of it.

    :ivar internal: base of the InternalUrls that clients are to be given, ``external`` of the others;
        ``None``: as the server says.
    :ivar homes: learn where mailboxes live.
    """

    internal: str | None = None
    external: str | None = None
    homes: bool = False

    @property
    def wanted(self) -> bool:
        """Whether answers have to be looked at."""
        return self.homes or self.internal is not None or self.external is not None


def publish(body: bytes, published: Published, mapi_http: MapiHttp, user: str | None) -> bytes:
    """The answer as its client gets it.

    :param user: whose credentials came with the request.
    """
    if not mapi_http.always:
        mailbox, home = mailbox_of(body), home_of(body)
        names = [user, mailbox.address if mailbox else None, home.mailbox_id if home else None]
        if not mapi_http.allows(*names):
            return without_mapi_http(body)
    if published.internal is None and published.external is None:
        return body
    return rewrite(body, published.internal, published.external)
