"""The bytes of a client's request, for which the login is not settled yet.

One request may have to leave several times: without a body while a handshake begins, with other
credentials on another connection. Holds secrets (cookies): its repr shows none.
"""

from __future__ import annotations

from attrs import field, frozen


@frozen
class Request:
    """A request but for its Authorization.

    :ivar head: request line and fields, in order, without line ends.
    :ivar cookies: the value of Cookie, if there is one.
    """

    head: tuple[str, ...]
    body: bytes = field(default=b"", repr=False)
    cookies: bytes | None = field(default=None, repr=False)

    def raw(self, authorization: bytes | None) -> bytes:
        """The whole request, with these credentials or none."""
        return self._with(authorization, self.body)

    def blank(self, authorization: bytes) -> bytes:
        """The same head without a body: how a handshake begins, as the answer can only be a 401."""
        return self._with(authorization, b"")

    def _with(self, authorization: bytes | None, body: bytes) -> bytes:
        lines = list(self.head)
        if authorization is not None:
            lines.append(f"Authorization: {authorization.decode('latin-1')}")
        if self.cookies is not None:
            lines.append(f"Cookie: {self.cookies.decode('latin-1')}")
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
