"""Plain TLS servers in threads, made of the standard library alone: somebody else to shake hands with."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from mapiproxy.lab.authority import Issued


class _Exchange(BaseHTTPRequestHandler):
    """Knows healthcheck.htm of MAPI and of EWS."""

    def do_GET(self) -> None:
        well = self.path in ("/mapi/healthcheck.htm", "/ews/healthcheck.htm")
        body = b"200 OK<br/>EXCH1" if well else b""
        self.send_response(200 if well else 404)
        self.send_header("X-OWA-Version", "15.0.516.32")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def exchange_server(issued: Issued | None) -> Iterator[int]:
    """The port of a server with this certificate, or of a plain one."""
    server = HTTPServer(("127.0.0.1", 0), _Exchange)
    if issued is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
