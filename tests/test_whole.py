"""The proxy as a process, between a real TLS client and real sockets behind it; the log line asserted."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from pathlib import Path

import pytest
from support.proxyprocess import backend, connect, proxy, read_exactly, read_until
from support.recordings import recordings

#: Bytes each way through the slow peers; MAPIPROXY_LONG=1 makes it the 2 GiB of the promise.
BULK = 2 * 1024**3 if os.environ.get("MAPIPROXY_LONG") else 160 * 1024**2
GROWTH = 64 * 1024**2
PIECE = b"\x5a" * 65536

RECORDINGS = recordings()
Replayed = tuple[dict[str, bytes], dict[str, bytes], list[dict[str, str]]]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    """Each recorded request sent through the proxy: what the backend got, what the client got, the log."""
    folder = tmp_path_factory.mktemp("replay")
    by_id = {_request_id(asked): name for name, (asked, _) in RECORDINGS.items()}
    at_backend: dict[str, bytes] = {}
    at_client: dict[str, bytes] = {}

    def answer(connection: socket.socket) -> None:
        while head := read_until(connection, b"\r\n\r\n"):
            name = by_id[_request_id(head)]
            at_backend[name] = head + read_exactly(connection, _length(head))
            connection.sendall(RECORDINGS[name][1])

    with backend(answer) as port, proxy(folder, {"grom1": port}) as running:
        with connect(running, folder) as client:
            for name, (asked, answered) in RECORDINGS.items():
                client.sendall(asked)
                at_client[name] = read_exactly(client, len(answered))
        running.stop()
        rows = running.log_rows()
    return at_backend, at_client, rows


def _request_id(message: bytes) -> bytes:
    found = re.search(rb"X-RequestId: (\S+)", message)
    assert found is not None
    return found[1]


def _length(head: bytes) -> int:
    found = re.search(rb"Content-Length: (\d+)", head)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("name", RECORDINGS)
def test_what_the_client_gets_is_what_the_real_server_sent(name, replayed):
    """Byte for byte: no header is changed in these answers."""
    assert replayed[1][name] == RECORDINGS[name][1]


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_backend_gets_the_request_with_two_lines_added(name, replayed):
    """The README's table: X-Forwarded-For and -Proto, nothing else."""
    head, _, body = RECORDINGS[name][0].partition(b"\r\n\r\n")
    added = b"\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n\r\n"

    assert replayed[0][name] == head + added + body


def test_each_recorded_request_has_its_line_in_the_log(replayed):
    rows = replayed[2]
    types = [row["ClientRequestId"].split(";")[1] for row in rows]

    assert types == [f"RT:{name}" for name in (
        "Connect", "Execute", "Execute", "PING", "NotificationWait", "Execute", "Execute",
        "Disconnect", "Execute",
    )]  # fmt: skip
    assert {(row["HttpStatus"], row["BackEndStatus"], row["Protocol"]) for row in rows} == {
        ("200", "200", "Mapi")
    }
    assert all(row["AuthenticatedUser"] == "alice@example.test" for row in rows)


def test_no_secret_of_the_conversation_is_in_the_log(replayed):
    text = "\n".join(",".join(row.values()) for row in replayed[2])
    secrets = re.findall(rb"(?:sid|sequence)=([^\r\n;]+)|Basic (\S+)", b"".join(
        asked + answered for asked, answered in RECORDINGS.values()
    ))  # fmt: skip
    values = {value.decode() for pair in secrets for value in pair if value}

    assert len(values) > 3
    assert not [value for value in values if value in text]


