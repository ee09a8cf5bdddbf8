"""A lab server as a process of its own: for tests of the real thing and for benchmarks.

Prints one line of JSON with its address when it listens, and runs until it is told to stop.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from mapiproxy.lab.authenticating import SCHEMES, WindowsAuthenticator, bindings_of
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.journal import Journal
from mapiproxy.lab.server import LOOPBACK, LabServer
from mapiproxy.lab.tls import server_context
from mapiproxy.lab.users import Users, crowd_users, lab_users


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(
        prog="python -m mapiproxy.lab.server", description="A small MAPI/HTTP server for the lab."
    )
    defaults = LabOptions()
    parse.add_argument("--kind", choices=("exchange", "grommunio"), default="exchange")
    parse.add_argument("--name", default="LAB1", help="how it names itself in its answers")
    parse.add_argument("--port", type=int, default=0, help="on loopback; 0 picks a free one")
    parse.add_argument("--certificate", type=Path, help="PEM, leaf first; without it: plain HTTP")
    parse.add_argument("--key", type=Path, help="PEM; default: the same file")
    parse.add_argument(
        "--user",
        action="append",
        metavar="LOGIN:PASSWORD",
        help="may be repeated; default alice, bob",
    )
    parse.add_argument(
        "--crowd", type=int, metavar="COUNT", help="so many people u00001... who share mailboxes"
    )
    parse.add_argument("--mail-every", type=float, metavar="SECONDS", help="for each mailbox")
    parse.add_argument(
        "--auth",
        action="append",
        choices=SCHEMES,
        help="a scheme that is offered; may be repeated; default Basic alone",
    )
    parse.add_argument(
        "--extended-protection",
        action="store_true",
        help="NTLM must be bound to this server's own certificate",
    )
    parse.add_argument("--reveal", action="store_true", help="add X-Lab-User to answers")
    parse.add_argument("--mark", action="store_true", help="grommunio: add X-Lab-Backend")
    parse.add_argument(
        "--length", action="store_true", help="exchange: Execute answers with Content-Length"
    )
    parse.add_argument("--answer-size", type=int, help="bytes of an Execute's answer (filler)")
    for option in ("execute-delay", "pending-period", "wait-length", "expiry"):
        default = getattr(defaults, option.replace("-", "_"))
        parse.add_argument(f"--{option}", type=float, default=default, metavar="SECONDS")
    parse.add_argument(
        "--journal", type=Path, help="append a line of JSON to this file for each MAPI request"
    )
    parse.add_argument("--idle-limit", type=float, metavar="SECONDS")
    return parse


def main(arguments: list[str] | None = None) -> None:
    """Run until stopped."""
    from twisted.internet import reactor

    asked = parser().parse_args(arguments)
    options = LabOptions(
        execute_delay=asked.execute_delay,
        answer_size=asked.answer_size,
        pending_period=asked.pending_period,
        wait_length=asked.wait_length,
        expiry=asked.expiry,
        idle_limit=asked.idle_limit,
        chunk_executes=not asked.length,
        mark=asked.mark,
        reveal=asked.reveal,
    )
    users = lab_users(*(asked.user or ("alice@example.test:alicepw", "bob@example.test:bobpw")))
    if asked.crowd is not None:
        users = Users([*users, *crowd_users(asked.crowd)])
    tls = None
    if asked.certificate is not None:
        tls = server_context(asked.certificate, asked.key or asked.certificate)
    authenticator = None
    if asked.auth:
        bindings = None
        if asked.extended_protection and asked.certificate is not None:
            bindings = bindings_of(asked.certificate)
        authenticator = WindowsAuthenticator(users, asked.auth, asked.name, bindings)
    server = LabServer(
        asked.kind, asked.name, users, options, reactor, tls=tls, authenticator=authenticator
    )
    if asked.journal is not None:
        journal = Journal(asked.journal, asked.name)
        server.backend.on_execution = journal.executed
        server.backend.on_seen = journal.answered
    server.start(asked.port)
    if asked.mail_every is not None:
        server.postman.bring_every(asked.mail_every)
    address = {
        "kind": asked.kind,
        "name": asked.name,
        "host": LOOPBACK,
        "port": server.port,
        "tls": tls is not None,
        "url": server.url,
    }
    sys.stdout.write(json.dumps(address) + "\n")
    sys.stdout.flush()
    reactor.run()
