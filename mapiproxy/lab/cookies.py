"""Cookies on both sides of the lab: the servers' reading and minting, the client's jar.

The jar does of RFC 6265 what a MAPI/HTTP client needs: paths, secure, expiry, replacement. Cookie
values are session secrets (reference M22): no repr here shows one, and what may be printed is a
digest.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime

from attrs import define, field

Entropy = Callable[[int], bytes]

_GUID = re.compile(rb"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_SEQUENCE = re.compile(rb"([0-9]{1,9})-[A-Za-z0-9+/]{6}==\Z")
_CONTEXT = re.compile(rb"MAPI[A-Za-z0-9+/]{32}\Z")


def parse_cookies(value: bytes | None) -> dict[bytes, bytes]:
    """The pairs of a Cookie header: split on the first ``=`` only; the last of a name counts."""
    if not value:
        return {}
    pairs = (piece.strip().partition(b"=") for piece in value.split(b";"))
    return {name: rest for name, equals, rest in pairs if equals}


def is_guid(text: bytes) -> bool:
    return _GUID.match(text) is not None


def is_exchange_sequence(text: bytes) -> bool:
    """``<n>-<base64 of 4 bytes>`` (reference 4.2)."""
    return _SEQUENCE.match(text) is not None


def is_exchange_context(text: bytes) -> bool:
    """The lab's own form of MapiContext: to tell garbage (6) from a dead one (10)."""
    return _CONTEXT.match(text) is not None


def mint_guid(entropy: Entropy) -> bytes:
    text = entropy(16).hex()
    parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
    return "-".join(parts).encode("ascii")


def mint_sid(login: str, entropy: Entropy) -> bytes:
    """grommunio's sid: 32 letters and digits that begin with a piece of the user's name."""
    letters = base64.b32encode(entropy(20)).lower().translate(None, b"=")
    name = re.sub(r"[^a-z0-9]", "", login.lower()).encode("ascii")[:4]
    return (name + letters)[:32]


def mint_exchange_context(entropy: Entropy) -> bytes:
    return b"MAPI" + base64.b64encode(entropy(24))


def mint_exchange_sequence(number: int, entropy: Entropy) -> bytes:
    return b"%d-%b" % (number, base64.b64encode(entropy(4)))


@define
class _Kept:
    name: bytes
    value: bytes = field(repr=False)
    path: bytes
    secure: bool
    expires: float | None


class Jar:
    """The cookies of one client and one host."""

    def __init__(self) -> None:
        self._kept: dict[tuple[bytes, bytes], _Kept] = {}

    def __repr__(self) -> str:
        names = sorted({kept.name.decode("latin-1") for kept in self._kept.values()})
        return f"<Jar {' '.join(names) or 'empty'}>"

    def store(self, lines: Iterable[bytes], request_path: bytes, now: float) -> None:
        """Take the Set-Cookie values of one answer to *request_path*; *now* in epoch seconds."""
        for line in lines:
            pair, *attributes = (piece.strip() for piece in line.split(b";"))
            name, equals, value = pair.partition(b"=")
            if not equals or not name:
                continue
            # RFC 6265 5.1.4: the default path is the request's, up to its last slash.
            kept = _Kept(name, value, request_path.rpartition(b"/")[0] or b"/", False, None)
            for attribute in attributes:
                key, _, setting = attribute.partition(b"=")
                key = key.lower()
                if key == b"path" and setting.startswith(b"/"):
                    kept.path = setting
                elif key == b"secure":
                    kept.secure = True
                elif key == b"expires":
                    kept.expires = _epoch(setting)
            place = (name, kept.path)
            if kept.expires is not None and kept.expires <= now:
                self._kept.pop(place, None)
            else:
                self._kept[place] = kept

    def header(self, path: bytes, now: float, *, secure: bool = True) -> bytes | None:
        """The Cookie value for a request to *path*: longest paths first (RFC 6265 5.4)."""
        fitting = [
            kept
            for kept in self._kept.values()
            if _covers(kept.path, path)
            and (secure or not kept.secure)
            and (kept.expires is None or kept.expires > now)
        ]
        if not fitting:
            return None
        fitting.sort(key=lambda kept: -len(kept.path))
        return b"; ".join(kept.name + b"=" + kept.value for kept in fitting)

    def forget(self, path: bytes) -> None:
        """Drop each cookie that would go to *path*."""
        self._kept = {
            place: kept for place, kept in self._kept.items() if not _covers(kept.path, path)
        }

    def digests(self, path: bytes) -> str:
        """``name:digest`` of what would go to *path*: tells change from no change, no more."""
        return " ".join(
            f"{kept.name.decode('latin-1')}:{digest(kept.value)}"
            for kept in sorted(self._kept.values(), key=lambda kept: kept.name)
            if _covers(kept.path, path)
        )


def digest(value: bytes) -> str:
    """Six hex digits of a value's SHA-256."""
    return hashlib.sha256(value).hexdigest()[:6]


def _covers(cookie_path: bytes, path: bytes) -> bool:
    """RFC 6265 5.1.4 path-match."""
    if path == cookie_path:
        return True
    return path.startswith(cookie_path) and (
        cookie_path.endswith(b"/") or path[len(cookie_path) : len(cookie_path) + 1] == b"/"
    )


def _epoch(text: bytes) -> float | None:
    try:
        moment = parsedate_to_datetime(text.decode("latin-1").replace("-", " "))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
