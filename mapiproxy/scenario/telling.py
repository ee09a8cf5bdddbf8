"""What the proxy itself says during a run: its log messages with their times, and errors of anybody.

Listens to Twisted's log, of this process as a whole: one run at a time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from attrs import define, field
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from zope.interface import implementer

from mapiproxy.lab.happening import Happening, Tell

#: What names a session is another one in each run.
_ID = re.compile(r"\b(?=\w*\d)[0-9a-f]{12,}\b")
#: What deserves a mark on the timeline though it is no warning.
_WORTH = (" UP", ": drain", ": maint", ": ready", "reload:")


@implementer(ILogObserver)
@define
class Said:
    """Listens from :meth:`begin` to :meth:`end`.

    :ivar says: each message with its time since it *began*; *errors*: what went wrong inside.
    :ivar went_down: how often each server was seen to go DOWN.
    """

    clock: Callable[[], float]
    began: float
    tell: Tell
    says: list[tuple[float, str]] = field(factory=list)
    errors: list[str] = field(factory=list)
    went_down: Counter[str] = field(factory=Counter)

    def begin(self) -> None:
        """Listen."""
        globalLogPublisher.addObserver(self)

    def end(self) -> None:
        """Listen no more."""
        globalLogPublisher.removeObserver(self)

    def __call__(self, event: LogEvent) -> None:
        text = _ID.sub("...", formatEvent(event))
        level = event.get("log_level")
        if level in (LogLevel.error, LogLevel.critical) or event.get("log_failure") is not None:
            failure = event.get("log_failure")
            cause = "" if failure is None else f": {failure.getErrorMessage()}"
            self.errors.append(f"{text.splitlines()[0] if text else 'failure'}{cause}")
        if not str(event.get("log_namespace", "")).startswith("mapiproxy"):
            return
        now = self.clock()
        self.says.append((now - self.began, text))
        if " DOWN: " in text and text.startswith("backend "):
            self.went_down[text.split()[1]] += 1
        if level is LogLevel.warn or any(word in text for word in _WORTH):
            self.tell(Happening(at=now, lane="proxy", kind="state", label=_short(text), detail=text))


def _short(text: str) -> str:
    return text.removeprefix("backend ").partition("; ")[0][:60]
