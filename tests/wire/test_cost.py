"""What a slow or endless sender costs: counted in bytes looked at or copied, not in seconds."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from support.builders import request
from support.splits import byte_by_byte

from mapiproxy.wire import reader as reader_module
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.reader import NEED_DATA, RequestReader, ResponseReader


class Work:
    """Counts the bytes that a reader's buffer searches and copies."""

    def __init__(self) -> None:
        self.searched = 0
        self.copied = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    counted = Work()

    class Buffer(bytearray):
        def find(self, wanted: Any, start: int = 0, *rest: Any) -> int:
            counted.searched += len(self) - start
            return super().find(wanted, start, *rest)

        def __add__(self, more: Any) -> Buffer:
            counted.copied += len(self) + len(more)
            return Buffer(super().__add__(more))

        def __iadd__(self, more: Any) -> Buffer:
            counted.copied += len(more)
            super().__iadd__(more)
            return self

        def __getitem__(self, place: Any) -> Any:
            part = super().__getitem__(place)
            if isinstance(place, slice):
                counted.copied += len(part)
            return part

    class BareLF:
        @staticmethod
        def search(text: Any, start: int) -> Any:
            counted.searched += len(text) - start
            return _bare_lf.search(text, start)

    def copy(source: Any) -> bytes:
        counted.copied += len(source)
        return bytes(source)

    _bare_lf = reader_module._BARE_LF
    monkeypatch.setattr(reader_module, "bytes", copy, raising=False)
    monkeypatch.setattr(reader_module, "bytearray", Buffer, raising=False)
    monkeypatch.setattr(reader_module, "_BARE_LF", BareLF)
    return counted


def feed_all(reader: RequestReader | ResponseReader, data: bytes, width: int = 1) -> int:
    """How many bytes went in before the reader refused, or all."""
    for at in range(0, len(data), width):
        reader.feed(data[at : at + width])
        try:
            while reader.next() is not NEED_DATA:
                pass
        except WireError:
            return at + width
    return len(data)


HEAD = request((b"Authorization", b"T" * (128 * 1024 - 100)))


def test_a_head_of_128_kib_byte_by_byte_costs_a_few_looks_at_each_byte(work: Work) -> None:
    assert feed_all(RequestReader(), HEAD) == len(HEAD)
    assert work.copied < 3 * len(HEAD)
    assert len(HEAD) < work.searched < 12 * len(HEAD)


def test_the_cost_of_a_trickling_head_grows_with_its_size_only(work: Work) -> None:
    costs = []
    for size in (4096, 8192, 16384, 32768):
        work.searched = work.copied = 0
        feed_all(RequestReader(), request((b"X", b"y" * size)))
        costs.append(work.searched + work.copied)
    for small, large in pairwise(costs):
        assert large < 2.2 * small


@pytest.mark.parametrize("width", [1, 3, 1448])
@pytest.mark.parametrize("endless", [b"X: y\r\n", b"x" * 6, b"\xff\0\xff\0\xff\0", b"X:\r\r\rY"], ids=repr)
def test_an_endless_head_is_refused_at_the_limit(work: Work, width: int, endless: bytes) -> None:
    data = b"GET / HTTP/1.1\r\n" + endless * 10_000
    limit = 8192
    assert feed_all(RequestReader(head_limit=limit), data, width) <= limit + width
    assert work.searched < 12 * (limit + width)
    backend = ResponseReader(head_limit=limit)
    backend.expect(b"GET")
    assert feed_all(backend, data, width) <= limit + width


@pytest.mark.parametrize("width", [1, 2, 5, 65536])
def test_endless_empty_lines_are_refused_soon(work: Work, width: int) -> None:
    assert feed_all(RequestReader(), b"\r\n" * 100_000, width) <= max(16, width)
    assert work.copied <= 16


@pytest.mark.parametrize("width", [1, 7])
def test_an_endless_trailer_costs_a_bounded_number_of_bytes(width: int) -> None:
    start = request((b"Transfer-Encoding", b"chunked"), body=b"0\r\n")
    for line in (b"X: y\r\n", b"X" * 64):
        fed = feed_all(RequestReader(), start + line * 20_000, width)
        assert fed <= len(start) + 8192 + 3 * width


def test_a_body_is_never_held(work: Work) -> None:
    """What was read is given out; a reader keeps nothing of a body for later."""
    reader = RequestReader()
    for piece in byte_by_byte(request((b"Content-Length", b"1000"))):
        reader.feed(piece)
        reader.next()
    work.copied = 0
    for _ in range(10):
        reader.feed(bytes(100))
        reader.next()
        assert reader.unread == 0
    assert work.copied == 0
