"""Session contexts of one lab server: who they belong to, when they end, what they wait for.

Plain state with the time given. Which rule makes a context, rolls its sequence or refuses a call
belongs to the kinds (exchange.py, grommunio.py), not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from mapiproxy.lab.inorder import InOrder

if TYPE_CHECKING:
    from mapiproxy.lab.streaming import Streaming
    from mapiproxy.lab.users import LabUser


@define(eq=False)
class Context:
    """One Session Context (MS-OXCMAPIHTTP 3.2.1).

    :ivar key: value of the context cookie; a secret.
    :ivar user: who made it; *owner*: whose mailbox it is open on.
    :ivar running: sequenced calls under way (at most one is allowed).
    :ivar event_pending: a change that no wait and no Execute has fetched yet.
    :ivar told: the newest message that the last Execute's answer told of.
    """

    key: bytes = field(repr=False)
    endpoint: str
    user: LabUser
    owner: LabUser
    sequence: bytes = field(repr=False)
    expires: float
    number: int = 1
    running: int = 0
    poisoned: bool = False
    event_pending: bool = False
    told: int = 0
    wait: Streaming | None = field(default=None, repr=False)


class Contexts:
    """The contexts of one server, in memory only: a restart loses them all."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, bytes], Context] = {}
        self._by_login: dict[str, InOrder[Context]] = {}
        self._swept = 0.0

    def __len__(self) -> int:
        return len(self._by_key)

    def find(self, endpoint: str, key: bytes, now: float) -> Context | None:
        """The living context with this cookie. An expired one is dropped on the way."""
        context = self._by_key.get((endpoint, key))
        if context is None:
            return None
        # The idle time runs only while no call is pending (reference 6.1).
        if context.expires <= now and not context.running and context.wait is None:
            self.drop(context)
            return None
        return context

    def add(self, context: Context, now: float) -> None:
        if now - self._swept > 60:
            self._sweep(now)
        self._by_key[context.endpoint, context.key] = context
        self._by_login.setdefault(context.owner.login, InOrder()).add(context)

    def drop(self, context: Context) -> None:
        self._by_key.pop((context.endpoint, context.key), None)
        others = self._by_login.get(context.owner.login)
        if others is not None:
            others.discard(context)
            if not others:
                del self._by_login[context.owner.login]

    def clear(self) -> None:
        """Lose them all."""
        self._by_key.clear()
        self._by_login.clear()

    def hand_over(self, context: Context, owner: LabUser) -> None:
        """The context is open on another mailbox from now on."""
        self.drop(context)
        context.owner = owner
        self._by_key[context.endpoint, context.key] = context
        self._by_login.setdefault(owner.login, InOrder()).add(context)

    def of_mailbox(self, owner: LabUser) -> list[Context]:
        """The mailbox contexts that are open on this user's mailbox."""
        found = self._by_login.get(owner.login, ())
        return [context for context in found if context.endpoint == "emsmdb"]

    def _sweep(self, now: float) -> None:
        self._swept = now
        for context in list(self._by_key.values()):
            self.find(context.endpoint, context.key, now)
