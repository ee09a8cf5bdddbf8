"""The text in front of an answer's binary: PROCESSING, PENDING, DONE, late headers (reference 5.1).

Written for the lab's client apart from the proxy's own mapi.pulse, so that each can prove the other
wrong. Tolerant where grommunio asks for it: words may stand without a line end and may come again.
"""

from __future__ import annotations

from collections.abc import Callable

from mapiproxy.lab.errors import BadAnswer

_WORDS = (b"PROCESSING", b"PENDING")
_LONGEST = 64 * 1024


class InnerReader:
    """Takes the decoded payload of one answer, in any pieces.

    :ivar pulses: PENDINGs so far.
    :ivar done: whether DONE and its headers are complete.
    :ivar headers: those after DONE, by lower-case name.
    :ivar binary: what follows them.
    """

    def __init__(self, on_word: Callable[[str], None] | None = None) -> None:
        self.pulses = 0
        self.done = False
        self.headers: dict[str, str] = {}
        self.binary = bytearray()
        self._on_word = on_word
        self._text = b""

    def feed(self, data: bytes) -> None:
        """:raise BadAnswer: the payload is not of this form."""
        if self.done:
            self.binary += data
            return
        self._text += data
        while self._text and self._word():
            pass

    def _word(self) -> bool:
        """Take one word off the front; ``False`` when more bytes are needed."""
        # A bare PENDING has no line end: what follows the word may be the next word.
        text = self._text.lstrip(b"\r\n") if self._text[:1] in b"\r\n" else self._text
        upper = text[:10].upper()
        for word in _WORDS:
            if upper.startswith(word):
                self._text = text[len(word) :]
                self.pulses += word == b"PENDING"
                if self._on_word is not None:
                    self._on_word(word.decode("ascii"))
                return True
        if upper.startswith(b"DONE"):
            self._text = text
            return self._ending()
        if any(word.startswith(upper) for word in (*_WORDS, b"DONE")):
            self._text = text
            return False
        raise BadAnswer(f"an answer has {len(text)} bytes where PROCESSING, PENDING or DONE belong")

    def _ending(self) -> bool:
        end = self._text.find(b"\r\n\r\n")
        if end < 0:
            if len(self._text) > _LONGEST:
                raise BadAnswer("the headers after DONE do not end")
            return False
        for line in self._text[4:end].split(b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            if name:
                self.headers[name.lower()] = value.strip()
        self.binary += self._text[end + 4 :]
        self._text = b""
        self.done = True
        return False

    @property
    def late_code(self) -> int | None:
        """X-ResponseCode after DONE, when there is one."""
        value = self.headers.get("x-responsecode", "")
        return int(value) if value.isdigit() else None
