"""Text of others in a log without quotes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.record.cleaning import LIMIT, LONG_LIMIT, clean, clean_item, clean_long


def test_a_comma_becomes_one_space_as_exchange_does_it() -> None:
    assert clean_long("(KHTML, like Gecko)") == "(KHTML  like Gecko)"
    assert clean("10.0.0.1, 10.0.0.2") == "10.0.0.1  10.0.0.2"


def test_semicolons_stay_in_values_and_go_from_items() -> None:
    assert clean("a;b") == "a;b"
    assert clean_item("a;b") == "a b"


def test_nothing_gives_nothing() -> None:
    assert clean(None) == clean_long(None) == clean_item(None) == clean("") == ""


def test_utf8_read_as_latin1_is_told_as_utf8() -> None:
    assert clean("é".encode().decode("latin-1")) == "é"
    assert clean_item("é".encode().decode("latin-1")) == "é"
    assert clean(b"\xe9".decode("latin-1")) == "é"


def test_values_are_cut() -> None:
    assert len(clean("x" * 9999)) == len(clean_item("x" * 9999)) == LIMIT
    assert len(clean_long("x" * 9999)) == LONG_LIMIT


@given(st.one_of(st.text(), st.binary().map(lambda value: value.decode("latin-1"))))
def test_no_text_brings_separators_or_controls(text: str) -> None:
    for cleaned in (clean(text), clean_long(text), clean_item(text)):
        assert not set(cleaned) & {",", '"', "\u2028", "\u2029"}
        assert not [char for char in cleaned if ord(char) < 32 or 127 <= ord(char) < 160]
        assert len(cleaned.splitlines()) <= 1
    assert ";" not in clean_item(text)
