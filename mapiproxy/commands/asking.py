"""How a command asks the process that runs: one order over its control socket, one reply.

Blocking and plain, because a command does nothing else meanwhile.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.text import Text

from mapiproxy.record.lengths import show_length

#: Where the example configuration has it.
USUAL = "/run/mapiproxy/control.sock"
#: Seconds that a reply may take.
PATIENCE = 30.0

Plain = dict[str, Any]


def ask(path: Path, command: str, **arguments: Any) -> Plain:
    """The reply to an order; its ``ok`` may be false.

    :raise click.ClickException: nobody there, or nobody who speaks as we do.
    """
    order = {"command": command, **{key: value for key, value in arguments.items() if value is not None}}
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE)
            line.connect(str(path))
            line.sendall(json.dumps(order).encode() + b"\n")
            with line.makefile("rb") as came:
                answer = came.readline()
    except FileNotFoundError:
        raise click.ClickException(
            f"there is no socket {path}: is mapiproxy running, and does its file say [control] socket?"
        ) from None
    except ConnectionRefusedError:
        raise click.ClickException(f"nobody listens on {path}: mapiproxy is not running") from None
    except PermissionError:
        raise click.ClickException(f"{path} belongs to somebody else: use the proxy's user") from None
    except OSError as error:
        raise click.ClickException(f"{path}: {error}") from None
    if not answer:
        raise click.ClickException(
            f"{path} was closed without an answer: mapiproxy is stopping, or too many ask at the same time"
        )
    try:
        reply = json.loads(answer)
    except ValueError:
        raise click.ClickException(f"what answers on {path} is not mapiproxy") from None
    if not isinstance(reply, dict):
        raise click.ClickException(f"what answers on {path} is not mapiproxy")
    return reply


def asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that asks: ``--socket`` and ``--json``."""
    command = click.option("--json", "as_json", is_flag=True, help="Print the reply as JSON, for scripts.")(
        command
    )
    return click.option(
        "--socket",
        "path",
        envvar="MAPIPROXY_SOCKET",
        default=USUAL,
        show_default=True,
        show_envvar=True,
        type=click.Path(path_type=Path),
        help="The control socket of the process that runs.",
    )(command)


def order(path: Path, as_json: bool, command: str, **arguments: Any) -> Plain | None:
    """Ask, and conclude from the reply."""
    return conclude(ask(path, command, **arguments), as_json)


def conclude(reply: Plain, as_json: bool) -> Plain | None:
    """Print the reply when JSON is wanted, and return it when it is still to be shown.

    Ends the process with 1 when the order was refused, saying why.
    """
    if as_json:
        click.echo(json.dumps(reply, indent=2))
        if not reply.get("ok"):
            sys.exit(1)
        return None
    if not reply.get("ok"):
        for problem in reply.get("problems") or ():
            click.echo(problem, err=True)
        raise click.ClickException(str(reply.get("error", "refused")))
    return reply


class _Patient(Console):
    """Goes on where nobody reads any more (``| head -1``), because the exit code is still to come."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console(patient: bool = False) -> Console:
    """For tables: as wide as the terminal, and a line for each row, whatever it holds, when there is none.

    :param patient: of a command that ends by itself, and whose exit code says something.
    """
    # There is no standard output at all where it was closed before we began.
    piped = (sys.stdout is None or not sys.stdout.isatty()) and "COLUMNS" not in os.environ
    kind = _Patient if patient else Console
    return kind(highlight=False, markup=False, width=1000 if piped else None)


def plain(text: str, style: str = "") -> Text:
    """Text that somebody else wrote, as it is: no markup, and nothing that a terminal would obey.

    Mailboxes, users and request types come from clients, reasons from servers.
    """
    return Text("".join(each if each.isprintable() else "?" for each in text), style)


def lines_of(table: RenderableType, out: Console) -> list[Text]:
    """A table as wide as it has to be: the terminal wraps a line that is too long, nothing is lost."""
    lines = out.render_lines(table, out.options.update(width=_wide(table, out)), pad=False)
    texts = [Text.assemble(*((each.text, each.style or "") for each in line)) for line in lines]
    for text in texts:
        text.rstrip()
    return texts


def fits(table: RenderableType, out: Console) -> bool:
    """Whether no line of a table is too long."""
    return _wide(table, out) <= out.width


def _wide(table: RenderableType, out: Console) -> int:
    return out.measure(table, options=out.options.update(width=10_000)).maximum


def show_seconds(seconds: float | None) -> str:
    """``4m12s``; ``-`` for none."""
    return "-" if seconds is None else show_length(seconds)
