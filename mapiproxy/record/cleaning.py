"""Makes text that others wrote fit for a log in which nothing is ever quoted.

Most readers cut a line at its commas and know no quotes (reference exchange-httpproxy 1.7, 7 rule 5), so a
comma or a line break in a User-Agent would move every column after it, or forge a line.
"""

from __future__ import annotations

from functools import lru_cache

LIMIT = 1024
#: For user agents and queries.
LONG_LIMIT = 2048

#: Comma, quote, C0, DEL, C1 and the two Unicode line ends that ``str.splitlines`` knows: one space each. So
#: are the marks that turn the direction of text, by which a line could be made to look like another.
_HOSTILE = dict.fromkeys(
    [
        *map(ord, ',"'),
        *range(0x20),
        *range(0x7F, 0xA0),
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
        0xFEFF,
    ],
    " ",
)
#: In ``key:value;`` lists a semicolon would forge a key.
_HOSTILE_IN_LIST = {**_HOSTILE, ord(";"): " "}

#: All that an item may hold without a second look.
_HARMLESS = bytes(byte for byte in range(0x20, 0x7F) if byte not in b',";')
_HARMLESS_VALUE = _HARMLESS + b";"


def clean(text: str | None) -> str:
    """One value, safe and at most :data:`LIMIT` characters long; ``None`` gives the empty value."""
    return _clean(text[:LIMIT]) if text else ""


def clean_long(text: str | None) -> str:
    """One value of at most :data:`LONG_LIMIT` characters."""
    return _clean(text[:LONG_LIMIT]) if text else ""


def clean_item(text: str | None) -> str:
    """A value within ``key:value;`` lists. Not cached: these are ids, which do not repeat."""
    if not text:
        return ""
    if is_harmless(text):
        return text
    return _as_sent(text[:LIMIT]).translate(_HOSTILE_IN_LIST)


def is_harmless(text: str) -> bool:
    """Whether an item may stand as it is: the usual case, found out quickly."""
    return len(text) <= LIMIT and not text.encode("utf-8", "replace").translate(None, _HARMLESS)


def sweep(text: str) -> str:
    """One value, cut at :data:`LONG_LIMIT`, that does not repeat or is kept by the caller."""
    text = text[:LONG_LIMIT]
    if not text.encode("utf-8", "replace").translate(None, _HARMLESS_VALUE):
        return text
    return _as_sent(text).translate(_HOSTILE)


_clean = lru_cache(maxsize=2048)(sweep)  # the callers cut first, so this is bounded in bytes too


def _as_sent(text: str) -> str:
    """Headers are read as latin-1; what was UTF-8 when it was sent is told as that again.

    What is not UTF-8 is taken for Windows-1252, which is what old clients and scripts on Windows send.
    """
    if text.isascii():
        return text
    try:
        raw = text.encode("latin-1")
    except UnicodeError:
        return text
    try:
        return raw.decode("utf-8")
    except UnicodeError:
        return raw.decode("cp1252", "replace")
