"""How a verdict is shown to a person."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console
from support.windows import calls, crowd, evidence_of

from mapiproxy.commands.showing import show
from mapiproxy.commands.windows import Span
from mapiproxy.evidence.judging import judge
from mapiproxy.record.ending import Ending

SPAN = Span(None, None, "the whole log")


def shown(*parts: Iterable[bytes], width: int = 120) -> str:
    evidence = evidence_of(*parts)
    out = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    show(evidence, judge(evidence), SPAN, out)
    text = out.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


def test_all_that_speaks_for_the_verdict_is_below_it() -> None:
    lost = calls(4, phase="Answer", request_type="NotificationWait", answer=60_000)
    text = shown(calls(40, wait=20), lost, calls(4, status=503, backend_status=503), crowd(), crowd(30, backend="EXCH2"))
    words = [" ".join(each.split()) for each in text.splitlines()]

    assert words[0].startswith("lost: client's path, 4 connections cut after 60.0 s of waiting")
    for expected in (
        "window: the whole log",
        "Where the time went",
        "p50 p95 max others' p50 p95",
        "backend 20 ms 20 ms 20 ms 20 ms 20 ms",
        "Slowest requests",
        "15:26:40 20 ms Execute EXCH1 backend 20 ms 3422ea93-768f-4cd4-8b0c-578038deb0b2",
        "Losses",
        "client lost 4 NotificationWait Answer 60.0 s, 60.0 s, 60.0 s",
        "Answers: fine x 40, 503 backend error x 4, 200 ClientDisconnect x 4",
        "EXCH1 48 100% 8 20 ms 60 0 20 ms",
        "10.0.0.7 48 8 20 ms 10.0.0.0/24 90 0 20 ms",
    ):
        assert expected in words, (expected, text)


def test_80_columns_are_enough_for_the_tables() -> None:
    text = shown(calls(40), crowd(), width=80)
    lines = text.splitlines()[4:]

    assert max(map(len, lines)) <= 80
    # The ids do not fit beside their requests.
    assert "            3422ea93-768f-4cd4-8b0c-578038deb0b2" in lines


def test_other_findings_and_notes_stand_beside_it() -> None:
    text = shown(calls(20), calls(10, status=503, backend_status=503), calls(10, wait=3000), calls(1, backend="EXCH2"))

    assert "  also: slow: backend EXCH1 3.0 s" in text
    assert "  note: moved: session moved once, last from EXCH1 to EXCH2" in text


def test_what_was_retried_and_moved_is_said() -> None:
    text = shown(calls(5), calls(1, backend="EXCH2", retries=2, moved_from="10.9.9.9"), width=200)
    assert "; 2 retries; 1 move to another backend; address changed once" in text


def test_somebody_with_losses_alone_has_no_table_of_times() -> None:
    text = shown(calls(6, response_code=None, phase="Wait", ending=Ending.BACKEND_LOST, status=200, backend_status=200))

    assert "Where the time went" not in text
    assert "Losses" in text
