"""Watches the beginning of an answer's body: PROCESSING, PENDING..., DONE and the headers after it.

The meta lines are text in front of the binary (MS-OXCMAPIHTTP 2.2.2.2, reference 5.1). The watcher sees
decoded payload and only counts: nothing waits for it, and once DONE's empty line has passed it wants to
see no more. It has to be lenient: grommunio sends PENDING without a line end and PROCESSING twice
(reference 5.2 E), so any run of the three words counts in a line.
"""

from __future__ import annotations

import re

from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.reading import read_code

#: More text than this in front of DONE's empty line is no preamble.
_LIMIT = 8192
_WORDS = re.compile(rb"(PROCESSING|PENDING|DONE)", re.IGNORECASE)
#: A whole preamble in one piece, as almost every answer has it.
_WHOLE = re.compile(
    rb"((?:PROCESSING\r\n|PENDING\r\n|PROCESSING|PENDING)*)DONE\r\n((?:[^\r\n]+\r\n)*)\r\n", re.IGNORECASE
)
_ONLY_WORDS = re.compile(rb"(?:PROCESSING|PENDING|DONE)*\Z", re.IGNORECASE)


class Pulse:
    """What the preamble of one answer has said so far.

    :ivar beats: how many PENDING have come.
    :ivar processing: whether PROCESSING has come.
    :ivar done: whether DONE and its headers are complete.
    :ivar over: nothing more is to be learnt; stop feeding.
    :ivar code: the X-ResponseCode after DONE, which overrules the head's (reference M16).
    :ivar elapsed: X-ElapsedTime as it came, ms on Exchange and seconds on grommunio.
    """

    __slots__ = ("_after_done", "_seen", "_text", "beats", "code", "done", "elapsed", "over",
                 "processing")

    def __init__(self) -> None:
        self.beats = 0
        self.processing = False
        self.done = False
        self.over = False
        self.code: int | None = None
        self.elapsed: int | None = None
        self._after_done = False
        self._text = b""
        self._seen = 0

    def feed(self, payload: bytes) -> None:
        """Look at decoded payload in whatever pieces it arrives."""
        if self.over:
            return
        if not self._seen:
            whole = _WHOLE.match(payload)
            if whole is not None and whole.end() <= _LIMIT:
                self._count(whole[1])
                for line in whole[2].split(b"\r\n")[:-1]:
                    self._header(line)
                self.done = self.over = True
                return
        self._seen += len(payload)
        text = self._text + payload if self._text else payload
        while not self.over:
            line, end, rest = text.partition(b"\r\n")
            if not end:
                break
            text = rest
            self._line(line)
        if self.over:
            self._text = b""
            return
        if not self._after_done:
            text = self._bare_words(text)
        self._text = text
        if self._seen > _LIMIT and len(text) > 64:
            self.over = True
            self._text = b""

    def elapsed_ms(self, kind: Kind) -> int | None:
        """X-ElapsedTime in milliseconds, whatever unit the server's kind counts in."""
        if self.elapsed is None:
            return None
        return self.elapsed * 1000 if kind is Kind.GROMMUNIO else self.elapsed

    def _line(self, line: bytes) -> None:
        if self._after_done:
            if not line:
                self.done = self.over = True
                return
            self._header(line)
        elif _ONLY_WORDS.match(line):
            self._count(line)
        else:
            self.over = True

    def _header(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        key = name.strip().lower()
        if key == b"x-responsecode":
            self.code = read_code(value)
        elif key == b"x-elapsedtime" and value.strip().isdigit():
            self.elapsed = int(value)

    def _bare_words(self, text: bytes) -> bytes:
        """Count whole words that came without a line end, and keep what may still grow."""
        match = None
        for match in _WORDS.finditer(text):
            if match[1].upper() == b"DONE":
                return text
        if match is None or not _ONLY_WORDS.match(text[: match.end()]):
            return text
        self._count(text[: match.end()])
        return text[match.end() :]

    def _count(self, words: bytes) -> None:
        for match in _WORDS.finditer(words):
            word = match[1].upper()
            if word == b"PENDING":
                self.beats += 1
            elif word == b"PROCESSING":
                self.processing = True
            else:
                self._after_done = True
