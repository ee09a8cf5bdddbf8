"""response_code: an answer with an X-ResponseCode of our choice, as a server in trouble gives it."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.answering import Answers, answer, page
from mapiproxy.lab.network.faults.base import At
from mapiproxy.lab.network.pieces import Direction, Exchange
from mapiproxy.lab.network.reading import whole

_ECHOED = (b"x-requesttype", b"x-requestid", b"x-clientinfo")
_SPELLED = {b"x-requesttype": "X-RequestType", b"x-requestid": "X-RequestId", b"x-clientinfo": "X-ClientInfo"}


@frozen
class ResponseCode(Answers):
    """MAPI requests get X-ResponseCode *code* and HTTP *status*; others pass.

    To the server (the usual): it never hears of the request. To the client: it has carried it out.
    """

    directions: ClassVar[tuple[Direction, ...]] = (Direction.TO_SERVER, Direction.TO_CLIENT)

    code: int = whole(0, most=9999)
    status: int = whole(200, 200, 599)

    def answer(self, exchange: Exchange, at: At) -> bytes | None:
        if not exchange.request_type:
            return None
        head = exchange.head
        echoed = [(key, head.get(key)) for key in _ECHOED]
        headers = [(_SPELLED[key], value.decode("latin-1")) for key, value in echoed if value is not None]
        headers += [("Cache-Control", "private"), ("X-ResponseCode", str(self.code))]
        text = page("MAPI over HTTP", f"X-ResponseCode {self.code}")
        return answer(self.status, text, headers, method=head.method)
