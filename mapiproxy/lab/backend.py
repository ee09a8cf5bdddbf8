"""One lab server without its socket: a request in, an answer or a long answer out, the time given.

Does what both kinds have in common: logging on, what each call does to contexts and mailboxes,
events, and the books that tests read (:attr:`LabBackend.executions`, :attr:`LabBackend.seen`). How
it looks on the wire is the dialect's business.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.addressbook import look_up
from mapiproxy.lab.answering import answer_rops
from mapiproxy.lab.arrivals import Arrivals
from mapiproxy.lab.authenticating import lines_of
from mapiproxy.lab.codes import Refused
from mapiproxy.lab.contexts import Context, Contexts
from mapiproxy.lab.cookies import Entropy, parse_cookies
from mapiproxy.lab.dialect import CREATING, Answer, Call, Dialect, LabOptions
from mapiproxy.lab.directories import Directories
from mapiproxy.lab.door import ContextDoor
from mapiproxy.lab.exchange import Exchange
from mapiproxy.lab.grommunio import REALM, Grommunio
from mapiproxy.lab.requests import LabRequest
from mapiproxy.lab.seen import Seen as Seen
from mapiproxy.lab.streaming import Streaming
from mapiproxy.lab.users import Authenticator, BasicAuthenticator, Challenged, LabUser, Users

KINDS: dict[str, type[Dialect]] = {"exchange": Exchange, "grommunio": Grommunio}


class LabBackend:
    """A lab server's inside.

    :ivar executions: how often the Execute of each X-RequestId was executed: never more than once.
    :ivar arrivals: the mail that has come, and who has fetched how much of it.
    :ivar on_execution: told the X-RequestId and the login of each, when it happens.
    :ivar on_seen: told each line of :attr:`seen`.
    :ivar seen: the last requests, oldest first.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        users: Users,
        options: LabOptions | None = None,
        *,
        entropy: Entropy = os.urandom,
        authenticator: Authenticator | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.users = users
        self.options = options or LabOptions()
        self.contexts = Contexts()
        self.arrivals = Arrivals()
        self.executions: Counter[str] = Counter()
        self.on_execution: Callable[[str, str], None] | None = None
        self.on_seen: Callable[[Seen], None] | None = None
        self.seen: deque[Seen] = deque(maxlen=10000)
        self.directories = Directories(kind, name, users)
        self.dialect: Dialect = KINDS[kind](name, self.options, self.contexts, entropy)
        wrong_delay = self.options.wrong_password_delay if kind == "grommunio" else 0.0
        self.authenticator = authenticator or BasicAuthenticator(
            users, REALM if kind == "grommunio" else name, wrong_delay
        )
        self._entropy = entropy
        self._server_guid = entropy(16)
        self._filler: tuple[int, bytes] = (-1, b"")

    def join(self, other: LabBackend) -> None:
        """Serve the mailboxes of *other* from now on: two front ends of one organisation."""
        self.contexts, self.arrivals = other.contexts, other.arrivals
        self.dialect = KINDS[self.kind](self.name, self.options, self.contexts, self._entropy)

    def answer(
        self, request: LabRequest, now: float, memory: dict[str, object], *,
        closing: bool = False, late: int | None = None,
    ) -> Answer | Streaming:  # fmt: skip
        """See :meth:`_answer`. Says whom it believed to talk to, if asked to."""
        answer = self._answer(request, now, memory, closing=closing, late=late)
        lines = lines_of(self.seen[-1].login if self.options.reveal else None, memory)
        if lines and isinstance(answer, Streaming):
            answer.first = answer.first.replace(b"\r\n", lines, 1)
        elif lines and isinstance(answer, Answer):
            answer.raw = answer.raw.replace(b"\r\n", lines, 1)
        return answer

    def _answer(
        self, request: LabRequest, now: float, memory: dict[str, object], *, closing: bool, late: int | None
    ) -> Answer | Streaming:
        """Answer one whole request.

        :param now: seconds; also the date that is put into heads (an epoch, on a real reactor).
        :param memory: belongs to the TCP connection (see :class:`Authenticator`).
        :param closing: the answer's body is to end with its connection.
        :param late: an X-ResponseCode to put after DONE.
        """
        endpoint = self.directories.door(request) or self.dialect.door(request)
        if isinstance(endpoint, Answer):
            self._note(request, None, None, memory)
            return endpoint
        user = self.authenticator.check(request.headers.get(b"authorization"), memory)
        if isinstance(user, Challenged):
            self._note(request, None, None, memory)
            return self.dialect.unauthorized(request, user, now)
        refused = self.directories.page(request, user) or self.dialect.threshold(request)
        if refused is not None:
            self._note(request, user, None, memory)
            return refused
        spelt = request.headers.get(b"x-requesttype", b"").decode("latin-1")
        call = Call(
            request,
            endpoint,
            self.dialect.known_calls(endpoint).get(spelt.lower()),
            user,
            parse_cookies(request.headers.get(b"cookie")),
            now,
            closing,
            late=late,
        )
        if request.version == b"HTTP/1.0" and self.kind == "exchange":
            call.close_delimited = True
        return self._admitted(call, now, memory)

    def _admitted(self, call: Call, now: float, memory: dict[str, object]) -> Answer | Streaming:
        code = 0
        context: Context | None = None
        try:
            context = self.dialect.admit(call, now)
            answer = self._perform(call, context, now)
        except Refused as refusal:
            code = int(refusal.code)
            answer = self.dialect.refusal(call, refusal.code, now)
        except ValueError:  # BodyError among them
            code = int(self.dialect.body_code())
            answer = self.dialect.refusal(call, self.dialect.body_code(), now)
        if context is not None and not isinstance(answer, Streaming):
            self.dialect.done(call, context, now)
        self._note(call.request, call.user, code, memory)
        return answer

    def _note(
        self, request: LabRequest, user: LabUser | None, code: int | None, memory: dict[str, object]
    ) -> None:
        login = None if user is None else user.login
        seen = Seen(
            request.method.decode("latin-1"),
            request.text(b"x-requesttype"),
            request.text(b"x-requestid"),
            login,
            code,
            memory.get("connection"),
        )
        self.seen.append(seen)
        if self.on_seen is not None:
            self.on_seen(seen)

    def _perform(self, call: Call, context: Context | None, now: float) -> Answer | Streaming:
        if call.name in CREATING:
            return self._create(call, context, now)
        if call.name == "PING":
            return Answer(self.dialect.whole(call, context, b"", now))
        assert context is not None, "every other call needs a context to be admitted"
        if call.name == "Execute":
            return self._execute(call, context, now)
        if call.name == "NotificationWait":
            return self._wait(call, context, now)
        if call.name in ("Disconnect", "Unbind"):
            binary = self._end(call, context)
        else:
            binary = look_up(call, list(self.users))
        return Answer(self.dialect.whole(call, context, binary, now))

    # Contexts.

    def _create(self, call: Call, previous: Context | None, now: float) -> Answer:
        owner: LabUser | None = call.user
        if call.name == "Connect":
            owner = self.users.find_dn(bodies.read_connect_request(call.request.body))
        else:
            bodies.read_bind_request(call.request.body)
        if owner is not call.user or owner is None:
            error = self.dialect.connect_error(owner is not None)
            ghost = None
            if self.kind == "exchange":
                # A failed Connect still sets cookies (reference 4.2), of a context that is not
                # there.
                ghost = self.dialect.create(call, None, call.user, now)
            binary = bodies.connect_answer("", error)
            return Answer(self.dialect.whole(call, ghost, binary, now))
        context = self.dialect.create(call, previous, owner, now)
        if context is not previous:
            self.contexts.add(context, now)
        if call.name == "Connect":
            binary = bodies.connect_answer(owner.display_name)
        else:
            binary = bodies.bind_answer(self._server_guid)
        return Answer(self.dialect.whole(call, context, binary, now))

    def _end(self, call: Call, context: Context) -> bytes:
        if call.name == "Unbind":
            bodies.read_reserved_and_aux(call.request.body)
            answer = bodies.UNBIND_ANSWER
        else:
            bodies.read_aux_only(call.request.body)
            answer = bodies.DISCONNECT_ANSWER
        self.contexts.drop(context)
        # grommunio leaves the wait of a disconnected session open (observed); Exchange's was not
        # seen.
        if self.kind == "exchange" and context.wait is not None and context.wait.wake is not None:
            context.wait.wake()
        return answer

    # Execute and events.

    def _execute(self, call: Call, context: Context, now: float) -> Answer | Streaming:
        buffer = bodies.read_execute_request(call.request.body)
        filler = self.options.answer_size
        if context.told:
            # Whoever asks on has had the last answer.
            self.arrivals.fetched(call.user, context.owner, context.told)
            context.told = 0
        door = ContextDoor(self.users, self.contexts, self.arrivals, context)
        said = None if filler is not None else answer_rops(buffer, door)
        request_id = call.request.text(b"x-requestid") or ""
        self.executions[request_id] += 1
        if self.on_execution is not None:
            self.on_execution(request_id, call.user.login)

        def finish(later: float) -> bytes:
            if said is None:
                binary = self._filled(filler or 0)
            else:
                if said.changed:
                    self.change(context.owner)
                mail, more = self.arrivals.unread(call.user, context.owner)
                notify, context.event_pending = context.event_pending, more
                context.told = mail[-1] if mail else 0
                binary = bodies.execute_answer(said.telling(notify, mail))
            if call_takes_time:
                self.dialect.done(call, context, later)
                if self.dialect.early:
                    return self.dialect.last(call, binary, later)
            return self.dialect.whole(call, context, binary, later)

        delay = self.options.execute_delay
        call_takes_time = delay > 0
        if not call_takes_time:
            return Answer(finish(now))
        first, pulse, period = b"", b"", delay
        if self.dialect.early:
            first = self.dialect.first(call, context, now)
            pulse, period = self.dialect.pulse(call)
        return Streaming(first, pulse, period, delay, finish, survives=True)

    def _filled(self, size: int) -> bytes:
        if self._filler[0] != size:
            self._filler = (size, bodies.execute_answer(rops.filler(size - 20)))
        return self._filler[1]

    def deliver(self, owner: LabUser, now: float) -> None:
        """A message comes into a mailbox: told by the next Execute there, and waits on it end."""
        self.arrivals.arrive(owner, now)
        self.change(owner)

    def change(self, owner: LabUser) -> None:
        """Something happened in a mailbox: wake the waits on it, note it for the next ones."""
        for context in self.contexts.of_mailbox(owner):
            context.event_pending = True
            if context.wait is not None and context.wait.wake is not None:
                context.wait.wake()

    def _wait(self, call: Call, context: Context, now: float) -> Answer | Streaming:
        bodies.read_reserved_and_aux(call.request.body)
        if context.wait is not None:
            rejected = bodies.notification_wait_answer(False, bodies.EC_REJECTED)
            return Answer(self.dialect.whole(call, context, rejected, now))
        if context.event_pending:
            binary = bodies.notification_wait_answer(True)
            return Answer(self.dialect.whole(call, context, binary, now))

        def finish(later: float) -> bytes:
            context.wait = None
            self.dialect.done(call, context, later)
            binary = bodies.notification_wait_answer(context.event_pending)
            return self.dialect.last(call, binary, later)

        pulse, period = self.dialect.pulse(call)
        first, lasts = self.dialect.first(call, context, now), self.options.wait_length
        holds = self.kind == "grommunio"
        context.wait = Streaming(first, pulse, period, lasts, finish, holds_until_pulse=holds)
        return context.wait
