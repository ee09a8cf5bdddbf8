"""One Outlook: the process of one user on one machine, from its start to its end.

The own mailbox is opened first, then others that the user has, then the address book. Events in the machine's
life are methods; each is told, and how long recovering from it took is in the book.
"""

from __future__ import annotations

import random
from collections.abc import Coroutine, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mapiproxy.lab.dialing import Address
from mapiproxy.lab.happening import Tell, tell_nobody
from mapiproxy.lab.outlook.book import Book
from mapiproxy.lab.outlook.desk import Desk
from mapiproxy.lab.outlook.line import OutlookLine
from mapiproxy.lab.outlook.opening import Closed
from mapiproxy.lab.outlook.owntime import Ended, OwnTime
from mapiproxy.lab.outlook.profile import CACHED, Profile
from mapiproxy.lab.outlook.receipts import Receipts
from mapiproxy.lab.outlook.service import Service
from mapiproxy.lab.outlook.session import Session
from mapiproxy.lab.outlook.uplink import MakeLine, Uplink
from mapiproxy.lab.outlook.waiting import Waiting
from mapiproxy.lab.outlook.work import Work, consult
from mapiproxy.lab.users import LabUser

#: How long closing may take before the process just ends, in seconds.
_FAREWELL = 5.0


class Outlook:
    """One process.

    :param reactor: only ``seconds``, ``callLater`` and ``connectTCP`` of it are used.
    :param mailboxes: others that this user opens as well: shared ones, an online archive.
    :param kind: ``exchange`` or ``grommunio``: whose numbers of X-ResponseCode are expected.
    :param lab: the servers are the lab's: whose mailbox answers, and how late mail is, can be told.
    :param source: the address to come from; ``None``: whichever the system takes.
    :param tls: as :func:`mapiproxy.lab.dialing.tls_for` gave it, to be shared by many; ``None``: made anew
        for each connection.
    :param make_line: makes connections; :param basic: whether requests carry the password. A connection that
        authenticates itself (NTLM) comes with ``basic=False``.
    :param receipts: where to note each Execute, if somebody is going to compare.
    :ivar book: what the user saw.
    """

    def __init__(
        self,
        reactor: Any,
        address: Address,
        user: LabUser,
        *,
        random: random.Random,
        profile: Profile = CACHED,
        tell: Tell = tell_nobody,
        kind: str = "exchange",
        mailboxes: Sequence[LabUser] = (),
        lab: bool = True,
        source: str | None = None,
        tls: Any = None,
        make_line: MakeLine = OutlookLine,
        basic: bool = True,
        receipts: Receipts | None = None,
    ) -> None:
        self.user = user
        self.book = Book()
        self._time = OwnTime(reactor)
        self._uplink = Uplink(
            reactor, self._time, address, self.book, source=source, tls=tls, make_line=make_line
        )
        self._service = Service(self.book)
        self._desk = Desk(
            user=user,
            address=address,
            kind=kind,
            lab=lab,
            profile=profile,
            chance=random,
            time=self._time,
            uplink=self._uplink,
            book=self.book,
            service=self._service,
            tell=tell,
            receipts=receipts,
            authorization=user.basic.decode("ascii") if basic else None,
        )
        self._mailboxes = tuple(mailboxes)
        self._sessions: list[Session] = []
        self._until_back: Any = None
        self.began = False

    # What can be asked.

    @property
    def name(self) -> str:
        """The lane that its life is told in."""
        return self._desk.who

    @property
    def ready(self) -> bool:
        """Whether the own mailbox is open, as far as the program knows."""
        return bool(self._sessions) and self._sessions[0].live

    @property
    def open_contexts(self) -> int:
        return sum(session.live for session in self._sessions)

    @property
    def source(self) -> str | None:
        """The address that new connections come from."""
        return self._uplink.source

    @property
    def asleep(self) -> bool:
        """Whether it stands still."""
        return self._time.asleep

    @property
    def online(self) -> bool:
        """Whether its machine has a network."""
        return self._uplink.up

    @property
    def ended(self) -> bool:
        return self._time.ended

    # Its life.

    def start(self) -> None:
        """The user starts the program. It works until :meth:`close` or :meth:`kill`."""
        assert not self.began, "an Outlook starts once"
        self.began = True
        self._mark("state", "starts")
        own = Session(self._desk, "emsmdb", self.user, self.name, own=True)
        self._sessions.append(own)
        self._run(self._whole_day(own))

    def hibernate(self) -> None:
        """The machine sleeps: no timer fires, nobody reads; sockets are the network's business."""
        self._freeze("hibernates")

    def pause(self) -> None:
        """The process stands still, as one that is stopped or swapped out; its machine does not."""
        self._freeze("stands still")

    def resume(self) -> None:
        """After :meth:`hibernate` or :meth:`pause`: sockets are found dead or alive, timers fire late."""
        if not self._time.asleep:
            return
        now = self._time.seconds()
        self._mark("state", "goes on")
        self._service.wakes(now)
        self._service.survives("resume", now)
        self._uplink.release()
        if self._desk.profile.fresh_start:
            self._uplink.cut(silently=False)
        self._time.thaw()
        self._ring()

    def switch_network(self, source: str | None, *, gap: float = 2.0, reset: bool = False) -> None:
        """To another network: all sockets die at once, new ones come from *source* after *gap* seconds.

        :param reset: the server hears of it (RST); else no packet of the old sockets leaves any more.
        """
        self._leave_network(f"changes networks, to {source or 'any address'}", source, gap, reset)

    def vpn_flap(self, *, gap: float = 2.0, reset: bool = False) -> None:
        """The tunnel breaks and is built anew: :meth:`switch_network`, with the same address afterwards."""
        self._leave_network("its tunnel breaks", self._uplink.source, gap, reset)

    def unplug(self, *, reset: bool = False) -> None:
        """The network is gone until :meth:`plug`; sockets die as in :meth:`switch_network`."""
        self._cancel_return()
        self._count("unplugged")
        self._mark("fault", "is unplugged")
        self._uplink.up = False
        self._uplink.cut(silently=not reset)
        self._service.fails(self._time.seconds())

    def plug(self, source: str | None = None) -> None:
        """The network is there again, from this address if one is given."""
        self._cancel_return()
        if source is not None:
            self._uplink.source = source
        self._back("plugged")

    def close(self) -> Deferred[None]:
        """The user closes the program: contexts are ended, connections closed. Fires when it is over."""
        done: Deferred[None] = Deferred()
        if self.ended:
            done.callback(None)
            return done
        self._mark("state", "closes")
        leaving: Deferred[Any] = Deferred.fromCoroutine(self._leave())
        leaving.addTimeout(_FAREWELL, self._time.clock)  # type: ignore[arg-type]

        def over(result: Any) -> None:
            self._end()
            done.callback(None)

        leaving.addBoth(over)
        return done

    def kill(self) -> None:
        """The program crashes: nothing is said, sockets are reset by the system."""
        if not self.ended:
            self._count("crashed")
            self._mark("fault", "crashes")
            self._end()

    # Inside.

    async def _whole_day(self, own: Session) -> None:
        await own.established()
        self._attend(own)
        for mailbox in self._mailboxes:
            session = Session(self._desk, "emsmdb", mailbox, f"{self.name}/{mailbox.login.partition('@')[0]}")
            self._sessions.append(session)
            self._attend(session)
        if self._desk.profile.look_up > 0:
            book = Session(self._desk, "nspi", self.user, f"{self.name}/nspi")
            self._sessions.append(book)
            self._run(consult(book))

    def _attend(self, session: Session) -> None:
        work = Work(session)
        self._run(work.run())
        self._run(Waiting(work).run())

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        Deferred.fromCoroutine(coroutine).addErrback(self._stopped)

    def _stopped(self, failure: Failure) -> None:
        if failure.check(Ended, Closed) is None:
            self.book.crashes.append(f"{self.name}: {failure.value!r}"[:200])

    def _freeze(self, label: str) -> None:
        if self._time.asleep or self.ended:
            return
        self._count(label)
        self._mark("state", label)
        self._service.sleeps(self._time.seconds())
        self._time.freeze()
        self._uplink.hold()

    def _leave_network(self, label: str, source: str | None, gap: float, reset: bool) -> None:
        self._cancel_return()
        self._count(label.partition(",")[0])
        self._mark("fault", label)
        self._uplink.up = False
        self._uplink.source = source
        if gap > 0:
            # The network's time, which goes on while the process stands still.
            self._until_back = self._time.clock.callLater(gap, self._back, "network is there")
        self._uplink.cut(silently=not reset)
        self._service.fails(self._time.seconds())
        if gap <= 0:
            self._back("network is there")

    def _back(self, label: str) -> None:
        self._until_back = None
        if self._uplink.up or self.ended:
            return
        self._uplink.up = True
        self._mark("state", label)
        self._service.survives("network", self._time.seconds())
        self._ring()

    def _cancel_return(self) -> None:
        if self._until_back is not None and self._until_back.active():
            self._until_back.cancel()
        self._until_back = None

    def _ring(self) -> None:
        for session in self._sessions:
            session.ring()

    async def _leave(self) -> None:
        if not self._desk.profile.disconnects or not self._uplink.up or self._time.frozen:
            return
        for session in reversed(self._sessions):
            await session.leave()

    def _end(self) -> None:
        self._cancel_return()
        for session in self._sessions:
            session.live = False
        self._time.end()
        self._uplink.close()

    def _count(self, label: str) -> None:
        self.book.life[label] += 1

    def _mark(self, kind: str, label: str) -> None:
        self._desk.happened(self._time.seconds(), self.name, kind, label)