def test_a_large_upload_to_a_slow_backend_does_not_fill_the_proxy(tmp_path: Path):
    """Back-pressure reaches the client: what is in flight is a few buffers, not the upload."""
    got = []

    def read_slowly(connection: socket.socket) -> None:
        read_until(connection, b"\r\n\r\n")
        size = 0
        time.sleep(0.5)
        while size < BULK:
            piece = connection.recv(1024 * 1024)
            assert piece
            size += len(piece)
            if size < GROWTH:
                time.sleep(0.005)
        got.append(size)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with backend(read_slowly) as port, proxy(tmp_path, {"slow": port}) as running:
        with connect(running, tmp_path) as client:
            before = running.resident()
            client.sendall(_post(f"Content-Length: {BULK}"))
            for _ in range(BULK // len(PIECE)):
                client.sendall(PIECE)
            answer = read_until(client, b"\r\n\r\n")
            grown = running.most_resident() - before

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert got == [BULK]
    print(f"{BULK >> 20} MiB passed, the proxy grew by {grown / 2**20:.1f} MiB")
    assert grown < GROWTH


def test_a_large_download_to_a_slow_client_does_not_fill_the_proxy(tmp_path: Path):
    def send_all(connection: socket.socket) -> None:
        read_until(connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BULK)
        for _ in range(BULK // len(PIECE)):
            connection.sendall(PIECE)

    with backend(send_all) as port, proxy(tmp_path, {"fast": port}) as running:
        with connect(running, tmp_path) as client:
            before = running.resident()
            client.sendall(_post("Content-Length: 0"))
            head = read_until(client, b"\r\n\r\n")
            time.sleep(0.5)
            size = 0
            while size < BULK:
                piece = client.recv(1024 * 1024)
                assert piece
                size += len(piece)
                if size < GROWTH:
                    time.sleep(0.001)
            grown = running.most_resident() - before

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert size == BULK
    print(f"{BULK >> 20} MiB passed, the proxy grew by {grown / 2**20:.1f} MiB")
    assert grown < GROWTH


def test_each_pulse_arrives_when_it_is_sent_and_not_later(tmp_path: Path):
    """M1: the client holds PROCESSING in its hands before the backend says another word."""
    go = [threading.Event() for _ in range(3)]

    def pulse(connection: socket.socket) -> None:
        read_until(connection, b"\r\n\r\n")
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nX-ResponseCode: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"c\r\nPROCESSING\r\n\r\n"
        )
        for event, piece in zip(go, (b"7\r\nPENDING\r\n", b"7\r\nPENDING\r\n", b"0\r\n\r\n"), strict=True):
            assert event.wait(10)
            connection.sendall(piece)

    with backend(pulse) as port, proxy(tmp_path, {"one": port}) as running:
        with connect(running, tmp_path) as client:
            client.sendall(_post("X-RequestType: NotificationWait", "Content-Length: 0"))
            assert read_until(client, b"PROCESSING\r\n\r\n").endswith(b"c\r\nPROCESSING\r\n\r\n")
            go[0].set()
            assert read_exactly(client, 12) == b"7\r\nPENDING\r\n"
            go[1].set()
            assert read_exactly(client, 12) == b"7\r\nPENDING\r\n"
            go[2].set()
            assert read_exactly(client, 5) == b"0\r\n\r\n"
        running.stop()
        row = running.log_rows()[0]

    assert "Pendings=2;" in row["GenericInfo"]


def test_a_backend_that_dies_in_its_answer_leaves_a_visibly_broken_one(tmp_path: Path):
    """N3: no last chunk that the backend did not send."""

    def die(connection: socket.socket) -> None:
        read_until(connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\nPROCESSING\r\n\r\n")

    with backend(die) as port, proxy(tmp_path, {"one": port}) as running:
        with connect(running, tmp_path) as client:
            client.sendall(_post("X-RequestType: Execute", "Content-Length: 0"))
            came = read_until(client, b"never")
        running.stop()
        row = running.log_rows()[0]

    assert came.endswith(b"c\r\nPROCESSING\r\n\r\n")
    assert row["HttpStatus"] == "200"
    assert row["GenericErrors"]


def test_an_execute_whose_answer_never_comes_breaks_the_connection_without_a_word(tmp_path: Path):
    """M13: whether it ran is not known, so nothing may be said."""

    def hang_up(connection: socket.socket) -> None:
        read_until(connection, b"\r\n\r\n")

    with backend(hang_up) as port, proxy(tmp_path, {"one": port}) as running:
        with connect(running, tmp_path) as client:
            client.sendall(_post("X-RequestType: Execute", "Content-Length: 0"))
            assert read_until(client, b"never") == b""
        running.stop()
        row = running.log_rows()[0]

    assert (row["HttpStatus"], row["BackEndStatus"]) == ("", "")
    assert row["ErrorCode"]


def test_a_backend_that_is_not_there_is_skipped_and_then_named(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        dead = taken.getsockname()[1]

    def fine(connection: socket.socket) -> None:
        while read_until(connection, b"\r\n\r\n"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with backend(fine) as port, proxy(tmp_path, {"dead": dead, "alive": port}) as running:
        with connect(running, tmp_path) as client:
            for number in range(8):
                client.sendall(_post("Content-Length: 0", mailbox=f"{number}@example.test"))
                assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 200")

    with proxy(tmp_path, {"dead": dead}) as running, connect(running, tmp_path) as client:
        client.sendall(_post("Content-Length: 0"))
        answer = read_until(client, b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: " in answer


def test_pipelined_requests_are_answered_one_at_a_time_and_in_order(tmp_path: Path):
    seen: list[bytes] = []

    def count(connection: socket.socket) -> None:
        while head := read_until(connection, b"\r\n\r\n"):
            assert connection.getblocking()
            connection.settimeout(0.05)
            try:
                assert not connection.recv(1), "the next request came before this one's answer"
                return
            except TimeoutError:
                connection.settimeout(10)
            seen.append(head)
            body = b"%d" % len(seen)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with backend(count) as port, proxy(tmp_path, {"one": port}) as running:
        with connect(running, tmp_path) as client:
            client.sendall(_post("Content-Length: 0") * 3)
            came = b"".join(read_until(client, b"\r\n\r\n") + client.recv(1) for _ in range(3))

    assert re.findall(rb"\r\n\r\n(\d)", came) == [b"1", b"2", b"3"]


def test_what_cannot_be_read_gets_a_400_that_names_the_header_and_a_line(tmp_path: Path):
    with proxy(tmp_path, {"one": 9}) as running:
        with connect(running, tmp_path) as client:
            client.sendall(_post("Content-Length: 3", "Transfer-Encoding: chunked") + b"abc")
            came = read_until(client, b"never")
        running.stop()
        rows = running.log_rows()

    assert came.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close\r\n" in came
    assert b"Content-Length" in came.partition(b"\r\n\r\n")[2]
    assert [row["HttpStatus"] for row in rows] == ["400"]
    assert "Content-Length" in rows[0]["GenericErrors"]


def _post(*headers: str, mailbox: str = "a@example.test") -> bytes:
    lines = [f"POST /mapi/emsmdb/?MailboxId={mailbox} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
