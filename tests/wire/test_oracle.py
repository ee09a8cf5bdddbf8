"""Generated and mutated messages: equal however they are cut, and h11 agrees with what we accept.

h11 is another strict reader, written by others. Where it is laxer (two equal lengths, bare LF,
folding) does not matter here; what we accept it must accept, and find the same head and end.

Known differences, taken out before comparing: h11 lower-cases names and the word ``chunked``, and
refuses the empty lines before a request that RFC 9112 2.2 asks us to ignore.
"""

from __future__ import annotations

import re

import h11
from hypothesis import event, given
from hypothesis import strategies as st
from support.splits import Reading, byte_by_byte, cut_at, read_answers, read_requests
from support.strategies import Message, answers, mutated, requests

from mapiproxy.wire.heads import RequestHead

LARGE = 1 << 20


def cuts_of(data: st.DataObject, raw: bytes) -> list[bytes]:
    return cut_at(raw, data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))


@given(st.lists(requests(), min_size=1, max_size=3), st.data())
def test_valid_requests_however_they_are_cut(messages: list[Message], data: st.DataObject) -> None:
    raw = b"".join(message.raw for message in messages)
    for pieces in ([raw], byte_by_byte(raw), cuts_of(data, raw)):
        reading = read_requests(pieces)
        assert reading.error is None
        assert reading.ended == len(messages)
        assert reading.bodies == [message.body for message in messages]
        assert reading.payloads == [message.payload for message in messages]
        assert [head.raw for head in reading.heads] == [
            message.raw[: len(message.raw) - len(message.body)] for message in messages
        ]


@given(st.lists(answers(), min_size=1, max_size=3), st.data())
def test_valid_answers_however_they_are_cut(messages: list[Message], data: st.DataObject) -> None:
    raw = b"".join(message.raw for message in messages)
    methods = [message.method for message in messages]
    for pieces in ([raw], byte_by_byte(raw), cuts_of(data, raw)):
        reading = read_answers(pieces, methods, closes=True)
        assert reading.error is None
        assert reading.ended == len(messages)
        assert reading.bodies == [message.body for message in messages]
        assert reading.payloads == [message.payload for message in messages]


@given(mutated(requests()), st.data())
def test_whatever_a_client_sends_has_one_verdict(message: Message, data: st.DataObject) -> None:
    whole = read_requests([message.raw])
    event("refused" if whole.error else f"{whole.ended} read")
    assert read_requests(byte_by_byte(message.raw)).verdict == whole.verdict
    assert read_requests(cuts_of(data, message.raw)).verdict == whole.verdict
    if whole.ended:
        compare_request(message.raw, whole)


@given(mutated(answers()), st.booleans(), st.data())
def test_whatever_a_backend_sends_has_one_verdict(
    message: Message, closes: bool, data: st.DataObject
) -> None:
    methods = [message.method, b"POST"]
    whole = read_answers([message.raw], methods, closes=closes)
    event("refused" if whole.error else f"{whole.ended} read")
    for pieces in (byte_by_byte(message.raw), cuts_of(data, message.raw)):
        assert read_answers(pieces, methods, closes=closes).verdict == whole.verdict
    if whole.ended:
        compare_answer(message, closes)


@given(st.one_of(requests(), answers()).map(lambda message: message.raw) | st.binary(max_size=60))
def test_anything_at_all_either_parses_or_raises_the_one_error(raw: bytes) -> None:
    assert read_requests([raw]).verdict == read_requests(byte_by_byte(raw)).verdict
    assert read_answers([raw]).verdict == read_answers(byte_by_byte(raw)).verdict


@given(requests(), answers())
def test_h11_agrees_with_valid_messages(asked: Message, answered: Message) -> None:
    compare_request(asked.raw + b"rest", read_requests([asked.raw]))
    compare_answer(answered, False)


def compare_request(raw: bytes, ours: Reading) -> None:
    """The first request of *raw*, which we accepted, as h11 reads it."""
    raw = re.sub(rb"\A(?:\r\n)+", b"", raw)
    peer = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGE)
    peer.receive_data(raw)
    theirs = peer.next_event()
    head = ours.head
    assert isinstance(theirs, h11.Request)
    assert isinstance(head, RequestHead)
    assert (theirs.method, theirs.target) == (head.method, head.target)
    assert theirs.http_version == head.version
    assert comparable(theirs.headers) == comparable(head.fields)
    assert payload_of(peer) == ours.payload
    assert len(peer.trailing_data[0]) == len(raw) - len(head.raw) - len(ours.body)


def compare_answer(message: Message, closes: bool) -> None:
    """The first answer, interim ones before it included."""
    ours = read_answers([message.raw], [message.method], closes=closes)
    assert ours.ended == 1
    peer = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGE)
    peer.send(h11.Request(method=message.method, target="/", headers=[("Host", "a")]))
    peer.send(h11.EndOfMessage())
    peer.receive_data(message.raw)
    if closes:
        peer.receive_data(b"")
    for head in ours.heads:
        theirs = peer.next_event()
        assert isinstance(theirs, h11.InformationalResponse | h11.Response)
        assert theirs.status_code == head.status  # type: ignore[union-attr]
        assert theirs.http_version == head.version
        assert comparable(theirs.headers) == comparable(head.fields)
    assert payload_of(peer) == ours.payload
    assert len(peer.trailing_data[0]) == ours.unread


def payload_of(peer: h11.Connection) -> bytes:
    payload = bytearray()
    while isinstance(found := peer.next_event(), h11.Data):
        payload += found.data
    assert isinstance(found, h11.EndOfMessage), found
    return bytes(payload)


def comparable(fields: object) -> list[tuple[bytes, bytes]]:
    pairs = [(bytes(name).lower(), bytes(value)) for name, value in fields]  # type: ignore[attr-defined]
    return [(name, value.lower() if name == b"transfer-encoding" else value) for name, value in pairs]
