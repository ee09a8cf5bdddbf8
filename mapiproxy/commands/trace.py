"""``mapiproxy trace``: what a session does right now, request by request, secrets as digests."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from mapiproxy.commands.asking import Plain, ask, asking, conclude, console, plain, show_seconds
from mapiproxy.commands.durations import Duration

#: Seconds between two looks.
PACE = 0.4


@click.command(short_help="Follow the requests of a session, mailbox or user live.")
@click.argument("who")
@click.option("--verbose", "-v", is_flag=True, help="Heads too; secrets in them are digests (#1a2b3c4d).")
@click.option(
    "--for", "lasts", type=Duration(), help="Stop after this; by default at Ctrl-C."
)
@asking
def trace(path: Path, as_json: bool, who: str, verbose: bool, lasts: float | None) -> None:
    """Follow WHO: the beginning of a session's id, or a part of a mailbox or user.

    Each request is told when it comes (>), when its answer begins (<), at each PENDING (.) and when it is
    over (=). With --json each event is a line of JSON, heads included.
    """
    until = None if lasts is None else time.monotonic() + lasts
    shown = Shown(console(), verbose)
    tell = _print_json if as_json else shown.event
    number = after = 0
    try:
        while True:
            reply = conclude(ask(path, "trace", who=who, trace=number, after=after), False)
            assert reply is not None, "a refused order ends the command"
            if not number and not as_json:
                shown.out.print(Text(f"following {who}; Ctrl-C ends it"), soft_wrap=True)
            number, after = reply["trace"], reply["after"]
            if reply["lost"]:
                click.echo(f"{reply['lost']} events were not fetched in time", err=True)
            for event in reply["events"]:
                tell(event)
            if not as_json:
                shown.running(reply["running"])
            if until is not None and time.monotonic() >= until:
                return
            time.sleep(PACE if until is None else max(0.0, min(PACE, until - time.monotonic())))
    except KeyboardInterrupt:
        click.echo()


def _print_json(event: Plain) -> None:
    click.echo(json.dumps(event))


class Shown:
    """What stands on the screen of somebody who watches."""

    def __init__(self, out: Console, verbose: bool) -> None:
        self.out = out
        self._verbose = verbose
        self._pulses: dict[str, int] = {}

    def event(self, event: Plain) -> None:
        """A request, an answer or an end."""
        tell: Callable[[Plain], Text] = {
            "request": self._request, "answer": self._answer, "end": self._end
        }[event["event"]]  # fmt: skip
        moment = datetime.fromtimestamp(event["wall"], UTC).strftime("%H:%M:%S.%f")[:-3]
        self.out.print(
            Text.assemble((f"{moment} ", "dim"), (f"{event['exchange'][-6:]} ", "dim"), tell(event)),
            soft_wrap=True,
        )
        if self._verbose:
            for name, value in event.get("head", ()):
                line = Text.assemble(" " * 20, plain(name, "cyan"), ": ", plain(value))
                self.out.print(line, soft_wrap=True)

    def running(self, calls: list[Plain]) -> None:
        """What is under way: a line for each new PENDING."""
        before, self._pulses = self._pulses, {}
        for call in calls:
            key, pulses = call["exchange"], call["pulses"]
            self._pulses[key] = pulses
            if pulses > before.get(key, 0):
                text = f". PENDING {pulses}, {show_seconds(call['seconds'])} since the request"
                self.out.print(
                    Text.assemble(("             " + f"{key[-6:]} ", "dim"), (text, "cyan")), soft_wrap=True
                )

    def _request(self, event: Plain) -> Text:
        who = event["user"] or event["mailbox"] or "?"
        call = event["request_type"] or f"{event['method']} {event['path']}"
        return Text.assemble(
            "> ", plain(call, "bold"), " ", plain(event["request_id"] or ""), " of ", plain(who), " from ",
            plain(event["client"]),
        )  # fmt: skip

    def _answer(self, event: Plain) -> Text:
        good = event["status"] == 200 and not event["code"]
        code = "" if event["code"] is None else f" code {event['code']}"
        text = f"< {event['status']}{code}"
        return Text.assemble((text, "green" if good else "yellow"), " from ", plain(event["backend"] or "?"))

    def _end(self, event: Plain) -> Text:
        good = event["ending"] == "Done" and not event["late_code"]
        words = [f"= {event['ending']}"]
        if event["status"] is not None and event["backend_status"] != event["status"]:
            words.append(f"we said {event['status']}")
        if event["late_code"]:
            words.append(f"code {event['late_code']} after DONE")
        counts = {"pulses": "{} PENDING", "retries": "{} tried again", "moved_from": "moved from {}"}
        words += [text.format(event[key]) for key, text in counts.items() if event[key]]
        spent = ", ".join(f"{name} {ms:g}" for name, ms in event["phases_ms"].items() if ms >= 0.1)
        words.append(f"{event['total_ms']:g} ms" + (f" ({spent})" if spent else ""))
        words.append(f"{event['request_bytes']} bytes in, {event['response_bytes']} out")
        if event["error"]:
            words.append(event["error"])
        return plain(", ".join(words), "" if good else "yellow")
