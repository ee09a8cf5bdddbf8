"""Every rule that can be found has a reason, and every reason can be found."""

from __future__ import annotations

import re
from pathlib import Path

import mapiproxy.lint
from mapiproxy.lint.finding import RULES, Finding, Severity

ROOM = Path(mapiproxy.lint.__file__).parent


def test_a_finding_has_the_weight_and_the_reason_of_its_rule() -> None:
    found = Finding("replay", "haproxy.cfg", 7, "retry-on all-retryable-errors")
    assert found.severity is Severity.ERROR
    assert "twice" in found.why


def test_no_rule_is_there_for_nothing() -> None:
    named = {
        name
        for path in ROOM.glob("*_rules.py")
        for name in re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+|opaque|replay|compressed|cached|http10|duplicate)"',
                               path.read_text())
    }  # fmt: skip
    assert set(RULES) - named == set()
