"""Response codes: the kinds number them differently."""

from __future__ import annotations

from mapiproxy.lab.codes import ExchangeCode, GrommunioCode, Refused, gone_codes, sentence
from mapiproxy.mapi.vocabulary import Meaning


def test_numbers_are_those_of_the_proxys_own_table() -> None:
    """Written apart; they must agree all the same."""
    specified = [each for each in Meaning if each not in (Meaning.NO_MEMORY, Meaning.UNDEFINED)]
    for code in ExchangeCode:
        assert specified[code].name == code.name
    assert [code.value for code in GrommunioCode] == list(range(10))


def test_every_code_has_a_sentence_and_a_refusal_says_it() -> None:
    for code in (*ExchangeCode, *GrommunioCode):
        assert sentence(code).endswith((".", ")"))
    assert str(Refused(GrommunioCode.INVALID_CONTEXT_COOKIE)) == (
        "The request has an invalid session context cookie."
    )


def test_after_which_codes_a_context_is_gone() -> None:
    assert 10 in gone_codes("exchange")
    assert 2 in gone_codes("grommunio")
    assert 0 not in gone_codes("exchange") | gone_codes("grommunio")
