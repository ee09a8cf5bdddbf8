"""What a user does with one mailbox, and what the program does by itself, until the process ends.

Opening brings a burst of Executes, then each action of the user is one; a notification and the periodic
send/receive bring bursts again. Where nothing else happens for long, PING keeps the context alive.
"""

from __future__ import annotations

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.outlook.session import Build, Session


class Work:
    """The loop of one mailbox.

    :ivar news: notifications that no burst has followed on yet.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.news = 0
        self._desk = session.desk
        self._next_sync = 0.0
        self._made = 0

    def notified(self) -> None:
        """Something is new in the mailbox."""
        self.news += 1
        self.session.work_alarm.ring()

    async def run(self) -> None:
        """Until the process ends. :raise Closed, Ended:"""
        session, desk, profile = self.session, self._desk, self._desk.profile
        await session.established()
        await self._burst(profile.opening)
        self._plan_sync()
        act_at = self._now() + desk.mean(profile.think)
        while True:
            ping_at = session.last_call + session.expiry * profile.ping_share
            until = min(act_at, ping_at, self._next_sync)
            rung = await session.work_alarm.sleep(until - self._now())
            now = self._now()
            if self.news:
                self.news = 0
                await self._burst(profile.sync)
            elif now >= self._next_sync:
                await self._burst(profile.sync, sending=True)
                self._plan_sync()
            elif now >= act_at or rung:
                # Rung without news: the network is there again, and the user looks whether it is.
                await session.execute(self._action())
                act_at = self._now() + desk.mean(profile.think)
            elif now >= session.last_call + session.expiry * profile.ping_share:
                await session.ping()

    async def _burst(self, bounds: tuple[int, int], *, sending: bool = False) -> None:
        session, desk = self.session, self._desk
        if sending:
            await session.execute(self._change)
        for _ in range(desk.count(bounds)):
            await session.execute(_read)
            await session.work_alarm.sleep(desk.mean(desk.profile.gap))

    def _plan_sync(self) -> None:
        every = self._desk.profile.send_receive
        jitter = self._desk.chance.uniform(0.5, 1.5)
        self._next_sync = self._now() + every * jitter if every > 0 else float("inf")

    def _action(self) -> Build:
        return self._change if self._desk.chance.random() < self._desk.profile.sends else _read

    def _change(self, store: rops.Logon) -> bytes:
        self._made += 1
        return rops.create_folder(store.handle, store.inbox, f"lab {self._made}")

    def _now(self) -> float:
        return self._desk.time.seconds()


def _read(store: rops.Logon) -> bytes:
    return rops.open_folder(store.handle, store.inbox)


async def consult(session: Session) -> None:
    """The address book: bound once, asked now and then, kept alive between. :raise Ended:

    Its connection is opened when it is wanted: Outlook keeps those for notifications, the others come and go.
    """
    desk, profile = session.desk, session.desk.profile
    await session.established()
    session.hang_up()
    ask_at = desk.time.seconds() + desk.mean(profile.look_up) / 10
    while True:
        ping_at = session.last_call + session.expiry * profile.ping_share
        await session.work_alarm.sleep(min(ask_at, ping_at) - desk.time.seconds())
        if desk.time.seconds() >= ask_at:
            await session.ask("QueryRows", lambda: bodies.query_rows_request(5))
            await session.ask("GetProps", bodies.get_props_request)
            ask_at = desk.time.seconds() + desk.mean(profile.look_up)
        elif desk.time.seconds() >= ping_at:
            await session.ping()
        session.hang_up()
