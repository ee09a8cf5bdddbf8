"""One line for each way to fail."""

from __future__ import annotations

import pytest

from mapiproxy.backends.kind import Kind
from mapiproxy.evidence.explaining import cause_of, explain, name_code, name_status
from mapiproxy.evidence.fate import Fate
from mapiproxy.record.outcome import ERROR_CODES


def test_numbers_mean_what_the_kind_says_and_both_where_it_is_not_known() -> None:
    assert name_code(10, Kind.EXCHANGE) == "Context Not Found"
    assert name_code(2, Kind.GROMMUNIO) == "Invalid Context Cookie"
    assert name_code(2, None) == "Invalid Verb, or on grommunio Invalid Context Cookie"
    assert name_code(10, None) == "Context Not Found"
    assert name_code(0, None) == "Success"
    assert name_code(99, None) == "Undefined"


def test_a_cause_is_only_told_where_it_is_sure() -> None:
    assert "strips Cookie" in cause_of(13, Kind.EXCHANGE)
    assert "strips Cookie" in cause_of(6, Kind.GROMMUNIO)
    assert cause_of(6, None) == ""
    assert "not known there" in cause_of(10, None)


def test_a_status_has_its_name() -> None:
    assert [name_status(each) for each in (503, 799, None)] == ["503 Service Unavailable", "799", "none"]


@pytest.mark.parametrize("code", sorted(ERROR_CODES))
def test_every_error_code_of_ours_is_explained_in_its_own_words(code: str) -> None:
    text = explain(Fate.BACKEND_LOST, None, None, code, None, "Wait")
    assert text == f"{ERROR_CODES[code]}, before the answer began"


@pytest.mark.parametrize("fate", list(Fate))
def test_every_fate_has_a_line(fate: Fate) -> None:
    assert explain(fate, 500, 500, "", 10, "")


def test_who_decided() -> None:
    assert explain(Fate.NO_BACKEND, 503, None, "ServiceUnavailable", None, "Head").endswith("the proxy decided")
    assert explain(Fate.REFUSED, 403, 200, "", None, "") == (
        "the proxy answered by itself: the proxy decided (the backend had said 200)"
    )
    assert explain(Fate.BACKEND_ERROR, 500, 500, "", None, "") == (
        "the backend itself answered 500 Internal Server Error, and the proxy passed it on"
    )
    assert explain(Fate.CODE, 200, None, "Refused", 10, "Head", Kind.EXCHANGE).startswith(
        "a 200 whose X-ResponseCode 10 says Context Not Found: the proxy decided; the session"
    )
