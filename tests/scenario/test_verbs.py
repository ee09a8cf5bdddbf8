"""How a class becomes a verb."""

from __future__ import annotations

from attrs import fields

from mapiproxy.scenario.verbs import VERB_MANY, VERB_PARSERS, VERBS


def test_a_verb_is_called_as_its_class_in_small_letters() -> None:
    assert {"crash", "vpn_flap", "kill_session", "restart_proxy", "log_in"} <= set(VERBS)


def test_durations_are_read_as_such_and_clients_may_be_several() -> None:
    hibernate = VERBS["hibernate"]

    assert VERB_PARSERS[hibernate, "lasting"]("5m") == 300
    assert (hibernate, "client") in VERB_MANY


def test_all_keys_have_defaults_so_that_what_is_missing_can_be_said() -> None:
    for word, verb in VERBS.items():
        for attribute in fields(verb):
            assert attribute.default is not None or attribute.type is not None, word
        verb()
