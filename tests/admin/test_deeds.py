"""From forms to orders, and what is said of them."""

from __future__ import annotations

import pytest
from support.orders import SERVER

from mapiproxy.admin.deeds import DEEDS, BadForm, order_of, told


@pytest.mark.parametrize(
    ("fields", "order"),
    [
        ({"do": "ready", "server": "E1"}, {"command": "ready", "server": "E1"}),
        ({"do": "maint", "server": "E1", "pool": "p"}, {"command": "maint", "server": "E1", "pool": "p"}),
        ({"do": "drain", "server": "E1", "deadline": " "}, {"command": "drain", "server": "E1"}),
        ({"do": "drain", "server": "E1", "deadline": "30m"}, {"command": "drain", "server": "E1", "deadline": 1800}),
        ({"do": "drain", "server": "E1", "deadline": "45"}, {"command": "drain", "server": "E1", "deadline": 2700}),
        ({"do": "weight", "server": "E1", "weight": "0"}, {"command": "weight", "server": "E1", "weight": 0}),
        ({"do": "kill", "session": "7f3a"}, {"command": "kill", "session": "7f3a"}),
        ({"do": "reload", "server": "ignored"}, {"command": "reload"}),
    ],
)
def test_a_form_becomes_an_order(fields: dict[str, str], order: dict[str, object]) -> None:
    assert order_of(DEEDS[fields["do"]], fields) == order


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "ready"}, {"do": "kill"}, {"do": "drain", "server": "E", "deadline": "soon"},
        {"do": "drain", "server": "E", "deadline": "-5m"}, {"do": "weight", "server": "E"},
        {"do": "weight", "server": "E", "weight": "1001"}, {"do": "weight", "server": "E", "weight": "-1"},
        {"do": "weight", "server": "E", "weight": "١"}, {"do": "weight", "server": "E", "weight": "9" * 5000},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said(fields: dict[str, str]) -> None:
    with pytest.raises(BadForm, match=r"\w+"):
        order_of(DEEDS[fields["do"]], fields)


def test_what_came_of_it_is_told() -> None:
    server = {"ok": True, "server": {**SERVER, "admin": "drain"}}
    assert told(DEEDS["drain"], server) == [
        "EXCH1 is drain: 0 Execute, 37 waits, 41 sessions, safe in <= 4m12s."
    ]
    assert told(DEEDS["weight"], server) == ["EXCH1 has the weight 100 now."]
    assert told(DEEDS["kill"], {"ok": True, "session": "7f", "cut": 2}) == ["Session 7f is ended, 2 calls cut."]
    assert told(DEEDS["reload"], {"ok": True, "generation": 3, "changes": [], "problems": ["w"]}) == [
        "Configuration 3 is in effect.", "Nothing changed.", "w",
    ]  # fmt: skip
    assert told(DEEDS["reload"], {"ok": False, "error": "no", "problems": ["line 3"]}) == ["no", "line 3"]
