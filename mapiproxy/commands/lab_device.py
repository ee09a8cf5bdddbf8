"""``mapiproxy lab device``: one device of the lab's network, alone, in front of anything.

Prints what happens there; orders are typed (console.py). Must not know how any device works: its options are
made from the settings of all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import click
from twisted.internet.error import CannotListenError
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineReceiver

from mapiproxy.commands.asking import plain
from mapiproxy.lab.authority import Authority
from mapiproxy.lab.happening import Happening
from mapiproxy.lab.network.addresses import show
from mapiproxy.lab.network.console import obey, read_table
from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.devices import DEVICES, make_device
from mapiproxy.lab.network.reading import BadRule, forms_of
from mapiproxy.lab.network.tls import PASS_THROUGH, PassThrough, Termination
from mapiproxy.settings.units import BadValue, parse_bind

Decorator = Callable[[Any], Any]


def _settings() -> dict[str, tuple[str, list[str]]]:
    """Setting → its form, and the devices that have it."""
    found: dict[str, tuple[str, list[str]]] = {}
    for kind, cls in DEVICES.items():
        for name, form in forms_of(cls.Settings).items():
            found.setdefault(name, (form, []))[1].append(kind)
    return found


def _setting_options(command: Any) -> Any:
    """An option for each setting of each device."""
    for name, (form, kinds) in reversed(_settings().items()):
        extra: dict[str, Any] = {"help": f"Of {', '.join(kinds)}."}
        if form == "switch":
            extra["is_flag"] = True
        elif form == "words":
            extra["multiple"] = True
        command = click.option(f"--{name.replace('_', '-')}", name, **extra)(command)
    return command


@click.command(short_help="Run one device of the network, in front of anything.")
@click.argument("kind", type=click.Choice([kind.replace("_", "-") for kind in DEVICES]))
@click.option("--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Where.")
@click.option("--to", "servers", multiple=True, required=True, metavar="HOST:PORT", help="A server.")
@click.option("--rule", "rules", multiple=True, metavar="TABLE", help="A rule, as a TOML inline table.")
@click.option("--seed", type=int, help="Of everything that is left to chance; printed if it is not given.")
@click.option("--anywhere", is_flag=True, help="Listen on an address that others can reach.")
@click.option("--pass-tls", is_flag=True, help="Pass TLS unread: rules about TCP only.")
@click.option("--certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="End TLS and show this (with its chain); needs --key.")  # fmt: skip
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its private key.")
@click.option("--authority", type=click.Path(file_okay=False, path_type=Path),
              help="End TLS with a certificate of a new throw-away CA; its ca.pem is left here.")  # fmt: skip
@click.option("--server-name", default="localhost", show_default=True, help="Name of the servers, in TLS.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Whom to trust for the servers; the system's authorities by default.")  # fmt: skip
@click.option("--insecure", is_flag=True, help="Do not look at the servers' certificates.")
@click.option("--plain-to", is_flag=True, help="End TLS, and speak plain HTTP with the servers.")
@_setting_options
def device(
    kind: str, listen: str, servers: tuple[str, ...], rules: tuple[str, ...], seed: int | None,
    anywhere: bool, **more: Any,
) -> None:  # fmt: skip
    """Run one device of the laboratory's network until Ctrl-C.

    Each of the options "Of ..." belongs to those devices only. The README has all faults for --rule.
    """
    from twisted.internet import reactor

    seed = SystemRandom().getrandbits(32) if seed is None else seed
    tls = _tls(more)
    table = {"device": kind.replace("-", "_"), "listen": listen, **_given(more)}
    try:
        table["rules"] = [read_table(rule) for rule in rules]
        to = [(bind.host, bind.port) for bind in map(parse_bind, servers)]
        if isinstance(tls, Termination):
            # What is wrong with its files is told now, not to the first client.
            tls.context()
            tls.client()
        box = make_device(table, reactor, Random(seed), print_happening, tls=tls, to=to, anywhere=anywhere)
    except BadRule as error:
        text = str(error)
        raise click.ClickException(f"{text}: give --anywhere" if "anywhere" in text else text) from None
    except BadValue as error:
        raise click.ClickException(f"--to: {error}") from None
    except (OSError, ValueError) as error:
        raise click.ClickException(f"the certificate cannot be used: {error}") from None
    _run(box, listen, seed, reactor)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The settings that were given, as they would stand in a table."""
    table: dict[str, Any] = {}
    for name in _settings():
        value = options[name]
        if value not in (None, False, ()):
            table[name] = list(value) if isinstance(value, tuple) else value
    return table


def _tls(options: dict[str, Any]) -> Termination | PassThrough | None:
    certificate, key, authority = options["certificate"], options["key"], options["authority"]
    if options["pass_tls"]:
        if certificate or authority:
            raise click.UsageError("--pass-tls does not go with a certificate")
        return PASS_THROUGH
    if bool(certificate) != bool(key):
        raise click.UsageError("--certificate and --key go together")
    if certificate and authority:
        raise click.UsageError("give --certificate or --authority, not both")
    more = {
        "re_encrypt": not options["plain_to"], "server_name": options["server_name"],
        "ca_file": options["ca_file"], "verify": not options["insecure"],
    }  # fmt: skip
    if certificate:
        return Termination(certificate, key, **more)
    if authority:
        return Termination.by(Authority(authority), "localhost", "127.0.0.1", options["server_name"], **more)
    return None


def print_happening(happening: Happening) -> None:
    """One line for what has happened."""
    when = datetime.now().strftime("%H:%M:%S.%f")[:-3]
    word = "" if happening.outcome == "ok" else f" [{happening.outcome}]"
    told = f"{happening.lane} {happening.kind:<10} {happening.label}{word}  {happening.detail}"
    click.echo(f"{when} {plain(told).plain}")


class _Orders(LineReceiver):
    delimiter = b"\n"

    def __init__(self, box: Device) -> None:
        self._box = box

    def lineReceived(self, line: bytes) -> None:
        answer = obey(self._box, line.decode("utf-8", "replace"))
        for each in answer.splitlines():
            click.echo(plain(each).plain)


def _run(box: Device, listen: str, seed: int, reactor: Any) -> None:
    try:
        port = box.start()
    except CannotListenError as error:
        raise click.ClickException(f"{listen}: {error.socketError}") from None
    host = listen.rpartition(":")[0].strip("[]")
    where = ", ".join(map(show, box.to))
    click.echo(f"{box.name} listens on {show((host, port))} in front of {where} (seed {seed})")
    if sys.stdin is not None and sys.stdin.isatty():
        click.echo("Orders may be typed; help says which. Ctrl-C stops.")
    reactor.callWhenRunning(StandardIO, _Orders(box))
    reactor.addSystemEventTrigger("before", "shutdown", box.stop)
    reactor.run()
    for line in box.counters.lines():
        click.echo(plain(line).plain)
