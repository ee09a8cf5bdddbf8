"""Servers as machines: what survives which end of a process."""

from __future__ import annotations

from support.scenarios import play, step

from mapiproxy.scenario import Lab


def test_front_ends_of_an_exchange_serve_each_others_contexts() -> None:
    with Lab("exchange") as lab:
        one, two = lab.stage.hosts.values()

        assert one.contexts is two.contexts


def test_servers_of_grommunio_do_not() -> None:
    with Lab("grommunio") as lab:
        one, two = lab.stage.hosts.values()

        assert one.contexts is not two.contexts


def test_a_restarted_process_listens_where_the_old_one_did_and_the_books_go_on() -> None:
    with Lab("grommunio") as lab:
        lab.outlook("alice")
        lab.advance("10s")
        (host,) = lab.stage.hosts_of(("home",))
        port, seen = host.port, len(lab.stage.books.entries)
        lab.run(host.restart())
        lab.advance("70s")

        assert (host.port, host.server.port) == (port, port)
        processes = {entry.process for entry in lab.stage.books.entries if entry.server == host.name}
        assert processes == {1, 2}
        assert len(lab.stage.books.entries) > seen


def test_what_a_crashed_front_end_had_given_to_the_store_is_executed_once() -> None:
    """An Execute that takes seconds is under way when its front end dies."""
    steps = step("10s", "slow", server='"all"', lasting='"3s"') + step("20s", "crash", server='"home"')
    played = play(steps)

    assert played.facts["executed_twice"] == 0
    assert played.facts["phantoms"] == 0
    assert played.facts["offline"] == 0, played.facts["codes"]


def test_a_crash_while_frozen_ends_it() -> None:
    played = play(step("10s", "freeze", server='"mbx2"') + step("20s", "crash", server='"mbx2"', lasting='"5s"'))

    assert played.error is None
    assert played.facts["left"] == []
