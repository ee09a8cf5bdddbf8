"""Logging on to HTTP: which scheme, and what a refusal means.

A 401 after a finished handshake may be a wrong password, Extended Protection or a connection that was
split on the way, and looks the same each time; what can be told apart is told apart here. A wrong
password is tried once, or twice where Basic can tell that it was not the password: accounts get locked.
"""

from __future__ import annotations

from typing import Any

from mapiproxy.lab.client import OutlookClient
from mapiproxy.lab.errors import LabError
from mapiproxy.lab.login import BasicLogin, Login, WindowsLogin
from mapiproxy.lab.step import Step
from mapiproxy.net.certificates import find_fingerprint, show_fingerprint
from mapiproxy.selftest.diagnosis import explain_loss, explain_status
from mapiproxy.selftest.door import Offer
from mapiproxy.selftest.reaching import Route
from mapiproxy.selftest.target import Account, Plan, is_mailbox_id
from mapiproxy.selftest.trail import Grade, Stage, Trail, Trouble

#: Strongest first.
_STRENGTH = ("negotiate", "ntlm", "basic")
_SPELT = {"negotiate": "Negotiate", "ntlm": "NTLM", "basic": "Basic"}

_WRONG = "wrong name or password, or the account is locked"
_SPLIT = "something on the way splits authenticated connections"


def choose(plan: Plan, offer: Offer) -> str:
    """The scheme to log on with, in lower case. :raise Trouble: there is none that fits."""
    if plan.auth != "auto":
        if plan.auth not in offer.schemes:
            raise Trouble(f"{_SPELT[plan.auth]} is not offered, but {offer.spelt}")
        return plan.auth
    for scheme in _STRENGTH:
        if scheme in offer.schemes and (scheme != "basic" or plan.target.tls):
            return scheme
    if "basic" in offer.schemes:
        raise Trouble(
            "only Basic is offered, and the password is not sent over plain http unless --auth basic says so",
            Grade.UNKNOWN,
        )
    why = ": modern authentication cannot be tried with a password" if "bearer" in offer.schemes else ""
    raise Trouble(f"{offer.spelt} is offered, expected Negotiate, NTLM or Basic{why}")


def login_of(scheme: str, account: Account, host: str) -> Login:
    """The credentials of *account* in this scheme."""
    if scheme == "basic":
        return BasicLogin(account.basic)
    return WindowsLogin(_SPELT[scheme], account.login, account.password, host)


class Entry:
    """The stage in which somebody logs on."""

    def __init__(self, reactor: Any, trail: Trail, route: Route, plan: Plan, offer: Offer) -> None:
        self._reactor = reactor
        self._trail = trail
        self._route = route
        self._plan = plan
        self._offer = offer

    async def enter(self) -> OutlookClient:
        """A client whose login was accepted, with no connection open. :raise Trouble:"""
        plan = self._plan
        with self._trail.stage("Authentication") as stage:
            scheme = choose(plan, self._offer)
            client = self._client(scheme)
            step = await self._ping(client)
            if step.status == 401:
                raise Trouble(await self._why(scheme))
            # Others may be owed to the mailbox, which is not known yet.
            if step.status in (502, 503, 504) and step.head is not None:
                raise Trouble(explain_status(step.head, "a PING", "200"))
            stage.text = f"{plan.user} is accepted with {_SPELT[scheme]}"
            self._remark(stage, scheme)
        return client

    def _client(self, scheme: str) -> OutlookClient:
        plan = self._plan
        named = plan.mailbox if plan.mailbox and is_mailbox_id(plan.mailbox) else plan.target.mailbox_id
        assert plan.user is not None, "who logs on has a name"
        named = named or (plan.user if "@" in plan.user else "probe")
        account = Account(plan.user, plan.password, named, plan.dn or "")
        client = OutlookClient(
            self._reactor,
            self._route.place,
            account,
            kind=(plan.kind or self._offer.kind or "exchange"),
            patience=plan.timeout,
            login=login_of(scheme, account, plan.target.host),
            dialer=self._route.dial,
        )
        # Without TLS there is a warning of its own; the session is to be seen all the same.
        client.secure = True
        return client

    async def _ping(self, client: OutlookClient) -> Step:
        """A call that needs no session, on a connection that is not used for anything else."""
        try:
            return await self._trail.within(client.call("PING", recover=False), "the answer to a PING")
        except LabError as error:
            raise Trouble(explain_loss(error, "a PING")) from error
        finally:
            line = client.lines.pop("call", None)
            if line is not None:
                line.abort()

    async def _why(self, scheme: str) -> str:
        if scheme == "basic":
            return f"401 for the password of {self._plan.user}: {_WRONG}"
        said = f"401 after the finished {_SPELT[scheme]} handshake"
        if "basic" in self._offer.schemes and self._plan.target.tls and not self._plan.insecure:
            again = await self._ping(self._client("basic"))
            if again.status == 401:
                return f"{said}, and for Basic as well: {_WRONG}"
            return (
                f"{said}, though Basic takes the same password: Extended Protection: the certificate here"
                f"{self._shown()} is not the server's; or {_SPLIT}"
            )
        protection = ""
        if self._plan.target.tls:
            protection = f"; or Extended Protection: the certificate here{self._shown()} is not the server's"
        return f"{said}: {_WRONG}{protection}; or {_SPLIT}"

    def _shown(self) -> str:
        certificate = self._route.certificate
        if certificate is None:
            return ""
        return f" (SHA-256 {show_fingerprint(find_fingerprint(certificate))[:23]}...)"

    def _remark(self, stage: Stage, scheme: str) -> None:
        if scheme == "basic" and not self._plan.target.tls:
            stage.warn("the password went over plain http, where everybody on the way can read it")
        elif scheme == "basic" and self._plan.insecure:
            stage.text += ", and the password went to a server whose certificate was not verified"

