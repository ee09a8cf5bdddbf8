"""The steps of an exchange whose answer is not passed on as it comes: Autodiscover, where that is wanted.

Such an answer is small and has an end: it is gathered, changed (``policy/published.py``) and sent with a
length of its own. Everything else passes unbuffered (reference N6).
"""

from __future__ import annotations

from mapiproxy.exchange.actions import ToClient
from mapiproxy.exchange.base import Actions
from mapiproxy.exchange.identity import Identity
from mapiproxy.policy.autodiscover import LARGEST, home_of
from mapiproxy.policy.headers import answer_for_client
from mapiproxy.policy.published import publish
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.heads import ResponseHead

_NONE: frozenset[bytes] = frozenset()
#: What is compressed cannot be read here.
_ENCODING = b"accept-encoding"
#: By this field a client says that it speaks MAPI/HTTP, and is then told of it.
_CAPABILITY = b"x-mapihttpcapability"
#: So many mailboxes' homes are remembered; beyond, they are learnt anew.
_MOST_HOMES = 100_000


class Editing(Identity):
    """The steps.

    :ivar edited: the pieces of an answer that is gathered; ``None``: it is passed on as it comes.
    """

    edited: list[bytes] | None = None
    _edited_head: ResponseHead | None = None
    _edited_size = 0

    def _edits(self) -> bool:
        rules = self._rules
        return self._vdir.name == "autodiscover" and (rules.published.wanted or not rules.mapi_http.always)

    def _not_for_backend(self) -> frozenset[bytes]:
        """Fields of the request that would spoil the answer."""
        if not self._edits():
            return _NONE
        rules = self._rules.mapi_http
        # Without anybody who may, or for somebody who may not; whoever is not known yet is told by
        # what is taken out of the answer.
        if not rules.allows(self.ledger.user) and (not rules.allowed or self.ledger.user):
            return frozenset((_CAPABILITY, _ENCODING))
        return frozenset((_ENCODING,))

    def _is_to_be_edited(self, head: ResponseHead) -> bool:
        """Gather this answer? Only what is XML, whole, and not packed."""
        first = head.first
        xml = b"xml" in first.get(b"content-type", b"").lower()
        if not xml or head.status != 200 or self.head.method != b"POST" or not self._edits():
            return False
        if b"content-encoding" in first:
            return False
        self.edited, self._edited_head = [], head
        # The relay passes the payload on instead of the bytes of its framing.
        self.dechunk = True
        return True

    def gather(self, piece: bytes) -> None:
        """One piece of its payload. :raise WireError: this is no answer of Autodiscover any more."""
        assert self.edited is not None
        self._edited_size += len(piece)
        if self._edited_size > LARGEST:
            raise WireError(f"an Autodiscover answer of more than {LARGEST} bytes cannot be published")
        self.edited.append(piece)

    def _publish(self) -> Actions:
        """The answer is here: change it, and let it go."""
        head = self._edited_head
        if self.edited is None or head is None:
            return []
        body = b"".join(self.edited)
        self._learn_home(body)
        rules = self._rules
        body = publish(body, rules.published, rules.mapi_http, self.ledger.user)
        sent = answer_for_client(head, close=not self._keep_client, dechunk=False, length=len(body))
        return [ToClient(sent + body)]

    def _learn_home(self, body: bytes) -> None:
        homes, pool = self._rules.homes, self._pool
        found = home_of(body) if self._rules.published.homes else None
        if found is None or pool is None:
            return
        name = next((each.name for each in pool.backends if each.host.lower() == found.server), None)
        if name is None:
            return
        if len(homes) >= _MOST_HOMES:
            homes.clear()
        for key in (found.mailbox_id, found.address):
            if key:
                homes[key.lower()] = name
