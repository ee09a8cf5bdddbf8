"""The route cookie: an entry of the session table that travels with the client.

It says "this session lives on that backend", so that a client that comes to another node, or back after
a restart, is sent where its session is. It is opaque and authenticated: a keyed hash over pool, backend
and session. Whoever has the key and knows the fleet can tell which backend was meant; nobody else can
read it, make one, or use that of another session. It names no user and no address, and holds no time:
it is worth exactly as much as the session cookie that it came with.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

from attrs import field, frozen

#: Its name; no backend knows it, and none gets to see it (reference M7).
NAME = b"MapiProxyRoute"
_SIZE = 18


@frozen
class RouteKeys:
    """The keys of all nodes, the one that is used for new cookies first.

    The others are still believed, so that keys can be changed without anybody being sent astray.
    """

    keys: tuple[bytes, ...] = field(repr=lambda keys: f"<{len(keys)} keys>")

    def issue(self, pool: str, backend: str, session: bytes) -> bytes:
        """The cookie's value for a session (its digest) that lives on this backend."""
        return _value(self.keys[0], pool, backend, session)

    def read(self, value: bytes, pool: str, backends: Iterable[str], session: bytes) -> str | None:
        """The backend that *value* names, if one of our keys made it for this very session."""
        for key in self.keys:
            for backend in backends:
                if hmac.compare_digest(_value(key, pool, backend, session), value):
                    return backend
        return None


@lru_cache(maxsize=16384)
def _value(key: bytes, pool: str, backend: str, session: bytes) -> bytes:
    text = b"\0".join((pool.encode(), backend.encode(), session))
    digest = blake2b(text, key=blake2b(key).digest(), digest_size=_SIZE, person=b"mapi-route").digest()
    return urlsafe_b64encode(digest)


def set_cookie_line(value: bytes, path: bytes, secure: bool) -> bytes:
    """The header line that gives it to a client, with the attributes of Exchange's own (4.2).

    :param path: of the endpoint, e.g. ``/mapi/emsmdb``: both endpoints have sessions of their own.
    """
    return b"Set-Cookie: %b=%b; path=%b; %bHttpOnly" % (NAME, value, path, b"secure; " if secure else b"")
