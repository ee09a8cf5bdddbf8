"""Which phase is each byte in? The same for every way to cut the stream, and no byte is lost or added."""

from __future__ import annotations

import pytest
from support.network import (
    AFTER_DONE,
    CONNECTION,
    MAILBOX,
    answer,
    bytes_of,
    gromox_answer,
    plain_answer,
    request,
)
from support.splits import splits

from mapiproxy.lab.network.observer import Observer
from mapiproxy.lab.network.pieces import Cut, Item, Piece, Reply

Labelled = list[tuple[str, int, bytes]]


def labelled(items: list[Item]) -> Labelled:
    """Phase, number and bytes, with neighbours of the same label joined."""
    out: Labelled = []
    for item in items:
        assert isinstance(item, Piece)
        place = item.place
        if out and out[-1][:2] == (place.phase, place.number) and not place.last:
            out[-1] = (*out[-1][:2], out[-1][2] + item.data)
        else:
            out.append((place.phase, place.number, item.data))
    return out


def marks(items: list[Item]) -> list[tuple[str, int]]:
    """The order in which phases begin."""
    out: list[tuple[str, int]] = []
    for item in items:
        assert isinstance(item, Piece)
        label = (item.place.phase, item.place.number)
        if not out or out[-1] != label:
            out.append(label)
    return out


CHUNKED_REQUEST = (
    b"POST /mapi/nspi/ HTTP/1.1\r\nHost: a\r\nX-RequestType: Bind\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nTrailer: x\r\n\r\n"
)


@pytest.mark.parametrize("raw", [request(), request(body=b""), CHUNKED_REQUEST, b"\r\n" + request() + request("PING")])
def test_requests_read_the_same_however_they_are_cut(raw: bytes) -> None:
    whole = labelled(Observer(CONNECTION).request(raw))
    assert b"".join(data for _, _, data in whole) == raw
    for pieces in splits(raw):
        observer = Observer(CONNECTION)
        assert labelled([item for piece in pieces for item in observer.request(piece)]) == whole


@pytest.mark.parametrize("raw", [answer(pendings=2), answer(b""), gromox_answer(), plain_answer(), answer(b"DONE\r\n\r\nPENDING\r\n")])
def test_answers_read_the_same_however_they_are_cut(raw: bytes) -> None:
    observer = Observer(CONNECTION)
    observer.request(request())
    items = observer.answer(raw)
    whole = labelled(items)
    assert b"".join(data for _, _, data in whole) == raw
    for pieces in splits(raw):
        observer = Observer(CONNECTION)
        observer.request(request())
        cut = [item for piece in pieces for item in observer.answer(piece)]
        assert labelled(cut) == whole
        assert marks(cut) == marks(items)


def test_the_phases_of_a_wait() -> None:
    observer = Observer(CONNECTION)
    assert [phase for phase, _, _ in labelled(observer.request(request("NotificationWait")))] == [
        "request_head", "request_body", "request_end",
    ]  # fmt: skip
    items = observer.answer(answer(pendings=2))
    assert marks(items) == [
        ("before_answer", 0), ("after_processing", 0), ("pending", 1), ("pending", 2),
        ("before_done", 2), ("in_binary", 2), ("idle", 0),
    ]  # fmt: skip
    payload = {phase: b"" for phase, _ in marks(items)}
    for item in items:
        payload[item.place.phase] += item.payload
    assert payload["pending"] == b"PENDING\r\n" * 2
    assert payload["before_done"] == AFTER_DONE
    assert payload["in_binary"] == b"0123456789"


def test_grommunio_pendings_are_counted_without_line_ends() -> None:
    observer = Observer(CONNECTION)
    observer.request(request("NotificationWait"))
    items = observer.answer(gromox_answer(pendings=3))
    assert [number for phase, number in marks(items) if phase == "pending"] == [1, 2, 3]
    assert marks(items)[-3:] == [("before_done", 3), ("in_binary", 3), ("idle", 0)]


def test_after_processing_is_told_at_once_and_not_with_what_follows() -> None:
    observer = Observer(CONNECTION)
    observer.request(request())
    begun = answer()[: answer().index(b"PROCESSING\r\n") + len(b"PROCESSING\r\n\r\n")]
    last = observer.answer(begun)[-1]
    assert (last.place.phase, last.data) == ("after_processing", b"")


