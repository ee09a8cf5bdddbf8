"""Which mailbox may the ROPs of a session enter? Implements answering.Door for one context.

A RopLogon may name the mailbox of the person who connected, or one of those that this person may open.
"""

from __future__ import annotations

from mapiproxy.lab.arrivals import Arrivals
from mapiproxy.lab.contexts import Context, Contexts
from mapiproxy.lab.rops import Store
from mapiproxy.lab.users import Users


class ContextDoor:
    """The door of one context; entering hands the context over to the mailbox's owner."""

    def __init__(self, users: Users, contexts: Contexts, arrivals: Arrivals, context: Context) -> None:
        self._users = users
        self._contexts = contexts
        self._arrivals = arrivals
        self._context = context

    @property
    def store(self) -> Store:
        return self._context.owner.store

    def enter(self, dn: str) -> bool:
        owner = self._users.find_dn(dn)
        user = self._context.user
        if owner is None or not (owner is user or owner.login in user.opens):
            return False
        if owner is not self._context.owner:
            self._contexts.hand_over(self._context, owner)
        self._arrivals.enter(user, owner)
        return True
