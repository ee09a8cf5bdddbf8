"""Was it as expected? Compares what happened with what the file says, one line for each expectation.

Pure: facts and checks in, findings out. What the names mean is in subjects.py, where the numbers come from
in facts.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

Facts = Mapping[str, Any]


@frozen
class Check:
    """What a number must be; ``None`` is no limit.

    :ivar seconds: whether it is shown as a duration.
    """

    least: float | None = None
    most: float | None = None
    seconds: bool = False

    def passes(self, value: float) -> bool:
        """Whether *value* is within the limits."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        least, most = (None if each is None else self.show(each) for each in (self.least, self.most))
        if least is not None and most is not None:
            return least if self.least == self.most else f"{least} to {most}"
        if most is not None:
            return f"at most {most}"
        return f"at least {least}" if least is not None else "anything"

    def show(self, value: float) -> str:
        """As a person wants to read it."""
        if not self.seconds:
            return f"{value:g}"
        return f"{value * 1000:.0f}ms" if 0 < value < 1 else f"{value:.1f}".removesuffix(".0") + "s"


@frozen
class Expectation:
    """One line of ``[expect]``.

    :ivar path: the subject, and keys within it: ``("log", "Ending", "Done")``; ``*`` as the last key is
        the sum of all that are not named.
    :ivar named: for ``*``, the keys that are named.
    :ivar who: whose books tell it.
    """

    path: tuple[str, ...]
    check: Check
    line: int = 0
    named: tuple[str, ...] = ()
    who: str = "clients"

    @property
    def name(self) -> str:
        """As it is written."""
        return ".".join(self.path)

    def find(self, facts: Facts) -> Finding:
        """Compare."""
        value = self._value(facts)
        return Finding(
            self.name, self.check.passes(value), str(self.check), self.check.show(value), self.line, self.who
        )

    def _value(self, facts: Facts) -> float:
        found: Any = facts
        for key in self.path:
            if key == "*":
                return float(sum(count for each, count in found.items() if each not in self.named))
            found = found.get(key, 0) if isinstance(found, Mapping) else 0
        return sum(found.values()) if isinstance(found, Mapping) else float(found)


@frozen
class Detection:
    """Something that the proxy must say, soon enough after a step.

    :ivar step: its name; ``None``: at any time.
    """

    says: re.Pattern[str]
    step: str | None = None
    within: float | None = None
    line: int = 0
    who: str = "proxy"

    @property
    def name(self) -> str:
        """As it is written."""
        return f"detected {self.step or 'at all'}"

    def find(self, facts: Facts) -> Finding:
        """Look for it."""
        since = 0.0 if self.step is None else facts["marks"].get(self.step)
        expected = f"the proxy says /{self.says.pattern}/"
        check = Check(most=self.within, seconds=True)
        if self.step is not None:
            expected += f" after {self.step}"
        if self.within is not None:
            expected += f", within {check.show(self.within)}"
        name = self.name
        if since is None:
            return Finding(name, False, expected, f"the step {self.step} did not happen", self.line, self.who)
        for at, text in facts["says"]:
            if at >= since and self.says.search(text):
                took = at - since
                got = f"after {check.show(took)}: {text}"
                return Finding(name, check.passes(took), expected, got, self.line, self.who)
        return Finding(name, False, expected, "it never said so", self.line, self.who)


@frozen
class Finding:
    """How one expectation came out."""

    name: str
    ok: bool
    expected: str
    got: str
    line: int = 0
    who: str = "clients"

    def __str__(self) -> str:
        if self.ok:
            return f"ok      {self.name}: {self.got}"
        return f"FAILED  {self.name}: expected {self.expected}, got {self.got}"


Expected = Expectation | Detection


def judge(expected: Sequence[Expected], facts: Facts) -> tuple[Finding, ...]:
    """A finding for each, in the same order."""
    return tuple(each.find(facts) for each in expected)
