"""May this mailbox use MAPI over HTTP? Exchange's rule (exchange reference 5).

The mailbox's own setting wins over the organisation's. Clients learn of it from Autodiscover, which does
not offer ``mapiHttp`` to whoever may not; one that comes all the same is told X-ResponseCode 16, Endpoint
Disabled (protocol reference 3).
"""

from __future__ import annotations

from attrs import frozen


@frozen
class MapiHttp:
    """The switches. Mailboxes are named by address, by user name, or by ``GUID@domain`` as in MailboxId;
    all in lower case.

    :ivar enabled: ``Set-OrganizationConfig -MapiHttpEnabled``.
    :ivar blocked: ``Set-CASMailbox -MapiHttpEnabled $false``; ``allowed``: ``$true``.
    """

    enabled: bool = True
    blocked: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    @property
    def always(self) -> bool:
        """Whether nobody is denied it: nothing has to be looked at."""
        return self.enabled and not self.blocked

    def allows(self, *names: str | None) -> bool:
        """Whether the mailbox that is known by these names may."""
        known = {name.lower() for name in names if name}
        if not known.isdisjoint(self.blocked):
            return False
        return self.enabled or not known.isdisjoint(self.allowed)
