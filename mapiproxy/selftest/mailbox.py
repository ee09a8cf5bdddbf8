"""Which mailbox, and by which DN? A Connect names a legacy DN that nobody can guess.

Asked of Autodiscover at the same host, as Outlook does, unless the operator has said it all.
"""

from __future__ import annotations

import re

from attrs import evolve

from mapiproxy.backends.kind import Kind
from mapiproxy.lab.asking import Request
from mapiproxy.lab.caller import USER_AGENT
from mapiproxy.lab.client import OutlookClient
from mapiproxy.lab.errors import LabError
from mapiproxy.lab.line import Received
from mapiproxy.lab.login import ask_as
from mapiproxy.lab.pox import autodiscover_request
from mapiproxy.policy.autodiscover import home_of, mailbox_of
from mapiproxy.selftest.diagnosis import explain_loss
from mapiproxy.selftest.reaching import Route
from mapiproxy.selftest.target import Account, Plan, is_dn, is_mailbox_id
from mapiproxy.selftest.trail import Grade, Stage, Trail, Trouble

_PATH = "/autodiscover/autodiscover.xml"
#: Exchange names the mailbox as the server of EXCH, where there is no element of mapiHttp.
_SERVER = re.compile(rb"<Server>\s*([0-9a-f-]{36}@[^<\s]{1,255})\s*</Server>", re.IGNORECASE)
_OFFERS = re.compile(rb"type\s*=\s*[\"']mapihttp[\"']", re.IGNORECASE)


class Directory:
    """Finds the mailbox of a plan, with the login of *client*."""

    def __init__(self, trail: Trail, route: Route, plan: Plan, client: OutlookClient) -> None:
        self._trail = trail
        self._route = route
        self._plan = plan
        self._client = client

    async def find(self, kind: Kind | None) -> Account:
        """The account with its MailboxId and DN, by stage Autodiscover if need be. :raise Trouble:"""
        plan = self._plan
        assert plan.user is not None, "who logs on has a name"
        given = plan.mailbox or plan.target.mailbox_id or ""
        account = Account(plan.user, plan.password, given if is_mailbox_id(given) else "", plan.dn or "")
        if not (account.mailbox_id and account.dn):
            address = given if "@" in given and not is_mailbox_id(given) else plan.user
            with self._trail.stage("Autodiscover") as stage:
                account = await self._discover(account, address, stage)
        if not account.mailbox_id and kind is Kind.GROMMUNIO:
            # It wants something there and does not mind what (grommunio-observed).
            account = evolve(account, mailbox_id=plan.user)
        return account

    async def _discover(self, account: Account, address: str, stage: Stage) -> Account:
        if "@" not in address:
            return self._without(account, f"{address} is no address, so Autodiscover cannot be asked", stage)
        try:
            received = await self._trail.within(self._ask(address), "the answer of Autodiscover")
        except LabError as error:
            return self._without(account, explain_loss(error, "Autodiscover"), stage)
        status = received.head.status
        if status != 200:
            return self._without(account, f"{status} for {_PATH}, expected 200: not to be had here", stage)
        body = bytes(received.payload)
        who, home = mailbox_of(body), home_of(body)
        dn = account.dn or (who.legacy_dn if who else None)
        if not dn or not is_dn(dn):
            return self._without(account, f"the answer names no mailbox for {address}", stage)
        named = home.mailbox_id if home is not None else None
        if named is None and (server := _SERVER.search(body)) is not None:
            named = server[1].decode("latin-1")
        found = evolve(account, dn=dn, mailbox_id=account.mailbox_id or named or "")
        stage.text = f"{address} is {found.mailbox_id or 'a mailbox without MailboxId'}, {dn}"
        if not _OFFERS.search(body):
            stage.warn(
                "MAPI over HTTP is not offered for this mailbox, so Outlook would not use it: see "
                "Set-OrganizationConfig -MapiHttpEnabled and Set-CASMailbox"
            )
        return found

    def _without(self, account: Account, why: str, stage: Stage) -> Account:
        if account.dn:
            stage.text = f"{why}; going on with --dn"
            return account
        raise Trouble(f"{why}; a Connect needs the mailbox's legacy DN: give it with --dn", Grade.UNKNOWN)

    async def _ask(self, address: str) -> Received:
        head = (
            f"POST {_PATH} HTTP/1.1",
            f"Host: {self._route.target.authority}",
            "Content-Type: text/xml; charset=utf-8",
            f"User-Agent: {USER_AGENT}",
            "X-MapiHttpCapability: 1",
            "Accept-Encoding: identity",
        )
        line = await self._route.open()
        try:
            return await ask_as(self._client.login, line, Request(head, autodiscover_request(address)))
        finally:
            line.abort()
