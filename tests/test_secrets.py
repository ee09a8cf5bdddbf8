"""Nothing that lets somebody in is told anywhere: a real proxy, and secrets in every place that can hold one.

What the proxy writes (its output, each file of its logs) and what it serves (status page, JSON, metrics,
traces, control socket) is searched for each of them.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.proxyprocess import ProxyProcess, backend, read_exactly, read_until
from support.watching import order, send, wait_for

TOKEN = "the-token-of-the-status-page-0123456789"
GUID = "{A5E9D50A-1314-4880-9EE7-4CD1CDCD8CC5}"
MAILBOX = "616c6963-6540-6578-616d-706c01000000@example.test"
VDIRS = '["mapi", "rpc", "ews", "autodiscover", "oab", "owa", "ecp", "microsoft-server-activesync", "powershell"]'


class Secrets:
    """Hands out secrets, and knows in which shapes each of them could come out again."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}

    def new(self, name: str) -> str:
        assert name not in self.of
        self.of[name] = f"zQ{len(self.of):03}vX7kP2wN5"
        return self.of[name]

    def found_in(self, text: str) -> list[str]:
        lowered = text.lower()
        return [name for name, secret in self.of.items() for shape in _shapes(secret) if shape.lower() in lowered]


def _shapes(secret: str) -> Iterator[str]:
    yield secret
    yield secret.encode().hex()
    for before in ("", "x", "xx"):
        # What of it base64 shows the same, wherever in a text it begins.
        whole = base64.b64encode((before + secret).encode()).decode()
        yield whole[-(-8 * len(before) // 6) : len(before + secret) * 8 // 6 - 1]


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def ntlm(kind: int, secret: str) -> str:
    message = b"NTLMSSP\0" + struct.pack("<I", kind) + bytes(52)
    return "NTLM " + base64.b64encode(message + secret.encode()).decode()


def request(line: str, *fields: str, body: bytes = b"", host: str = "Host: mail.example.test") -> bytes:
    lines = [f"{line} HTTP/1.1", host, "Connection: close", *fields, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def mapi(kind: str, cookie: str, authorization: str) -> bytes:
    return request(
        f"POST /mapi/emsmdb/?MailboxId={MAILBOX}", f"X-RequestType: {kind}", f"X-RequestId: {GUID}:2",
        f"X-ClientInfo: {GUID}:1", "X-ClientApplication: Outlook/16.0.10386.20000",
        "Content-Type: application/mapi-http", f"Cookie: {cookie}", f"Authorization: {authorization}",
        body=b"body",
    )  # fmt: skip


def ordinary(new: Secrets) -> list[bytes]:
    """Requests as clients send them, of all protocols; each is answered."""
    secret = new.new
    canary = secret("canary of OWA")
    return [
        mapi("Connect", "none=of-ours", basic("alice@example.test", secret("password, MAPI"))),
        mapi("Execute", f"MapiContext={secret('MapiContext')}; MapiSequence={secret('MapiSequence')}",
             f"Bearer {secret('Bearer')}"),
        mapi("PING", f"sid={secret('sid')}; sequence=1", ntlm(1, secret("NTLM, first"))),
        mapi("PING", f"sid={secret('sid again')}", ntlm(3, secret("NTLM, third"))),
        mapi("Bogus", f"X-BackEndCookie={secret('backend cookie')}", f"Negotiate {secret('Negotiate')}=="),
        mapi("Execute", "a=b", secret("credentials without a scheme")),
        mapi("Execute", "a=b", f"Fancy {secret('unknown scheme')}"),
        mapi("Execute", secret("cookie without a name"), "Basic " + base64.b64encode(
            secret("Basic without a colon").encode()).decode()),
        request("RPC_IN_DATA /rpc/rpcproxy.dll?" + MAILBOX + ":6001",
                f"Authorization: {basic('EXAMPLE' + chr(92) + 'bob', secret('password, RPC'))}"),
        request("POST /EWS/Exchange.asmx", f"Authorization: {basic('carol', secret('password, EWS'))}",
                body=f"<Password>{secret('body, EWS')}</Password>".encode()),
        request("POST /autodiscover/autodiscover.xml", f"Authorization: {basic('dave', secret('password, Autodiscover'))}",
                body=secret("body, Autodiscover").encode()),
        request(f"POST /Microsoft-Server-ActiveSync?Cmd=Sync&User=eve&password={secret('query, EAS')}",
                f"Authorization: {basic('eve', secret('password, EAS'))}"),
        request(f"GET /owa/?ae=Item&X-OWA-CANARY={canary}&code={secret('code')}&access_token={secret('access_token')}",
                f"Cookie: cadata={secret('cadata')}; cadataKey={secret('cadataKey')}; X-OWA-CANARY={canary}; "
                f"ClientId={secret('ClientId')}",
                f"X-OWA-CANARY: {canary}", f"Referer: https://mail/owa/?X-OWA-CANARY={secret('canary in Referer')}",
                f"X-OWA-UrlPostData: %7b%22token%22%3a%22{secret('OWA, data in a header')}%22%7d"),
        request("POST /owa/auth.owa", f"Cookie: PrivateComputer=true; tok={secret('cookie of the form')}",
                body=f"username=alice&password={secret('form')}".encode()),
        request(f"POST /ecp/x.svc?msExchEcpCanary={secret('ECP, query')}&client_secret={secret('client_secret')}",
                f"msExchEcpCanary: {secret('ECP, header')}"),
        request(f"GET /oab/x.xml?id_token={secret('id_token')}&SAMLResponse={secret('SAML')}&apikey={secret('apikey')}",
                f"X-Api-Key: {secret('X-Api-Key')}", f"Proxy-Authorization: Bearer {secret('Proxy-Authorization')}"),
        request("POST /PowerShell?sessionID=Version_15.1_(Build_2374.0)", f"X-CommonAccessToken: {secret('CAT')}",
                f"Authorization: Kerberos {secret('Kerberos')}"),
        request(f"GET /nothing/here?token={secret('token, nowhere')}", f"Cookie: a={secret('cookie, nowhere')}"),
        request(f"GET http://frank:{secret('password in a URL')}@mail.example.test/owa/x?sig={secret('sig')}"),
    ]  # fmt: skip


def broken(new: Secrets) -> list[bytes]:
    """What is refused or breaks off, each on a connection of its own."""
    secret = new.new
    return [
        request("GET /owa/", f"Cookie MapiContext={secret('field without a colon')}"),
        request("GET /owa/", f"Authorization : Basic {secret('blank before the colon')}"),
        request("GET /owa/", f"{secret('no field at all')}"),
        request("GET /owa/", f" folded {secret('a folded line')}"),
        request("GET /owa/", f"Cookie: a={secret('control character')}\x01"),
        request("GET /owa/", host=f"Host: {secret('password in Host')}@mail:x:y"),
        request(f"GET /owa/?token={secret('blank in the target')} and more"),
        request("GET /owa/", f"Authorization: Basic {secret('far too long') * 8000}"),
        request("POST /ews/", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
        + f"{secret('no chunk')}\r\n".encode(),
        b"\x16\x03\x01" + secret("no HTTP").encode() + b"\r\n\r\n",
    ]


def answers(new: Secrets) -> list[bytes]:
    """What the server says, in turn."""
    secret = new.new

    def answer(status: str, *fields: str) -> bytes:
        return "\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 2", *fields, "", "ok"]).encode()

    return [
        answer("200 OK", "X-ResponseCode: 0", "X-RequestType: Connect",
               f"Set-Cookie: MapiContext={secret('MapiContext, set')}; path=/mapi/emsmdb; HttpOnly",
               f"Set-Cookie: MapiSequence={secret('MapiSequence, set')}"),
        answer("401 Unauthorized", "WWW-Authenticate: " + ntlm(2, secret("challenge")),
               f'WWW-Authenticate: Negotiate {secret("challenge of Negotiate")}==, Basic realm="x"'),
        answer("302 Found", f"Location: /owa/auth?code={secret('code in Location')}#id_token={secret('fragment')}",
               f"Set-Cookie: cadata={secret('cadata, set')}; path=/"),
        answer("200 OK", f"X-OWA-Canary: {secret('canary, set')}", f"Authentication-Info: Negotiate {secret('final')}",
               f"X-Backend-Token: {secret('token of the server')}"),
        f"HTTP/1.1 200 OK\r\nSet-Cookie sid={secret('no answer')}\r\n\r\n".encode(),
    ]  # fmt: skip


def configuration(folder: Path, port: int) -> str:
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "token").chmod(0o600)
    return (
        '[listener.mail]\nbind = "127.0.0.1:0"\ntls = false\n'
        f'[backend.test]\nkind = "exchange"\nallow_ssl_offload = true\nvdirs = {VDIRS}\n'
        f'[[backend.test.server]]\nname = "exch1"\nurl = "http://127.0.0.1:{port}"\n[health]\nenabled = false\n'
        f'[log]\ndirectory = "{folder / "log"}"\nflush = "50ms"\nmapi_client_access = true\n'
        f'mapi_address_book = true\n[control]\nsocket = "{folder / "control"}"\n'
        f'[admin]\nbind = "127.0.0.1:0"\ntoken_file = "{folder / "token"}"\n'
    )


def test_nothing_tells_a_secret(tmp_path: Path) -> None:
    secrets = Secrets()
    said = answers(secrets)
    asked: list[bytes] = []

    def play(connection: socket.socket) -> None:
        with suppress(ConnectionResetError):
            speak(connection)

    def speak(connection: socket.socket) -> None:
        while head := read_until(connection, b"\r\n\r\n"):
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = read_exactly(connection, int(length[1])) if length else b""
            turn = len(asked)
            asked.append(head + body)
            if b"NotificationWait" in head:
                read_exactly(connection, 1)  # until it is cut
                return
            connection.sendall(said[turn % len(said)])

    with backend(play) as port:
        running = ProxyProcess(tmp_path, configuration(tmp_path, port))
        try:
            served = converse(running, tmp_path, secrets)
        finally:
            running.stop()
    written = {"output": "".join(running.said)}
    for path in (tmp_path / "log").rglob("*.LOG"):
        written[str(path.relative_to(tmp_path))] = path.read_text("utf-8")

    # The secrets did pass through, and what is searched tells of those who brought them.
    through = b"".join(asked).decode("latin-1")
    assert len(secrets.found_in(through)) > 30
    assert {Path(name).parent.name for name in written if name != "output"} >= {
        "Mapi", "RpcHttp", "Ews", "Autodiscover", "Owa", "Ecp", "Oab", "Eas", "PowerShell", "MAPI Client Access",
    }  # fmt: skip
    assert "alice@example.test" in "".join(written.values())
    assert "removed" in "".join(written.values())
    assert "alice@example.test" in served["trace"]
    assert MAILBOX in served["/sessions"]
    for text in served.values():
        assert text
    told = {name: found for name, text in {**written, **served}.items() if (found := secrets.found_in(text))}
    assert told == {}


def converse(running: ProxyProcess, folder: Path, secrets: Secrets) -> dict[str, str]:
    """Send everything, and ask for everything there is to see."""
    wait_for(running, "control: listening")
    trace = json.loads(order(folder, command="trace", who="example.test"))["trace"]
    others = json.loads(order(folder, command="trace", who="carol"))["trace"]
    for each in ordinary(secrets):
        send(running.port, each)
    for each in broken(secrets):
        send(running.port, each)
    served = {}
    with socket.create_connection(("127.0.0.1", running.port), 20) as waiting:
        context = f"MapiContext={secrets.new('MapiContext, waiting')}"
        waiting.sendall(mapi("NotificationWait", context, basic("alice@example.test", secrets.new("waiting"))))
        until = time.monotonic() + 20
        while "NotificationWait" not in (status := order(folder, command="trace", trace=trace, after=0)):
            assert time.monotonic() < until
        served["trace"], served["another trace"] = status, order(folder, command="trace", trace=others)
        for command in ("status", "servers", "sessions", "statistics", "metrics"):
            served[f"order {command}"] = order(folder, command=command)
        found = wait_for(running, r"status page: http on .*port=(\d+)")
        bearer = f"Authorization: Bearer {TOKEN}"
        for path in ("/", "/sessions", "/fragment/overview", "/fragment/plots", "/api/status", "/api/servers",
                     "/api/sessions", "/api/statistics", "/metrics", "/nothing"):  # fmt: skip
            served[path] = send(int(found[1]), request(f"GET {path}", bearer, host="Host: localhost")).decode()
        # Those of the page itself: its tokens, right and wrong, and what is beside them.
        wrong = request("GET /api/status", f"Authorization: Bearer {secrets.new('wrong token')}", host="Host: localhost")
        served["401"] = send(int(found[1]), wrong).decode()
        served["429"] = send(int(found[1]), wrong).decode()
        assert " 401 " in served["401"]
        assert " 429 " in served["429"]
        served["421"] = send(int(found[1]), request("GET /", f"Cookie: mapiproxy={secrets.new('cookie of the page')}")).decode()
    secrets.of["token of the page"] = TOKEN
    return served


@pytest.mark.parametrize("before", ["", "x", "xx"])
def test_a_secret_is_found_in_each_shape(before: str) -> None:
    secrets = Secrets()
    secret = secrets.new("one")
    for text in (secret, secret.upper(), base64.b64encode(f"{before}{secret}:y".encode()).decode(), secret.encode().hex()):
        assert secrets.found_in(f"... {text} ...") != []
    assert secrets.found_in("nothing of the kind") == []
