"""What is kept of a window, and of whom."""

from __future__ import annotations

from support.logrows import START, line
from support.windows import ALICE, calls, crowd, evidence_of

from mapiproxy.evidence.fate import Fate
from mapiproxy.evidence.gathering import Crowd
from mapiproxy.record.ending import Ending

WAIT = {"request_type": "NotificationWait"}


def test_rows_are_somebodys_or_others() -> None:
    evidence = evidence_of(calls(10), crowd(60), crowd(30, backend="EXCH2", client_ip="10.1.0.1"))

    assert (evidence.me.count, evidence.others.count) == (10, 90)
    assert {name: each.count for name, each in evidence.on_backend.groups.items()} == {"EXCH1": 60, "EXCH2": 30}
    assert {name: each.count for name, each in evidence.in_network.groups.items()} == {"10.0.0.0/24": 60, "10.1.0.0/24": 30}
    assert (evidence.backends, evidence.networks) == (["EXCH1"], ["10.0.0.0/24"])


def test_nameless_rows_are_settled_at_the_end_whenever_they_came() -> None:
    mine = [line(at=0, status=401, backend_status=401, user=ALICE)]
    evidence = evidence_of(mine, calls(3), crowd(3))

    assert (evidence.me.count, evidence.me.fates[Fate.CHALLENGE]) == (4, 1)


def test_so_many_nameless_rows_wait_and_no_more() -> None:
    lines = calls(6000, status=401, backend_status=401, every=1)
    evidence = evidence_of(lines, calls(1))

    # Those that had to be settled before anybody was known are others'.
    assert (evidence.me.count, evidence.others.count) == (5001, 1000)


def test_rows_before_the_window_only_teach() -> None:
    evidence = evidence_of(calls(5), [line(at=60_000, status=401, backend_status=401)], since=START + 30_000)

    assert (evidence.me.count, evidence.details.first) == (1, START + 60_000)


def test_waits_and_losses_say_nothing_of_how_fast_it_is() -> None:
    lost = calls(2, phase="Wait", ending=Ending.BACKEND_LOST, wait=9000)
    evidence = evidence_of(calls(5, wait=10), calls(3, **WAIT, answer=300_000, pulses=9), lost)

    assert (evidence.me.count, evidence.me.times.count, evidence.me.times.most) == (10, 5, 10)
    assert [(loss.ms, loss.phase, loss.wait) for loss in evidence.details.losses] == [(9000, "Wait", False)] * 2
    assert evidence.details.waits == 3
    assert evidence.details.silent_waits == 0


def test_the_slowest_are_kept_and_only_they() -> None:
    evidence = evidence_of([each for number in range(500) for each in calls(1, wait=number)])
    kept = sorted(slow.total for slow in evidence.details.slowest)

    assert kept == list(range(300, 500))


def test_moves_retries_and_changed_addresses_are_counted() -> None:
    lines = [*calls(2), *calls(2, backend="EXCH2", retries=1, moved_from="10.9.9.9"), *calls(2, backend="EXCH2", path="/mapi/nspi/")]
    details = evidence_of(lines).details

    assert (details.moved, details.retries, details.addresses_changed) == (1, 2, 2)
    assert details.moves[0][1:] == ("EXCH1", "EXCH2")


def test_a_challenge_moves_no_session() -> None:
    lines = [*calls(1), *calls(1, backend="EXCH2", status=401, backend_status=401), *calls(1)]
    assert evidence_of(lines).details.moved == 0


def test_requests_without_a_session_are_noticed_where_one_must_be() -> None:
    lines = [*calls(3, session=None), *calls(2), *calls(1, session=None, request_type="Connect")]
    details = evidence_of(lines).details

    assert (details.cookieless, details.within) == (3, 5)


def test_a_session_that_is_begun_again_without_its_cookies_is_counted() -> None:
    connect = {"request_type": "Connect"}
    lines = [*calls(3, **connect, session=None), *calls(2, **connect), *calls(1, **connect, session=None, client_info="{B}:1")]

    # The first of each Outlook has none to bring.
    assert evidence_of(lines).details.reconnects == 2


def test_crowds_add_up() -> None:
    crowds = [evidence_of(calls(count)).me for count in (2, 3)]
    whole = Crowd()
    for each in crowds:
        whole.merge(each)

    assert (whole.count, whole.times.count, whole.fates[Fate.FINE]) == (5, 5, 5)
