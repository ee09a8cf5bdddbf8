"""The verdict: one case for each, ties, and too little to go by."""

from __future__ import annotations

from typing import Any

import pytest
from support.logrows import START, line, theirs
from support.windows import ALICE, calls, crowd, evidence_of

from mapiproxy.backends.kind import Kind
from mapiproxy.evidence.judging import FINE, NO_DATA, PROBLEM, judge
from mapiproxy.record.ending import Ending

LARGE = 500_000
NOBODY: dict[str, Any] = {
    "phase": "Head", "ending": Ending.REFUSED, "backend_status": None, "backend": None, "response_code": None,
}  # fmt: skip
LOST: dict[str, Any] = {"ending": Ending.BACKEND_LOST, "status": None, "backend_status": None}
WAIT = {"request_type": "NotificationWait"}
#: Name of the case, lines, (word, place), how the line goes on, how the scope begins.
CASES: list[tuple[str, list[bytes], tuple[str, str], str, str]] = [
    ("slow backend, everybody", calls(20) + calls(20, wait=2200, send=20, dial=80) + crowd(wait=2100),
     ("slow", "backend"), "slow: backend EXCH1 2.2 s of 2.3 s (Execute), 20 of 40 requests",
     "not only this user: everybody on EXCH1 has it"),
    ("slow backend, only one", calls(40, wait=2200) + crowd(),
     ("slow", "backend"), "slow: backend EXCH1 2.2 s of 2.2 s (Execute), 40 of 40 requests (others' p95 is 20 ms)",
     "only this user: others on EXCH1 do not have it (p95 20 ms of 60 requests, here 2.2 s)"),
    ("slow backend, other backend well", calls(40, wait=2200) + crowd(backend="EXCH2"),
     ("slow", "backend"), "slow: backend EXCH1 2.2 s", "only this user: others do not have it"),
    ("slow dialling", calls(20) + calls(20, dial=3000),
     ("slow", "backend"), "slow: reaching backend EXCH1 (dialling, TLS) 3.0 s of 3.0 s (Execute)",
     "nobody to compare with"),
    ("slow upload, only one", calls(20) + calls(20, send=5000) + crowd(),
     ("slow", "client"), "slow: client or its path 5.0 s of 5.0 s (Execute)",
     "only this user: others in 10.0.0.0/24 do not have it"),
    ("slow download, a whole network", calls(40, answer=5000, response_bytes=LARGE) + crowd(answer=4000, response_bytes=LARGE),
     ("slow", "path"), "slow: client or its path 5.0 s of 5.0 s (Execute)",
     "not only this user: everybody in 10.0.0.0/24 has it"),
    ("slow proxy", calls(20) + calls(20, choose=1500),
     ("slow", "proxy"), "slow: the proxy itself 1.5 s of 1.5 s (Execute)", "nobody"),
    ("a tie of places", calls(40, wait=500, send=500, dial=500),
     ("slow", "client"), "slow: no single place: client 500 ms, connect 500 ms, backend 500 ms of 1.5 s (Execute)", "nobody"),
    ("slow only beside others", calls(40, wait=600) + crowd(wait=20),
     ("slow", "backend"), "slow: backend EXCH1 600 ms of 600 ms (Execute), 40 of 40 requests (others' p95 is 20 ms)", "only"),
    ("a device on the client's path", calls(40) + calls(17, **WAIT, phase="Answer", wait=1, answer=60_000, rest=0),
     ("lost", "path"), "lost: client's path, 17 connections cut after 60.0 s of waiting (+/- 0.0 s)"
     " -> a 60 s device sits between 10.0.0.0/24 and us", "nobody"),
    ("a device behind us", calls(40) + calls(9, **LOST, **WAIT, phase="Wait", wait=300_000),
     ("lost", "backend"), "lost: path to backend EXCH1, 9 connections cut after 300.0 s of waiting (+/- 0.0 s)"
     " -> a 300 s device sits between us and EXCH1", "nobody"),
    ("a client that goes away", calls(40) + [each for n in range(8) for each in calls(1, phase="Answer", wait=37 * n)],
     ("lost", "client"), "lost: client or its path, 8 of 48 requests cut (Execute 8; in phase Answer 8)", "nobody"),
    ("a backend that breaks", calls(40) + calls(6, **LOST, phase="Wait", wait=50) + crowd() + crowd(9, **LOST, phase="Wait"),
     ("lost", "backend"), "lost: backend EXCH1, 6 of 46 requests cut (Execute 6; in phase Wait 6)",
     "not only this user: everybody on EXCH1 has it (13% of their 69 requests, here 13%)"),
    ("a backend that hangs", calls(40) + calls(5, **(LOST | {"ending": Ending.TIMED_OUT}), phase="Wait", wait=60_000),
     ("lost", "backend"), "lost: backend EXCH1 fell silent, 5 of 45 requests cut", "nobody"),
    ("nobody fit", calls(6) + calls(34, **NOBODY, status=503, error="no backend of 'exchange' can be reached"),
     ("refused", "backend"), "refused: no backend fit (503) since 15:26:40, 34 of 40 requests:"
     " no backend of 'exchange' can be reached", "nobody"),
    ("nobody reached", calls(6) + calls(9, phase="Dial", ending=Ending.CONNECT_FAILED, status=503, backend_status=None),
     ("refused", "backend"), "refused: no backend could be reached (503) since", "nobody"),
    ("a rule of ours", calls(1) + calls(9, **NOBODY, status=403, error="denied by the firewall rule 'old'"),
     ("refused", "proxy"), "refused: by the proxy's rules (403) since 15:26:40, 9 of 10 requests: denied by", "nobody"),
    ("bad requests", calls(1) + calls(9, phase="Head", ending=Ending.PROTOCOL_ERROR, status=400, backend_status=None, backend=None),
     ("refused", "client"), "refused: the requests themselves (400)", "nobody"),
    ("a 401 loop", calls(1) + calls(12, status=401, backend_status=401, every=1000),
     ("401 loop", "client"), "401 loop: 12 refusals in a row within", "nobody"),
    ("headers stripped", calls(14, request_type=None, mapi_request_id=None, client_info=None, response_code=7, session=None),
     ("stripped", "path"), "stripped: 14 of 14 requests came without X-RequestType and X-RequestId from 10.0.0.7"
     " -> something between there and us strips X-* headers", "nobody"),
    ("cookies stripped", calls(10, session=None, response_code=13, mapi_request_id="{X}:1"),
     ("stripped", "path"), "stripped: 10 of 10 requests within a session came without its cookie from 10.0.0.7", "nobody"),
    ("errors of the backend", calls(20) + calls(20, status=500, backend_status=500) + crowd(),
     ("error", "backend"), "error: backend EXCH1 itself answered 500 Internal Server Error to 20 of 40 requests", "only"),
    ("denied by the backend", calls(20) + calls(20, status=403, backend_status=403),
     ("denied", "backend"), "denied: backend EXCH1 itself answered 403 Forbidden to 20 of 40 requests", "nobody"),
    ("sessions lost", calls(30) + calls(10, response_code=10),
     ("code", "backend"), "code: backend EXCH1 answered X-ResponseCode 10 (Context Not Found) to 10 of 40 requests,"
     " since 15:26:40: the session is not known there", "nobody"),
    ("sessions lost by us", calls(30) + calls(10, **(NOBODY | {"response_code": 10}), status=200, error="the session lived on X, which is DOWN"),
     ("code", "proxy"), "code: the proxy answered X-ResponseCode 10 (Context Not Found) to 10 of 40 requests,"
     " since 15:26:40: the session lived on X  which is DOWN", "nobody"),
    ("answers held back", calls(20) + calls(5, **WAIT, wait=1, answer=120_000, every=130_000),
     ("held back", "backend"), "held back: 5 of 5 waits ran longer than 65 s without one PENDING", "nobody"),
    ("sessions that leak", calls(40) + calls(6, request_type="Connect", session=None),
     ("leak", "client"), "leak: 6 of 46 requests began a session anew without the cookies of the old one", "nobody"),
    ("a session to and fro", [each for n in range(10) for each in calls(2, backend=f"EXCH{n % 2}")],
     ("moved", "backend"), "moved: session moved 9 times, last from EXCH0 to EXCH1 at 15:26:40", "nobody"),
    ("stopped in an upload", calls(20) + calls(5, phase="Request", ending=Ending.TIMED_OUT, status=408, backend_status=None),
     ("cut", "client"), "cut: the client stopped in the middle of its request, 5 of 25 requests", "nobody"),
    ("the proxy was stopped", calls(20) + calls(5, phase="Wait", ending=Ending.SHUTDOWN),
     ("cut", "proxy"), "cut: the proxy was stopped, 5 of 25 requests", "nobody"),
    ("Exchange's own, broken streams", [theirs(AuthenticatedUser=ALICE, GenericErrors="PossibleException=IOException;", TotalRequestTime=n * 777) for n in range(6)],
     ("lost", "path"), "lost: streams broke, the rows do not say on which side, 6 of 6 requests cut", "nobody"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_each_verdict(case: tuple[str, list[bytes], tuple[str, str], str, str]) -> None:
    _, lines, found, text, scope = case
    verdict = judge(evidence_of(lines))

    assert verdict.line.startswith(text), verdict.line
    assert (verdict.word, verdict.place) == found
    assert verdict.scope.startswith(scope), verdict.scope
    assert verdict.exit_code == PROBLEM


def test_fine_says_how_much_and_how_fast() -> None:
    verdict = judge(evidence_of(calls(1200, wait=40), calls(4, request_type="PING", wait=1), crowd()))

    assert (verdict.exit_code, verdict.line) == (FINE, "fine: 1 204 requests, Execute p95 40 ms")


def test_waits_alone_are_fine_without_a_latency() -> None:
    verdict = judge(evidence_of(calls(6, **WAIT, answer=300_000, pulses=9)))
    assert verdict.line == "fine: 6 requests"


def test_nothing_of_somebody_is_no_data() -> None:
    verdict = judge(evidence_of(crowd(), who="CORP\\nobody"))

    assert (verdict.exit_code, verdict.line) == (NO_DATA, "no data: nothing of CORP\\nobody in this window")


def test_two_requests_are_not_enough_to_say() -> None:
    verdict = judge(evidence_of(calls(1) + calls(1, wait=3000)))

    assert (verdict.exit_code, verdict.line) == (NO_DATA, "not enough to say: 2 requests")
    assert verdict.notes == ("slow: backend EXCH1 3.0 s of 3.0 s (Execute), 1 of 2 requests",)


def test_two_refusals_of_two_are_enough() -> None:
    """Refusals name nobody: a row before the window has told whose mailbox that is."""
    refused = [line(at=60_000 + n, user=ALICE, **NOBODY, status=503) for n in range(2)]
    verdict = judge(evidence_of(calls(1), refused, since=START + 30_000))

    assert verdict.line.startswith("refused: no backend fit (503) since 15:27:40, 2 of 2 requests")


def test_what_happens_every_day_is_a_note() -> None:
    """One wait that ended with Outlook, one session that was drained, three handshakes."""
    lines = calls(60) + calls(1, phase="Answer", **WAIT) + calls(3, status=401, backend_status=401)
    verdict = judge(evidence_of(lines, calls(60, backend="EXCH2")))

    assert verdict.exit_code == FINE
    assert [note.partition(":")[0] for note in verdict.notes] == ["lost", "moved"]


def test_waits_are_compared_with_waits() -> None:
    wait = {**WAIT, "phase": "Answer", "wait": 0}
    mine = calls(40) + calls(5, **wait, answer=60_000)
    others = crowd(300) + crowd(9, **wait, answer=61_000) + crowd(6, **WAIT, answer=300_000, pulses=9)
    verdict = judge(evidence_of(mine, others))

    assert verdict.scope == "not only this user: everybody in 10.0.0.0/24 has it (60% of their 15 waits, here 100%)"


def test_the_worst_is_the_verdict_and_the_rest_beside_it() -> None:
    lines = calls(20) + calls(10, **NOBODY, status=503) + calls(10, wait=3000)
    verdict = judge(evidence_of(lines))

    assert verdict.word == "refused"
    assert [text.partition(":")[0] for text in verdict.also] == ["slow"]


def test_of_two_that_are_as_bad_the_order_of_the_questions_decides() -> None:
    lines = calls(20, status=500, backend_status=500, every=1) + calls(20, response_code=1)
    verdict = judge(evidence_of(lines))

    assert (verdict.word, verdict.also[0][:5]) == ("error", "code:")


def test_the_same_evidence_gives_the_same_verdict() -> None:
    lines = calls(20) + calls(10, **NOBODY, status=503) + crowd()
    assert judge(evidence_of(lines)) == judge(evidence_of(lines))


def test_a_kind_gives_codes_their_meaning() -> None:
    lines = calls(10) + calls(10, response_code=2)
    text = judge(evidence_of(lines, kind=Kind.GROMMUNIO)).line

    assert "X-ResponseCode 2 (Invalid Context Cookie)" in text


def test_handshakes_of_a_busy_client_are_no_loop() -> None:
    pairs = [each for n in range(20) for each in (line(at=n * 10, user=ALICE, status=401, backend_status=401), line(at=n * 10 + 5, user=ALICE))]
    assert judge(evidence_of(pairs)).exit_code == FINE


def test_json_has_the_verdict() -> None:
    plain = judge(evidence_of(calls(2))).as_plain()
    assert plain == {
        "exit_code": 2, "verdict": "not enough", "place": None, "line": "not enough to say: 2 requests",
        "scope": None, "also": [], "notes": [],
    }  # fmt: skip
