"""Receipts against what servers executed."""

from __future__ import annotations

from mapiproxy.lab.outlook.receipts import Receipts


def test_what_must_not_be_is_found() -> None:
    receipts = Receipts({"A:1": "anna", "A:2": "anna", "A:3": "anna"}, {"A:1", "A:3"})
    assert receipts.compare({"A:1": 1, "A:3": 1}) == []
    assert receipts.compare({"A:1": 1, "A:2": 1, "A:3": 1}) == []  # nobody knew, and it was
    assert receipts.unknown() == ["A:2"]
    assert receipts.compare({"A:1": 2, "B:1": 1}) == [
        "A:1 was executed 2 times",
        "A:3 was answered and not executed",
        "B:1 was executed and never sent",
    ]
