"""A session on a mailbox: Connect, logon, Execute, Disconnect, each answer judged.

Calls are made without the client's own recovery, because what a test has to see is what broke.
"""

from __future__ import annotations

from mapiproxy.backends.kind import Kind
from mapiproxy.lab import bodies, rops
from mapiproxy.lab.client import OutlookClient
from mapiproxy.lab.errors import LabError
from mapiproxy.lab.step import Step
from mapiproxy.mapi.vocabulary import SESSION_COOKIE
from mapiproxy.selftest.diagnosis import explain_error, explain_loss, explain_step
from mapiproxy.selftest.target import Account
from mapiproxy.selftest.trail import Stage, Trail, Trouble

#: Spellings that Outlook's peers agree on, to be seen in answers as they were sent.
_SPELLINGS = (b"X-ResponseCode", b"X-RequestType", b"X-RequestId")
#: X-PendingPeriod where no answer has named it (MS-OXCMAPIHTTP: 30 000 ms is the default).
USUAL_PERIOD = 30.0
#: Headers that name who answered: of them, servers that a session must stay with stand first.
_WHERE = ("X-CalculatedBETarget", "X-BEServer", "X-Lab-Backend", "X-FEServer")

#: Header and value, of those that name who answered.
Names = tuple[tuple[str, str], ...]


class Session:
    """One client's session.

    :param kind: as far as is known; *expected*: as the operator says.
    :ivar kind: of server, as soon as its cookies tell.
    :ivar seen: who gave each answer, in order.
    :ivar period: X-PendingPeriod in seconds, as last heard.
    """

    def __init__(
        self,
        trail: Trail,
        client: OutlookClient,
        account: Account,
        kind: Kind | None,
        expected: Kind | None = None,
    ) -> None:
        self.kind = kind
        self._expected = expected
        self.seen: list[Names] = []
        self.period = USUAL_PERIOD
        self.client = client
        self._trail = trail
        client.user = account

    async def connect(self) -> None:
        """Stages Connect and Logon. :raise Trouble:"""
        client, dn = self.client, self.client.user.dn
        with self._trail.stage("Connect") as stage:
            step = await self.call("Connect", bodies.connect_request(dn))
            self._look_at_cookies(stage)
            _look_at_spelling(step, stage)
        with self._trail.stage("Logon") as stage:
            step = await self.execute(rops.logon(dn), "logon")
            logon = rops.read_logon_answer(step.binary)
            if logon is None:
                error = rops.read_logon_error(step.binary)
                if error:
                    raise Trouble(explain_error(error, "RopLogon"))
                raise Trouble(
                    "the answer to RopLogon cannot be read, expected folders: it was changed on the way"
                )
            client.sessions["emsmdb"].logon = logon
            stage.text = f"the mailbox is open{_on(step)}"

    async def execute(self, buffer: bytes | None = None, what: str = "read the inbox") -> Step:
        """An Execute that changes nothing. :raise Trouble:"""
        if buffer is None:
            logon = self.client.sessions["emsmdb"].logon
            assert logon is not None, "connect() comes first"
            buffer = rops.open_folder(logon.handle, logon.inbox)
        return await self.call("Execute", bodies.execute_request(buffer), note=what)

    async def disconnect(self) -> None:
        """Stage Disconnect. :raise Trouble:"""
        with self._trail.stage("Disconnect") as stage:
            await self.call("Disconnect", bodies.DISCONNECT_REQUEST)
            stage.text = "the session was ended"

    async def call(
        self, request_type: str, body: bytes, *, endpoint: str = "emsmdb", line: str = "call", note: str = ""
    ) -> Step:
        """One call that must succeed. :raise Trouble: it did not, and why that may be."""
        call = self.client.call(request_type, body, endpoint=endpoint, line=line, recover=False, note=note)
        try:
            step = await self._trail.within(call, f"the answer to {request_type}")
        except LabError as error:
            raise Trouble(explain_loss(error, request_type)) from error
        self.note(step)
        wrong = explain_step(step, self.kind)
        if wrong:
            raise Trouble(wrong + self._moved())
        return step

    def note(self, step: Step) -> None:
        """Keep what an answer tells of who gave it. :raise Trouble: it is not ours."""
        head = step.head
        if head is None:
            return
        names = tuple(
            (key, value.decode("latin-1")[:80])
            for key in _WHERE
            if (value := head.get(key.lower().encode("ascii"))) is not None
        )
        if step.endpoint == "emsmdb":
            self.seen.append(names)
        period = head.get(b"x-pendingperiod") or b""
        if period.isdigit() and len(period) < 9 and int(period) > 0:
            self.period = int(period) / 1000
        echoed = head.get(b"x-requestid")
        if echoed is not None and echoed.decode("latin-1").lower() != step.request_id.lower():
            raise Trouble(
                f"the answer to {step.request_type} is for another request, expected X-RequestId "
                f"{step.request_id}: something on the way mixes up connections"
            )

    def _look_at_cookies(self, stage: Stage) -> None:
        digests = self.client.jar.digests(b"/mapi/emsmdb/")
        names = {each.partition(":")[0].lower().encode("latin-1") for each in digests.split()}
        kinds = [kind for kind, name in SESSION_COOKIE.items() if name in names]
        if not kinds:
            raise Trouble(
                "Connect succeeded without a session cookie, expected MapiContext or sid: something on the "
                "way takes Set-Cookie away, or changes its path"
            )
        self.kind = kinds[0]
        self.client.kind = self.kind.value
        stage.text = f"a session of kind {self.kind.value}"
        if self._expected is not None and self.kind is not self._expected:
            stage.warn(f"the session is one of {self.kind.value}, expected {self._expected.value}")

    def _moved(self) -> str:
        """That the last answer came from elsewhere, if it did."""
        names = [dict(each) for each in self.seen]
        for key in _WHERE:
            told = [each[key] for each in names if key in each]
            if len(told) > 1 and told[-1] != told[0]:
                return f" (Connect was answered by {told[0]}, this by {told[-1]})"
        return ""


def _look_at_spelling(step: Step, stage: Stage) -> None:
    head = step.head
    assert head is not None, "an accepted call has a head"
    names = {name for name, _ in head.fields}
    changed = [each for each in _SPELLINGS if each.lower() in head.keys and each not in names]
    if changed:
        came = next(name for name in names if name.lower() == changed[0].lower())
        stage.warn(
            f"{came.decode('latin-1')} came where {changed[0].decode('ascii')} was expected: something on "
            "the way rewrites header names (HAProxy without h1-case-adjust? HTTP/2?)"
        )


def _on(step: Step) -> str:
    return f", {step.backend} answers" if step.backend else ""
