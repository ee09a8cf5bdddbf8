"""The virtual directories of the lab's servers, on real sockets."""

from __future__ import annotations

from typing import Any

from support.lab import ALICE, BOB
from support.lab_sockets import ServerCase
from twisted.internet.defer import inlineCallbacks

from mapiproxy.backends.vdir import SHAPES
from mapiproxy.lab.pox import autodiscover_request
from mapiproxy.lab.rts import ECHO, ECHO_BODY

PATHS = [path for shape in SHAPES.values() for path in shape.paths]


def raw(
    target: str, *, method: str = "GET", user: Any = ALICE, body: bytes = b"", extra: tuple[str, ...] = ()
) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: mail.example.test", f"Content-Length: {len(body)}", *extra]
    if user is not None:
        lines.append(f"Authorization: {user.basic.decode()}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class ExchangeDirectoryTests(ServerCase):
    kind = "exchange"

    @inlineCallbacks
    def test_every_directory_has_a_health_page_without_credentials(self) -> Any:
        self.start()
        wire = yield self.wire()
        for path in [*PATHS, "/OWA", "/Microsoft-Server-ActiveSync"]:
            reply = yield wire.ask(raw(f"{path}/HealthCheck.htm", user=None))
            self.assertEqual((reply.status, reply.body), (200, b"200 OK<br/>LAB1"), path)

    @inlineCallbacks
    def test_an_inactive_directory_serves_no_health_page_and_the_others_do(self) -> Any:
        server = self.start()
        server.backend.directories.inactive.update(("ews", "mapi"))
        wire = yield self.wire()
        for path in PATHS:
            reply = yield wire.ask(raw(f"{path}/healthcheck.htm", user=None))
            self.assertEqual(reply.status, 404 if path in ("/ews", "/mapi") else 200, path)
        reply = yield wire.ask(raw("/mapi/emsmdb/healthcheck.htm", user=None))
        self.assertEqual(reply.status, 404)
        server.backend.directories.inactive.clear()
        reply = yield wire.ask(raw("/ews/healthcheck.htm", user=None))
        self.assertEqual(reply.status, 200)

    @inlineCallbacks
    def test_nothing_else_is_told_to_strangers(self) -> Any:
        self.start()
        wire = yield self.wire()
        for path in PATHS:
            for target in (path, f"{path}/", f"{path}/a/healthcheck.htm", f"{path}/x.asmx?y=1"):
                if path == "/mapi":
                    target = "/mapi/emsmdb/?MailboxId=a"
                reply = yield wire.ask(raw(target, user=None))
                self.assertEqual(reply.status, 401, target)
                self.assertEqual(reply.all(b"WWW-Authenticate"), [b'Basic realm="LAB1"'])

    @inlineCallbacks
    def test_a_page_tells_what_arrived_byte_for_byte(self) -> Any:
        self.start()
        wire = yield self.wire()
        target = "/EWS/Exchange.asmx/%2e%2E//a%20b;c=d?x=%2f&y=a+b&&z=?"
        reply = yield wire.ask(raw(target, method="POST", user=BOB, body=b"<soap/>"))
        self.assertEqual(reply.status, 200)
        self.assertEqual(
            reply.body.decode(),
            "server: LAB1\ndirectory: ews\nuser: bob@example.test\nmethod: POST\n"
            f"target: {target}\nbody: 7 bytes\n",
        )

    @inlineCallbacks
    def test_each_directory_knows_itself(self) -> Any:
        self.start()
        wire = yield self.wire()
        for name, shape in SHAPES.items():
            for path in shape.paths if name != "mapi" else ():
                reply = yield wire.ask(raw(path.upper()))
                self.assertIn(b"directory: %b\n" % name.encode(), reply.body)

    @inlineCallbacks
    def test_what_is_no_directory_is_not_found(self) -> Any:
        self.start()
        wire = yield self.wire()
        for target in ("/", "/ewsx", "/rpcwithcertificate/rpcproxy.dll", "/autodiscover.xml"):
            reply = yield wire.ask(raw(target))
            self.assertEqual(reply.status, 404, target)

    @inlineCallbacks
    def test_autodiscover_answers_and_forbids_to_keep_the_answer(self) -> Any:
        self.start()
        wire = yield self.wire()
        body = autodiscover_request("alice@example.test")
        for extra, wanted in ((("X-MapiHttpCapability: 1",), b'Type="mapiHttp"'), ((), b"<Type>EXCH")):
            reply = yield wire.ask(
                raw("/Autodiscover/Autodiscover.xml", method="POST", body=body, extra=extra)
            )
            self.assertEqual(reply.status, 200)
            self.assertIn(b"no-store", reply.get(b"Cache-Control"))
            self.assertEqual(reply.get(b"Content-Type"), b"text/xml; charset=utf-8")
            self.assertIn(wanted, reply.body)
        reply = yield wire.ask(raw("/autodiscover/autodiscover.xml", method="POST", body=body, user=None))
        self.assertEqual(reply.status, 401)

    @inlineCallbacks
    def test_an_echo_probe_is_answered_with_twenty_bytes(self) -> Any:
        self.start()
        wire = yield self.wire()
        for method in ("RPC_IN_DATA", "RPC_OUT_DATA"):
            for path in ("/rpc/rpcproxy.dll", "/RpcWithCert/RpcProxy.dll"):
                for body in (b"", ECHO_BODY, b"x" * 16):
                    reply = yield wire.ask(raw(f"{path}?a@b:6001", method=method, body=body))
                    self.assertEqual(reply.status, 200)
                    self.assertEqual(reply.get(b"Content-Length"), b"20")
                    self.assertEqual(reply.body, ECHO.raw)
        reply = yield wire.ask(raw("/rpc/rpcproxy.dll?a:6001", method="RPC_IN_DATA", user=None))
        self.assertEqual(reply.status, 401)
        reply = yield wire.ask(raw("/rpc/other.dll?a:6001", method="RPC_IN_DATA"))
        self.assertEqual(reply.status, 400)


class GrommunioDirectoryTests(ServerCase):
    kind = "grommunio"

    @inlineCallbacks
    def test_there_is_no_health_page_and_no_owa(self) -> Any:
        self.start()
        wire = yield self.wire()
        reply = yield wire.ask(raw("/mapi/healthcheck.htm", user=None))
        self.assertEqual(reply.status, 404)
        reply = yield wire.ask(raw("/ews/healthcheck.htm", user=None))
        self.assertEqual(reply.status, 401)
        reply = yield wire.ask(raw("/owa/"))
        self.assertEqual(reply.status, 404)

    @inlineCallbacks
    def test_its_directories_answer(self) -> Any:
        self.start()
        wire = yield self.wire()
        reply = yield wire.ask(raw("/EWS/exchange.asmx"))
        self.assertIn(b"user: alice@example.test\n", reply.body)
        body = autodiscover_request("alice@example.test")
        reply = yield wire.ask(raw("/Autodiscover/autodiscover.xml", method="POST", body=body))
        self.assertIn(b'Type="mapiHttp"', reply.body)
        reply = yield wire.ask(raw("/rpc/rpcproxy.dll?a:6001", method="RPC_OUT_DATA", body=ECHO_BODY))
        self.assertEqual(reply.body, ECHO.raw)
