"""Is a backend up? Judged from probes and from live traffic; the time is an argument.

Probes count successes and failures in a row (rise and fall, HAProxy's words). Live traffic can only take
a backend out: after so many failures in a row it is ejected. When it answered, but badly, that is for a
while in which good probes do not bring it back, because what it does to probes is evidently not what it
does to people. When connections were lost, probes that get through again are proof enough.
"""

from __future__ import annotations

from attrs import define, field, frozen

#: An ejection doubles when the last one was less than so many seconds ago, up to the longest.
_RECENT = 600.0
_LONGEST = 300.0


@frozen
class HealthRules:
    """How backends are judged; durations in seconds.

    :ivar enabled: whether probes are sent at all.
    :ivar interval: between probes; ``fast`` while a change is in the air, or the backend is down.
    :ivar timeout: of a whole probe.
    :ivar rise: good probes in a row that bring it up; ``fall``: bad ones that take it down.
    :ivar outliers: failures of live requests in a row that eject it; 0: none do.
    :ivar ejection: for how long at least.
    :ivar certificates: between looks at the certificates that servers show.
    """

    enabled: bool = True
    interval: float = 5.0
    fast: float = 1.0
    timeout: float = 5.0
    rise: int = 2
    fall: int = 3
    outliers: int = 5
    ejection: float = 30.0
    certificates: float = 3600.0


@frozen
class Probed:
    """What came of a probe.

    :ivar stage: where it failed: ``resolve``, ``connect``, ``tls``, ``http`` or ``body``.
    :ivar text: how, in one line.
    :ivar connect: seconds of that phase, as are ``tls``, ``http`` (up to the head) and ``body``;
        ``None`` for one that was not completed.
    :ivar suspect_us: we were late ourselves, so it says nothing about the backend.
    """

    ok: bool
    stage: str | None = None
    text: str | None = None
    connect: float | None = None
    tls: float | None = None
    http: float | None = None
    body: float | None = None
    suspect_us: bool = False


@define(eq=False)
class Health:
    """What is known of one backend's health.

    :ivar since: when it became what it is; on the caller's clock, as are the other times.
    :ivar why: what took it down; ``None`` while it is up.
    :ivar passes: good probes in a row; ``failures``: bad ones.
    :ivar strikes: failures of live requests in a row.
    :ivar good: probes that were good since the beginning; ``bad``, and ``suspect``: those that say nothing.
    :ivar ejections: how often live traffic took it down; ``falls``: how often it went down at all.
    """

    rules: HealthRules
    up: bool = True
    since: float = 0.0
    why: str | None = None
    passes: int = 0
    failures: int = 0
    strikes: int = 0
    last: Probed | None = None
    last_at: float = 0.0
    good: int = 0
    bad: int = 0
    suspect: int = 0
    ejections: int = 0
    falls: int = 0
    ejected_until: float = 0.0
    _ejection: float = field(default=0.0, init=False)

    def probed(self, result: Probed, now: float) -> bool:
        """A probe is over. Returns whether the backend went up or down."""
        self.last, self.last_at = result, now
        if result.suspect_us:
            self.suspect += 1
            return False
        if result.ok:
            self.good += 1
            self.passes, self.failures = self.passes + 1, 0
            if self.up or self.passes < self.rules.rise or now < self.ejected_until:
                return False
            return self._turn(True, None, now)
        self.bad += 1
        self.passes, self.failures = 0, self.failures + 1
        if not self.up or self.failures < self.rules.fall:
            return False
        return self._turn(False, f"probe: {result.stage}: {result.text}", now)

    def failed(self, text: str, now: float, may_eject: bool, lasting: bool) -> bool:
        """A live request failed by the backend's fault. Returns whether that took it down.

        :param lasting: good probes do not disprove it.
        """
        self.strikes += 1
        rules = self.rules
        if not self.up or not may_eject or not rules.outliers or self.strikes < rules.outliers:
            return False
        if lasting or not rules.enabled:
            recent = self.ejected_until and now - self.ejected_until < _RECENT
            self._ejection = min(_LONGEST, 2 * self._ejection) if recent else rules.ejection
            self.ejected_until = now + self._ejection
        self.ejections += 1
        return self._turn(False, f"{self.strikes} requests in a row failed, the last: {text}", now)

    def worked(self) -> None:
        """A live request was answered as it should be."""
        self.strikes = 0

    def tick(self, now: float) -> bool:
        """Without probes an ejected backend comes back by itself. Returns whether it did."""
        if self.up or self.rules.enabled or now < self.ejected_until:
            return False
        return self._turn(True, None, now)

    @property
    def next_probe(self) -> float:
        """Seconds until the next probe."""
        doubt = not self.up or self.failures or self.strikes
        return self.rules.fast if doubt else self.rules.interval

    def _turn(self, up: bool, why: str | None, now: float) -> bool:
        self.up, self.why, self.since = up, why, now
        self.falls += not up
        self.passes = self.failures = self.strikes = 0
        return True