def test_what_an_exchange_says_of_itself() -> None:
    observer = Observer(CONNECTION)
    head = observer.request(request("execute", headers=["Cookie: MapiContext=secret"]))[0]
    exchange = head.place.exchange
    assert exchange is not None
    assert (exchange.request_type, exchange.mailbox, exchange.number) == ("Execute", MAILBOX, 1)
    assert "secret" not in repr(exchange.session)
    again = observer.request(request("PING", headers=["Cookie: MapiContext=secret"]))[0]
    assert again.place.exchange.session == exchange.session
    other = observer.request(request("PING", headers=["Cookie: sid=other"]))[0]
    assert other.place.exchange.session != exchange.session


def test_offsets_count_payload() -> None:
    observer = Observer(CONNECTION)
    body = [item for item in observer.request(CHUNKED_REQUEST) if item.payload]
    assert [(item.place.offset, item.payload) for item in body] == [(0, b"abc"), (3, b"0123456789abcdef")]


def test_an_answer_until_close_ends_with_the_connection() -> None:
    observer = Observer(CONNECTION)
    observer.request(request())
    items = observer.answer(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nabc")
    assert not items[-1].place.last
    assert observer.answer_end()[-1].place.last


def test_an_answer_without_a_body_and_one_to_head() -> None:
    for method, head in ((b"POST", b"HTTP/1.1 204 No Content\r\n\r\n"), (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")):
        observer = Observer(CONNECTION)
        observer.request(request(method=method.decode(), body=b""))
        assert observer.answer(head)[-1].place.last


def test_interim_answers_do_not_count() -> None:
    observer = Observer(CONNECTION)
    observer.request(request())
    items = observer.answer(b"HTTP/1.1 100 Continue\r\n\r\n" + plain_answer())
    assert (items[0].place.phase, items[0].place.head) == ("", False)
    assert items[1].place.head
    assert items[-1].place.last


@pytest.mark.parametrize("raw", [b"\x16\x03\x01\x02\x00\x01", b"SSH-2.0-x\r\n\r\n", b"GET / HTTP/3\r\n\r\nxyz"])
def test_what_is_not_http_passes_unread(raw: bytes) -> None:
    observer = Observer(CONNECTION)
    items = observer.request(raw)
    assert bytes_of(items) == raw
    assert all(item.place.exchange is None for item in items)
    assert bytes_of(observer.answer(b"\x16\x03")) == b"\x16\x03"
    assert observer.tls == (raw[0] == 0x16)


def test_broken_chunks_pass_unread() -> None:
    observer = Observer(CONNECTION)
    observer.request(request())
    raw = HEAD_CHUNKED + b"zz\r\nabc"
    assert bytes_of(observer.answer(raw)) == raw
    assert bytes_of(observer.request(b"more")) == b"more"


HEAD_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_half_a_head_comes_out_at_the_end() -> None:
    observer = Observer(CONNECTION)
    assert observer.request(b"POST / HT") == []
    assert bytes_of(observer.request_end()) == b"POST / HT"
    observer = Observer(CONNECTION)
    observer.request(request())
    assert observer.answer(b"HTTP/1.1 2") == []
    assert bytes_of(observer.answer_end()) == b"HTTP/1.1 2"


def test_half_a_word_comes_out_at_the_end() -> None:
    observer = Observer(CONNECTION)
    observer.request(request())
    raw = HEAD_CHUNKED.replace(b"\r\nTr", b"\r\nContent-Type: application/mapi-http\r\nTr") + b"5\r\nPROCE"
    given = bytes_of(observer.answer(raw))
    assert given + bytes_of(observer.answer_end()) == raw
    assert len(raw) - len(given) == 5


def test_bytes_that_nobody_asked_for_pass() -> None:
    observer = Observer(CONNECTION)
    assert bytes_of(observer.answer(b"HTTP/1.1 408 Request Timeout\r\n\r\n")).startswith(b"HTTP/1.1 408")


def test_a_reply_waits_for_its_turn() -> None:
    observer = Observer(CONNECTION)
    first = observer.request(request("Execute"))[0].place.exchange
    second = observer.request(request("PING"))[0].place.exchange
    raw = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno"
    second.reply = Reply(second, raw, close=True)
    assert observer.reply() == []
    items = observer.answer(answer())
    assert isinstance(items[-1], Cut)
    assert bytes_of(items) == answer() + raw
    assert [item.place.exchange for item in items[:-1] if item.place.last] == [first, second]
