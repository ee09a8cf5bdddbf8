"""What the lab's servers answer below /ews, /oab, /owa, /ecp, /rpc and their like, and below all
/<directory>/healthcheck.htm.

Which directory a request belongs to, its health page, and a page for somebody who is logged on that
tells what arrived, so that a proxy's work can be seen. Autodiscover is answered for real (pox.py),
the echo probe of Outlook Anywhere as well; its channels are rpcproxy.py's business, MAPI over HTTP
that of the dialects.
"""

from __future__ import annotations

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.vdir import SHAPES, USUAL
from mapiproxy.lab.dialect import Answer
from mapiproxy.lab.pox import Publishing, autodiscover
from mapiproxy.lab.requests import LabRequest
from mapiproxy.lab.rts import ECHO, ECHO_LIMIT
from mapiproxy.lab.users import LabUser, Users

RPC_PATHS = (b"/rpc/rpcproxy.dll", b"/rpcwithcert/rpcproxy.dll")
RPC_METHODS = (b"RPC_IN_DATA", b"RPC_OUT_DATA")


class Directories:
    """The virtual directories of one lab server.

    :ivar inactive: names of directories whose health page is not served any more, as by
        ``Set-ServerComponentState``; may be changed while the server runs.
    :ivar publishing: what Autodiscover tells; may be changed as well.
    :param users: whom Autodiscover knows.
    """

    def __init__(self, kind: str, name: str, users: Users) -> None:
        self.inactive: set[str] = set()
        self.publishing = Publishing(f"https://{name.lower()}.corp.test/mapi")
        self._users = users
        self._kind = kind
        self._name = name.encode("ascii")
        names = SHAPES if kind == "exchange" else USUAL[Kind(kind)]
        self._prefixes = [(path.encode("ascii"), name) for name in names for path in SHAPES[name].paths]

    def of(self, request: LabRequest) -> str | None:
        """The name of the directory, found without case; ``None`` for none of ours."""
        path = request.path.lower()
        for prefix, name in self._prefixes:
            if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in (b"", b"/"):
                return name
        return None

    def door(self, request: LabRequest) -> Answer | str | None:
        """What is said before anybody is logged on: a health page, or the directory's name.

        ``None``: the dialect knows better (MAPI, and what belongs to no directory).
        """
        name = self.of(request)
        if name is None:
            return None
        asked_well = request.path.lower().endswith(b"/healthcheck.htm")
        if asked_well and self._kind == "exchange" and request.method in (b"GET", b"HEAD"):
            if name in self.inactive:
                return self._answer(request, b"404 Not Found", b"")
            if request.path.count(b"/") == 2:
                return self._answer(request, b"200 OK", b"200 OK<br/>" + self._name)
        return None if name == "mapi" else name

    def page(self, request: LabRequest, user: LabUser) -> Answer | None:
        """What somebody gets who is logged on; ``None`` for what the dialect answers."""
        name = self.of(request)
        if name is None or name == "mapi":
            return None
        if request.path.lower() == b"/autodiscover/autodiscover.xml":
            xml = autodiscover(self._kind, self.publishing, self._users, request)
            return self._answer(request, b"200 OK", xml, b"text/xml; charset=utf-8")
        if name == "rpc" and request.method in RPC_METHODS:
            if request.path.lower() in RPC_PATHS and 0 <= request.length <= ECHO_LIMIT:
                return self._answer(request, b"200 Success", ECHO.raw, b"application/rpc")
            return self._answer(request, b"400 Bad Request", b"")
        text = b"server: %b\ndirectory: %b\nuser: %b\nmethod: %b\ntarget: %b\nbody: %d bytes\n" % (
            self._name, name.encode("ascii"), user.login.encode(), request.method, request.target,
            len(request.body),
        )  # fmt: skip
        return self._answer(request, b"200 OK", text, b"text/plain; charset=utf-8")

    def _answer(self, request: LabRequest, status: bytes, text: bytes, of: bytes = b"text/html") -> Answer:
        exchange = self._kind == "exchange"
        head = b"".join(
            (
                b"HTTP/1.1 %b\r\nCache-Control: private, no-store\r\n" % status,
                b"Content-Length: %d\r\nContent-Type: %b\r\n" % (len(text), of),
                b"Server: Microsoft-IIS/10.0\r\nX-FEServer: %b\r\n" % self._name if exchange else b"",
                b"" if request.keep_alive else b"Connection: close\r\n",
                b"\r\n",
            )
        )
        return Answer(head + (b"" if request.method == b"HEAD" else text))
