"""The steps of an exchange that are about who the client is: what is let through, and what is learnt.

The rules are the policy room's (``bond.py``, ``authloop.py``, ``mapihttp.py``).
"""

from __future__ import annotations

from mapiproxy.backends.vdir import METHODS
from mapiproxy.exchange import local
from mapiproxy.exchange.actions import Say
from mapiproxy.exchange.base import Actions
from mapiproxy.exchange.losses import Losses
from mapiproxy.mapi.credentials import NO_CHALLENGE, Step, read_challenge
from mapiproxy.policy.refusals import Refusal
from mapiproxy.wire.heads import ResponseHead

#: What a scheme's challenge looks like when there is no server to make it.
_CHALLENGES = {"basic": 'Basic realm="{name}"', "ntlm": "NTLM", "negotiate": "Negotiate", "bearer": "Bearer"}


class Identity(Losses):
    """The steps."""

    def _refuse_stranger(self, now: float) -> Refusal | None:
        """What firewall and quotas have against the request."""
        rules, ledger = self._rules, self.ledger
        denied = rules.firewall.denies(
            ledger.client_ip,
            self._vdir.name,
            ledger.method,
            self.facts.request_type,
            ledger.client_application,
            ledger.user_agent,
        )
        if denied is not None:
            return Refusal(403, f"denied by the firewall rule {denied.name!r}")
        if self.is_wait or self.is_channel:
            return None
        mailbox = self.facts.mailbox
        beyond = rules.usage.begin(ledger.client_ip, mailbox, rules.quotas, now)
        if beyond is not None:
            text, seconds = beyond
            return Refusal(503, text, max(1, round(seconds)))
        self._counted = mailbox
        return None

    def _check_credentials(self, now: float) -> Actions | None:
        """Refuse a scheme that this virtual directory does not offer, and passwords that lock out."""
        given, ledger = self.ledger.credentials, self.ledger
        if given.scheme is None:
            return None
        schemes = self._vdir.schemes
        scheme = "negotiate" if given.scheme == "kerberos" else given.scheme
        if schemes is not None and given.step is not Step.EMPTY and scheme not in schemes:
            offers = tuple(
                _CHALLENGES[each].format(name=self._rules.server_name)
                for each in METHODS.values()
                if each in schemes
            )
            text = f"{ledger.auth_scheme} is not enabled for {self._vdir.name}"
            return self._refuse(Refusal(401, text, challenges=offers), now)
        seconds = self._rules.auth_loops.stop_for(ledger.client_ip, given.user, given.step, now)
        if seconds > 0:
            text = "too many refused credentials: this client is stopped before the account is locked out"
            return self._refuse(Refusal(429, text, max(1, round(seconds))), now)
        return None

    def _check_mapi_http(self, now: float) -> Actions | None:
        """MAPI/HTTP may be disabled for everybody, or for this mailbox."""
        rules = self._rules.mapi_http
        if rules.always or self._vdir.name != "mapi" or self.facts.target.endpoint is None:
            return None
        if rules.allows(self.facts.target.mailbox, self.ledger.user):
            return None
        text = "MAPI over HTTP is disabled for this mailbox"
        close = not self._keep_client
        return self._answer(local.deny_mapi_http(self.head, text, self.ledger, close=close), now)

    def _note_challenge(self, head: ResponseHead, now: float) -> Actions:
        """What an answer's head says about authentication; the line that is due, if one is."""
        first, loops = head.first, self._rules.auth_loops
        if head.status != 401 and not loops and b"www-authenticate" not in first:
            # Nearly every answer: nobody is in trouble, and nothing is said.
            if b"persistent-auth" in first or self._bond.handshaking:
                self._bond.answered(read_challenge((), first.get(b"persistent-auth")), head.status)
            return []
        challenge = NO_CHALLENGE
        if b"www-authenticate" in first or b"persistent-auth" in first:
            challenge = read_challenge(head.all(b"www-authenticate"), first.get(b"persistent-auth"))
        ledger = self.ledger
        given = ledger.credentials
        user = given.user or ledger.user
        self._bond.answered(challenge, head.status)
        line = loops.answered(
            ledger.client_ip, user, given.scheme, given.step, head.status, challenge.token, now,
            self.facts.mailbox,
        )  # fmt: skip
        return [] if line is None else [Say(line)]
