"""How does a user work, and how patient is the program? Plain values; times are in seconds.

Outlook's own timers are not published; these are in the range of what is known of other clients (protocol
reference 5.3, 7 and 9), and each can be changed.
"""

from __future__ import annotations

from attrs import evolve, frozen


@frozen(kw_only=True)
class Profile:
    """One way of working.

    :ivar think: mean time between two actions of the user's own; each is one Execute.
    :ivar sends: the share of them that changes the mailbox.
    :ivar opening: how many Executes a mailbox is opened with, at least and at most.
    :ivar sync: how many Executes follow on a notification.
    :ivar gap: mean time between the Executes of such a burst.
    :ivar send_receive: how often a burst comes without a notification; 0: never.
    :ivar look_up: mean time between two questions to the address book; 0: there is none.
    :ivar ping_share: PING after so large a part of X-ExpirationInfo without a call.
    :ivar periods: silent X-PendingPeriods that are borne; ``least_patience``: what is borne in any case.
    :ivar usual_period: X-PendingPeriod as long as no server has said one.
    :ivar backoff_first: mean pause before the second attempt; it doubles up to *backoff_most*.
    :ivar slow: an Execute that takes longer counts as time without service.
    :ivar lost_wait_connects: whether a wait that was cut makes a new context, as MS-OXCMAPIHTTP 3.1.5.6 has
        it for any call; else it is asked again in the old one, where nothing can have been executed twice.
    :ivar fresh_start: whether connections from before a hibernation are given up when it is over.
    :ivar disconnects: whether Disconnect is sent when the program is closed.
    """

    name: str
    think: float
    sends: float
    opening: tuple[int, int]
    sync: tuple[int, int]
    gap: float = 0.03
    send_receive: float = 900.0
    look_up: float = 300.0
    ping_share: float = 0.7
    periods: float = 2.1
    least_patience: float = 5.0
    usual_period: float = 30.0
    backoff_first: float = 0.5
    backoff_most: float = 30.0
    slow: float = 5.0
    lost_wait_connects: bool = False
    fresh_start: bool = False
    disconnects: bool = True

    def paced(self, factor: float) -> Profile:
        """The same user, so many times as fast. :raise ValueError: the factor is not positive."""
        if factor <= 0:
            raise ValueError(f"a pace of {factor:g} is not positive")
        return evolve(
            self,
            think=self.think / factor,
            send_receive=self.send_receive / factor,
            look_up=self.look_up / factor,
        )


#: Works on a copy of the mailbox: little by itself, a burst when something is new.
CACHED = Profile(name="cached", think=60.0, sends=0.1, opening=(4, 8), sync=(2, 5))
#: Each click is a call.
ONLINE = Profile(
    name="online", think=4.0, sends=0.05, opening=(6, 12), sync=(1, 2), send_receive=0.0, look_up=120.0
)

PROFILES = {profile.name: profile for profile in (CACHED, ONLINE)}
