"""A control socket that gives prepared replies, for commands that ask; and replies as a proxy gives them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SERVER = {
    "pool": "mapi", "name": "EXCH1", "url": "https://exch1.example.com", "admin": "ready", "up": True, "why": None,
    "since": 252.0, "weight": 100, "sessions": 41, "connections": 78, "executes": 0, "waits": 37, "others": 0,
    "drain_ends_in": None, "safe_in": 252.0, "safe_text": "0 Execute, 37 waits, 41 sessions, safe in <= 4m12s",
    "failures": 0,
    "probe": {"ok": True, "stage": None, "text": None, "connect_ms": 1.2, "tls_ms": 3.4, "http_ms": 2.0,
              "body_ms": 0.1, "ago": 3.2},
}  # fmt: skip
DOWN = {
    **SERVER, "name": "EXCH2", "up": False, "why": "probe: tls: took longer than 5 s",
    "probe": {**SERVER["probe"], "ok": False, "tls_ms": None, "http_ms": None, "body_ms": None},
    "waits": 0, "sessions": 0, "safe_in": 0, "safe_text": "0 Execute, 0 waits, 0 sessions, safe now",
}  # fmt: skip
SESSION = {
    "id": "7f3a91c2aabbccdd", "pool": "mapi", "kind": "exchange", "endpoint": "emsmdb",
    "mailbox": "616c6963-6540-6578-616d-706c01000000@example.test", "user": None, "application": "Outlook/16.0",
    "client_class": "Outlook 2013 SP1 or later (16.0)", "mapi_http_supported": True,
    "client": "10.0.0.7", "requests": 214, "backend": "EXCH1", "moves": 0, "age": 4000.0, "idle": 0.0,
    "expires_in": 1020.0, "connections": 2,
    "current": [{"request_type": "NotificationWait", "phase": "answer", "seconds": 33.1, "pulses": 1, "quiet": 3.0}],
}  # fmt: skip
STATUS = {
    "ok": True, "version": "0.1", "pid": 4711, "uptime": 7200.0, "stopping": False, "file": "/etc/mapiproxy.toml",
    "loaded_at": 1.0, "generation": 2, "lag": {"now": 0.001, "worst": 0.2},
    "listeners": [{"name": "mail", "binds": ["0.0.0.0:443"], "connections": 3, "limit": 20000, "turned_away": 0}],
    "pools": [{
        "name": "mapi", "kind": "exchange", "up": 1, "servers": 2, "sessions": 41, "evicted": 0, "moved": 5,
        "rungs": {"route-cookie": 90, "session": 5, "client": 0, "mailbox": 5, "least-sessions": 0},
        "unmatched_cookies": 2, "again": {"resent": 1, "refused": 2, "broken": 3, "lost": 4}, "hangs": 0, "skew": 1.3,
        "channels": 4, "auth_loops": 1, "credentials_stopped": 7,
        "vdirs": [{"name": "mapi", "enabled": True, "down": []}, {"name": "ews", "enabled": True, "down": ["EXCH2"]},
                  {"name": "owa", "enabled": False, "down": []}],
    }],
    "certificates": {"drift": ["CERT drift since 2026-11-01: listener mail renewed, EXCH2 not"]},
}  # fmt: skip


@contextmanager
def answering(path: Path, *replies: dict[str, Any] | bytes) -> Iterator[list[dict[str, Any]]]:
    """Gives one reply to each connection, the last one for ever; yields the orders that came."""
    orders: list[dict[str, Any]] = []
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        left = list(replies)
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            with line, line.makefile("rb") as came:
                asked = came.readline()
                if not asked:
                    return
                orders.append(json.loads(asked))
                reply = left.pop(0) if len(left) > 1 else left[0]
                line.sendall(reply if isinstance(reply, bytes) else json.dumps(reply).encode() + b"\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield orders
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)
