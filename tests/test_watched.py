"""Being watched changes nothing: recorded conversations through a proxy that is traced, scraped and looked at.

The laws that statistics, logs, traces and pages could break (reference 13, 14): pieces pass when they come
(M1), cookies and names of headers as they are (M5, M11, N7, N8), a wait ends with its client (M14), nothing is
answered from memory (N2), no body is touched (N6).
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.proxyprocess import PATIENCE, ProxyProcess, backend, connect, proxy, read_exactly, read_until
from support.recordings import recordings
from support.watching import order, send, wait_for

RECORDINGS = recordings()
HEAD = (
    b"POST /mapi/emsmdb/?MailboxId=a@example.test HTTP/1.1\r\nHost: localhost\r\nX-RequestType: %s\r\n"
    b"X-RequestId: {A5E9D50A-1314-4880-9EE7-4CD1CDCD8CC5}:2\r\nCookie: sid=%s\r\nContent-Length: 0\r\n\r\n"
)


@contextmanager
def watched(folder: Path, port: int) -> Iterator[ProxyProcess]:
    """A proxy with every log, a trace of everybody, and somebody who looks at each page again and again."""
    more = (
        f'mapi_client_access = true\nmapi_address_book = true\n[control]\nsocket = "{folder / "control"}"\n'
        '[admin]\nbind = "127.0.0.1:0"\n'
    )
    over = threading.Event()
    seen: list[bytes] = []

    def look(page: int, trace: int) -> None:
        while not over.is_set():
            for path in ("/metrics", "/", "/sessions", "/api/statistics"):
                ask = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                seen.append(send(page, ask.encode())[:15])
            order(folder, command="trace", trace=trace, after=0)

    with proxy(folder, {"grom1": port}, more=more) as running:
        wait_for(running, "control: listening")
        page = int(wait_for(running, r"status page: http on .*port=(\d+)")[1])
        trace = json.loads(order(folder, command="trace", who="example.test"))["trace"]
        looking = threading.Thread(target=look, args=(page, trace))
        looking.start()
        try:
            yield running
        finally:
            over.set()
            looking.join(PATIENCE)
        events = json.loads(order(folder, command="trace", trace=trace, after=0))["events"]
    assert {"request", "end"} <= {event["event"] for event in events}
    assert set(seen) == {b"HTTP/1.1 200 OK"}


def test_no_byte_of_a_conversation_is_another_one(tmp_path: Path) -> None:
    at_backend: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        while head := read_until(connection, b"\r\n\r\n"):
            length = re.search(rb"Content-Length: (\d+)", head)
            at_backend.append(head + read_exactly(connection, int(length[1]) if length else 0))
            name = next(name for name, (asked, _) in RECORDINGS.items() if _id(asked) == _id(head))
            connection.sendall(RECORDINGS[name][1])

    with backend(answer) as port, watched(tmp_path, port) as running, connect(running, tmp_path) as client:
        for asked, answered in RECORDINGS.values():
            client.sendall(asked)
            assert read_exactly(client, len(answered)) == answered
    added = b"\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n\r\n"
    assert at_backend == [asked.replace(b"\r\n\r\n", added, 1) for asked, _ in RECORDINGS.values()]


def _id(message: bytes) -> bytes:
    found = re.search(rb"X-RequestId: (\S+)", message)
    assert found is not None
    return found[1]


def test_pieces_pass_when_they_come_and_a_wait_ends_with_its_client(tmp_path: Path) -> None:
    here, ended = threading.Barrier(2, timeout=PATIENCE), threading.Event()

    def pulse(connection: socket.socket) -> None:
        read_until(connection, b"\r\n\r\n")
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/mapi-http\r\n"
            b"X-RequestType: NotificationWait\r\nX-ResponseCode: 0\r\nX-PendingPeriod: 15000\r\n\r\n"
        )
        for piece in (b"c\r\nPROCESSING\r\n\r\n", *[b"9\r\nPENDING\r\n\r\n"] * 3):
            connection.sendall(piece)
            here.wait()  # the next one is not sent before the client has this one
        with suppress(ConnectionResetError):
            assert read_exactly(connection, 1) == b""
        ended.set()

    with backend(pulse) as port, watched(tmp_path, port) as running:
        with connect(running, tmp_path) as client:
            client.sendall(HEAD % (b"NotificationWait", b"1"))
            assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
            for piece in (b"c\r\nPROCESSING\r\n\r\n", *[b"9\r\nPENDING\r\n\r\n"] * 3):
                assert read_exactly(client, len(piece)) == piece
                here.wait()
        assert ended.wait(PATIENCE)


@pytest.mark.parametrize("kind", [b"Execute", b"PING"])
def test_requests_that_are_alike_are_each_answered_by_the_backend(tmp_path: Path, kind: bytes) -> None:
    """Tools exist that send one X-RequestId for ever, for whoever they ask."""
    asked: list[bytes] = []

    def count(connection: socket.socket) -> None:
        while head := read_until(connection, b"\r\n\r\n"):
            asked.append(head)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-ResponseCode: 0\r\nContent-Length: 2\r\n\r\n%02d" % len(asked))

    with backend(count) as port, watched(tmp_path, port) as running:
        answers = []
        with connect(running, tmp_path) as one, connect(running, tmp_path) as two:
            for client, sid in ((one, b"1"), (two, b"2"), (one, b"1"), (two, b"1")):
                client.sendall(HEAD % (kind, sid))
                assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
                answers.append(read_exactly(client, 2))
    assert answers == [b"01", b"02", b"03", b"04"]
    assert len(asked) == 4
