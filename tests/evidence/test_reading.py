"""The rows of a file, whatever layout, line ends or damage it has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.ledgers import ledgers
from support.logrows import CONNECT, EXECUTE, FORMAT, IDENTITY, RPC_2013, START, line, theirs

from mapiproxy.evidence.layout import COLUMNS, KNOWN
from mapiproxy.evidence.reading import LONGEST_LINE, NAMED, FileReader, Troubles, Window, lines_of
from mapiproxy.evidence.row import Row
from mapiproxy.record.ending import Ending
from mapiproxy.record.httpproxy import header
from mapiproxy.record.ledger import Ledger

NAMES = ",".join(COLUMNS)
COMMENTS = "#Software: Microsoft Exchange Server\r\n#Version: 15.01.2375.007\r\n#Log-type: HttpProxy Logs\r\n"
FIELDS = f"#Fields: {NAMES}\r\n"
LAYOUTS = {
    "A": f"{NAMES}\r\n{COMMENTS}{FIELDS}",
    "B": f"{COMMENTS}{FIELDS}",
    "C": f"{COMMENTS}{FIELDS}{NAMES}\r\n",
    "bare": f"{NAMES}\r\n",
    "none": "",
}


def read(text: str | bytes, window: Window | None = None, piece: int = 100) -> tuple[list[Row], Troubles]:
    data = text if isinstance(text, bytes) else text.encode("utf-8")
    troubles = Troubles()
    pieces = [data[start : start + piece] for start in range(0, len(data), piece)]
    return list(FileReader("f.LOG", troubles, window or Window()).rows(pieces)), troubles


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_every_layout_with_and_without_a_mark_and_with_either_line_end(layout: str, end: str, bom: str) -> None:
    rows, troubles = read((bom + LAYOUTS[layout] + CONNECT + EXECUTE).replace("\r\n", end))

    # Without any header the mark would stand on a row, which is lost: nobody writes such files.
    lost = layout == "none" and bool(bom)
    assert [row.request_id[:8] for row in rows] == ["3fe8b64c", "3422ea93"][lost:]
    assert troubles.broken == lost
    assert troubles.guessed == (layout == "none")


def test_a_header_in_the_middle_changes_the_columns_from_there_on() -> None:
    old = theirs(columns=KNOWN[69], RequestId="old").decode()
    text = f"{LAYOUTS['A']}{EXECUTE}#Fields: {','.join(KNOWN[69])}\r\n{old}"
    rows, troubles = read(text)

    assert [row.request_id for row in rows] == ["3422ea93-768f-4cd4-8b0c-578038deb0b2", "old"]
    assert troubles.broken == 0


def test_the_line_of_2013_has_64_columns_floats_and_a_capital_true() -> None:
    (row,), troubles = read(f"#Fields: {','.join(KNOWN[64])}\r\n{RPC_2013}")

    assert (row.user, row.total, row.sort, row.is_wait) == ("tailspin\\Wendy", 16282, "RPC_OUT_DATA", True)
    assert troubles.broken == 0


def test_a_broken_row_is_counted_and_named_and_the_next_one_is_read() -> None:
    text = LAYOUTS["A"] + "2024-01-24T15:26:47.957Z,too,few\r\n" + "rubbish\r\n" + EXECUTE
    text += EXECUTE.replace("2024-01-24T15:26:47.957Z", "2024-13-24T15:26:47.957Z", 1)
    rows, troubles = read(text)

    assert (len(rows), troubles.rows, troubles.broken) == (1, 1, 3)
    assert troubles.named == [
        "f.LOG:6: 3 values, the header names 74",
        "f.LOG:7: neither a row nor a header",
        "f.LOG:9: '2024-13-24T15:26:47.957Z' is no DateTime",
    ]


def test_only_the_first_broken_rows_are_named() -> None:
    _, troubles = read(LAYOUTS["A"] + "1,2\r\n" * (NAMED + 5))

    assert (troubles.broken, len(troubles.named)) == (NAMED + 5, NAMED)


def test_half_a_line_at_the_end_is_somebody_writing_and_not_broken() -> None:
    rows, troubles = read(LAYOUTS["A"] + EXECUTE + EXECUTE[:300])

    assert (len(rows), troubles.broken, troubles.half) == (1, 0, 1)


def test_a_last_line_with_all_its_values_needs_no_end() -> None:
    rows, troubles = read(LAYOUTS["A"] + EXECUTE.rstrip("\r\n"))

    assert (len(rows), troubles.half) == (1, 0)


def test_windows_1252_is_read_as_that_and_utf_8_as_that() -> None:
    text = LAYOUTS["A"] + EXECUTE.replace("DOMAIN\\user", "DOMAIN\\jörg")
    assert [row.user for row in read(text.encode("cp1252"))[0]] == ["DOMAIN\\jörg"]
    assert [row.user for row in read(text.encode("utf-8"))[0]] == ["DOMAIN\\jörg"]


def test_values_that_somebody_has_quoted_are_unquoted() -> None:
    """Export-Csv quotes everything; others quote what has a comma."""
    agent = EXECUTE.replace("Microsoft Office/16.0", '"Office, 16"', 1)
    everything = ",".join(f'"{value}"' for value in EXECUTE.rstrip("\r\n").split(",")) + "\r\n"
    names = ",".join(f'"{name}"' for name in COLUMNS) + "\r\n"
    assert [row.request_id[:8] for row in read(LAYOUTS["A"] + agent)[0]] == ["3422ea93"]
    rows, troubles = read(names + everything)

    assert [(row.user, row.total) for row in rows] == [("DOMAIN\\user", 10)]
    assert troubles.broken == 0


def test_what_powershell_has_saved_is_told_once_and_with_the_remedy() -> None:
    for encoding in ("utf-16", "utf-16-be"):
        mark = "\ufeff" if encoding == "utf-16-be" else ""
        rows, troubles = read((mark + FIELDS + EXECUTE * 3).encode(encoding))
        assert rows == []
        assert troubles.named == ["f.LOG:1: is UTF-16, as PowerShell writes it; save it as UTF-8"]


def test_a_header_that_is_of_another_log_is_named_with_what_it_lacks() -> None:
    rows, troubles = read("#Fields: date-time,session-id\r\n2024-01-24T15:26:47.957Z,1\r\n")

    assert rows == []
    assert troubles.named[0] == "f.LOG:1: the header names no DateTime, HttpStatus, TotalRequestTime"
    assert troubles.named[1] == "f.LOG:2: no header so far, and 2 values fit no layout that is known"


def test_a_window_includes_both_its_ends() -> None:
    text = LAYOUTS["A"].encode() + b"".join(line(at=at) for at in (0, 1000, 2000, 3000))
    rows, _ = read(text, Window(START + 1000, START + 2000))

    assert [row.at - START for row in rows] == [1000, 2000]


def test_rows_before_the_window_come_if_they_have_the_needle() -> None:
    lines = [line(at=0, user="A\\BOB"), line(at=1, user="A\\alice"), line(at=5000, user="A\\carl")]
    rows, _ = read(LAYOUTS["A"].encode() + b"".join(lines), Window(START + 2000, None, b"bob"))

    assert [row.user for row in rows] == ["A\\BOB", "A\\carl"]


def test_a_window_holds_where_the_time_is_not_the_first_column() -> None:
    names = ("HttpStatus", "DateTime", "TotalRequestTime")
    text = ",".join(names) + "\r\n"
    for second in (1, 5):
        text += theirs(names, DateTime=f"2024-01-24T15:26:0{second}.000Z").decode()
    # Such a header is only recognised with its mark.
    rows, _ = read("#Fields: " + text, Window(1706109963000, 1706109966000))

    assert [row.at for row in rows] == [1706109965000]


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 64))
def test_no_bytes_stop_it(pieces: list[bytes], size: int) -> None:
    data = header(IDENTITY, 0.0, True, False) + b"\n".join(pieces) + b"\n" + EXECUTE.encode()
    rows, troubles = read(data, piece=size)

    assert rows[-1].request_id == "3422ea93-768f-4cd4-8b0c-578038deb0b2" or troubles.broken


@given(ledgers())
def test_every_line_that_we_write_is_read_back(ledger: Ledger) -> None:
    rows, troubles = read(header(IDENTITY, 0.0, True, False) + FORMAT.line(ledger))

    assert (len(rows), troubles.broken) == (1, 0)
    assert rows[0].ending == ledger.ending.value
    left_early = ledger.status is None and ledger.ending is Ending.CLIENT_DISCONNECT
    # Exchange writes 200 for a client that left before it had any status.
    assert rows[0].status == (200 if left_early else ledger.status)


def test_an_endless_line_is_not_kept_in_memory() -> None:
    pieces = [b"2" * 65536] * 64 + [b"\r\n" + EXECUTE.encode()]
    lines = [(line, whole) for some, whole in lines_of(iter(pieces)) for line in some]

    assert [whole for _, whole in lines] == [True, True]
    assert len(lines[0][0]) <= LONGEST_LINE + 65536
    assert lines[1][0] == EXECUTE.encode().removesuffix(b"\n")
