"""How values are read: each form, and its refusal."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen

from mapiproxy.lab.network.reading import (
    BadRule,
    choice,
    duration,
    forms_of,
    keys_of,
    line,
    network,
    refuse_unknown,
    required_of,
    share,
    size,
    switch,
    take,
    whole,
    words,
)


@frozen
class Sample:
    wait: float = duration()
    room: int = size(5)
    count: int = whole(1, 2, most=9)
    part: float = share(0.5)
    on: bool = switch(False)
    names: tuple[str, ...] = words(())
    way: str = choice(("left", "right"), "left")
    text: str = line("")
    net: Any = network(None)  # noqa: RUF009
    own: int = 7


def test_everything_is_read() -> None:
    table = {
        "wait": "2s", "room": "1KiB", "count": 3, "part": 1, "on": True, "names": ["a", "b"], "way": "right",
        "text": "x", "net": "10.0.0.0/8",
    }  # fmt: skip
    sample = take(Sample, table, "sample")
    assert (sample.wait, sample.room, sample.names, str(sample.net)) == (2.0, 1024, ("a", "b"), "10.0.0.0/8")
    assert take(Sample, {"wait": "1s", "names": "one"}, "sample").names == ("one",)
    assert required_of(Sample) == ["wait"]
    assert "own" not in keys_of(Sample)
    assert {forms_of(Sample)[name] for name in ("on", "names", "count", "wait")} == {"switch", "words", "number", "text"}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("wait", True, "is not a duration"),
        ("room", -1, "more than zero"),
        ("count", 10, "10 is not a whole number of 1 to 9"),
        ("count", True, "true is not a whole number"),
        ("part", "half", "is not a number from 0 to 1"),
        ("on", 1, "1 is neither true nor false"),
        ("names", [5], "5 is not a line of plain text"),
        ("way", "up", "is not one of left, right"),
        ("text", "a\r\nb", "is not a line of plain text"),
        ("net", "10.0.0.1/8", "is not a network"),
    ],
)
def test_mistakes_are_named_with_their_key(name: str, value: object, text: str) -> None:
    with pytest.raises(BadRule) as caught:
        take(Sample, {"wait": "1s", name: value}, "sample")
    assert str(caught.value).startswith(f"sample: {name}: ")
    assert text in str(caught.value)


def test_unknown_keys_are_refused_with_what_is_allowed() -> None:
    with pytest.raises(BadRule, match="sample: unknown key rooms; did you mean room"):
        refuse_unknown({"rooms": 1}, keys_of(Sample), "sample")
