"""What is counted in the HttpProxy log."""

from __future__ import annotations

from pathlib import Path

from mapiproxy.scenario.evidence import count_values, log_lines

LINES = [
    "DateTime,RequestId,HttpStatus,GenericInfo,GenericErrors",
    "2026-01-05T08:00:00.000Z,1,200,BeginRequest=2026;RoutedBy=mailbox;Ending=Done;,",
    "2026-01-05T08:00:01.000Z,2,200,RoutedBy=route-cookie;Ending=ClientDisconnect;Phase=Answer;,",
    '2026-01-05T08:00:02.000Z,3,503,Ending=Done;,"a, b"',
]


def test_words_and_codes_are_counted_and_times_and_ids_are_not() -> None:
    assert count_values(LINES) == {
        "Ending": {"ClientDisconnect": 1, "Done": 2},
        "HttpStatus": {"200": 2, "503": 1},
        "Phase": {"Answer": 1},
        "RoutedBy": {"mailbox": 1, "route-cookie": 1},
        "lines": {"all": 3},
    }


def test_without_a_line_there_is_still_a_number_of_lines() -> None:
    assert count_values([]) == {"lines": {"all": 0}}


def test_files_are_read_in_order_and_a_line_that_is_not_whole_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "Mapi"
    folder.mkdir()
    (folder / "HttpProxy_2026010508-1.LOG").write_text("#Fields: x\nDateTime,x\na,1\nb,2\nc", encoding="utf-8-sig")
    (folder / "HttpProxy_2026010509-1.LOG").write_text("d,3\n")

    assert log_lines(tmp_path) == ["DateTime,x", "a,1", "b,2", "d,3"]
    assert log_lines(tmp_path / "nowhere") == []
