"""One row of a conversation: a request and what became of it. Holds no secret."""

from __future__ import annotations

from attrs import define, field

from mapiproxy.lab.errors import ApplicationError, CallRefused, HttpRefused, LabError, Unauthorized
from mapiproxy.wire.heads import ResponseHead

#: Headers by which a backend can be told from another, best first.
_NAMES = (b"x-beserver", b"x-lab-backend", b"x-calculatedbetarget", b"x-feserver")


@define
class Step:
    """What a person or a test wants to know of one request. Times: *at* epoch seconds, others ms.

    :ivar request_type: as sent; ``TCP reset`` for a cut that the client made itself.
    :ivar code: X-ResponseCode in the head; *late_code*: after DONE.
    :ivar error: ErrorCode in the body, 0 for success.
    :ivar first_ms: until the first byte of the answer's head.
    :ivar pulses: PENDINGs.
    :ivar backend: the name that the answer shows of the server behind.
    :ivar cookies: digests of the cookies held afterwards.
    :ivar trouble: why there is no whole answer.
    :ivar note: what the client did about it, in words.
    :ivar expected: whether the conversation had wanted just this.
    """

    number: int
    at: float
    mailbox: str
    endpoint: str
    request_type: str
    request_id: str
    connection: int | None = None
    status: int | None = None
    code: int | None = None
    late_code: int | None = None
    error: int | None = None
    event_pending: bool | None = None
    first_ms: float | None = None
    total_ms: float | None = None
    pulses: int = 0
    backend: str | None = None
    cookies: str = ""
    trouble: str | None = None
    note: str = ""
    expected: bool = True
    local: bool = False
    head: ResponseHead | None = field(default=None, repr=False)
    binary: bytes = field(default=b"", repr=False)

    @property
    def final_code(self) -> int | None:
        """The last X-ResponseCode counts (R2229)."""
        return self.code if self.late_code is None else self.late_code

    @property
    def ok(self) -> bool:
        """Accepted by every layer."""
        return self.local or self._fault() is None

    def check(self) -> Step:
        """This step, if it succeeded. :raise LabError: what kept it from that."""
        fault = self._fault()
        if fault is not None:
            fault.step = self
            raise fault
        return self

    def _fault(self) -> LabError | None:
        what = f"{self.request_type} of {self.mailbox}"
        if self.trouble is not None:
            return LabError(f"{what}: {self.trouble}")
        if self.status == 401:
            return Unauthorized(f"{what}: 401, the login was not accepted")
        if self.status != 200:
            return HttpRefused(f"{what}: HTTP status {self.status}")
        if self.final_code is None:
            return HttpRefused(f"{what}: 200 without X-ResponseCode")
        if self.final_code != 0:
            return CallRefused(f"{what}: X-ResponseCode {self.final_code}", self.final_code)
        # NSPI's Unbind says 1 for success (MS-OXNSPI 2.2.1.2).
        if self.error and not (self.request_type == "Unbind" and self.error == 1):
            return ApplicationError(f"{what}: error 0x{self.error:08X} in the body", self.error)
        return None

    def take_head(self, head: ResponseHead) -> None:
        """Read status, code and the server's name off an answer's head."""
        self.head = head
        self.status = head.status
        code = head.get(b"x-responsecode") or b""
        self.code = int(code) if code.isdigit() else None
        name = next((found for key in _NAMES if (found := head.get(key))), None)
        self.backend = None if name is None else name.decode("latin-1")
