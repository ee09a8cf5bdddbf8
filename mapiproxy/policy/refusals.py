"""Every answer that we make up ourselves, in one place and one form.

What a client sees is a status, one plain sentence, and the id under which the record tells the operator
more. The form of X-FailureContext is the one Exchange's front end uses (exchange reference 4.4), so
tools and people that know it can read ours.
"""

from __future__ import annotations

from base64 import b64encode
from html import escape
from http import HTTPStatus

from attrs import frozen

from mapiproxy.wire.heads import RequestHead

_PHRASES = {status.value: status.phrase for status in HTTPStatus}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@frozen
class Refusal:
    """Why a request is answered by us.

    :ivar status: HTTP status of the answer.
    :ivar text: one sentence for the client and the record; nothing secret.
    :ivar retry_after: seconds for a Retry-After header, or ``None``.
    :ivar challenges: values of WWW-Authenticate lines, for a 401.
    """

    status: int
    text: str
    retry_after: int | None = None
    challenges: tuple[str, ...] = ()


def to_answer(refusal: Refusal, *, request_id: str, head_only: bool, close: bool) -> bytes:
    """The whole answer as bytes; without its body when the request was a HEAD."""
    return _answer(
        refusal.status,
        refusal.text + "\r\n",
        request_id=request_id,
        head_only=head_only,
        close=close,
        content_type="text/plain; charset=utf-8",
        extra=(
            f"X-FailureContext: FrontEnd;{refusal.status};"
            f"{b64encode(refusal.text.encode()).decode()};;;;\r\n"
            + "".join(f"WWW-Authenticate: {each}\r\n" for each in refusal.challenges)
            + (f"Retry-After: {refusal.retry_after}\r\n" if refusal.retry_after else "")
        ),
    )


def session_lost(head: RequestHead, text: str, *, request_id: str, close: bool) -> bytes:
    """X-ResponseCode 10, Context Not Found: what makes Outlook connect anew at once (reference 6.3).

    Only for a session that is lost for good, and never for a Connect or Bind (N4).
    """
    return _failed(head, 10, "Context Not Found", text, request_id, close)


def endpoint_disabled(head: RequestHead, text: str, *, request_id: str, close: bool) -> bytes:
    """X-ResponseCode 16, Endpoint Disabled: MAPI/HTTP is not for this mailbox (reference 3)."""
    return _failed(head, 16, "Endpoint Disabled", text, request_id, close)


def _failed(
    head: RequestHead, code: int, title: str, text: str, request_id: str, close: bool
) -> bytes:
    """A code within a 200. The three headers by which a client tells its answers apart are echoed as they
    came.
    """
    echoes = [
        b"%b: %b\r\n" % (name, value)
        for name, value in head.fields
        if name.lower() in (b"x-requesttype", b"x-requestid", b"x-clientinfo")
    ]
    return _answer(
        200,
        f"<html><head><title>{title}</title></head><body><p>{escape(text)}</p></body></html>\r\n",
        request_id=request_id,
        head_only=False,
        close=close,
        content_type="text/html",
        extra=f"X-ResponseCode: {code}\r\n" + b"".join(echoes).decode("latin-1"),
        encoding="latin-1",
    )


def healthy(server_name: str, *, request_id: str, head_only: bool, close: bool) -> bytes:
    """``healthcheck.htm`` in the words of Exchange's front end (exchange reference 4.6)."""
    return _answer(
        200,
        f"200 OK<br/>{server_name}",
        request_id=request_id,
        head_only=head_only,
        close=close,
        content_type="text/html",
        extra="Cache-Control: no-store\r\n",
    )


def _answer(
    status: int,
    text: str,
    *,
    request_id: str,
    head_only: bool,
    close: bool,
    content_type: str,
    extra: str,
    encoding: str = "utf-8",
) -> bytes:
    body = text.encode(encoding, "replace")
    head = (
        f"HTTP/1.1 {status} {_PHRASES.get(status, 'Error')}\r\n"
        f"Content-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"request-id: {request_id}\r\n"
        f"{extra}"
        f"{'Connection: close' + chr(13) + chr(10) if close else ''}"
        "\r\n"
    ).encode(encoding, "replace")
    return head if head_only else head + body
