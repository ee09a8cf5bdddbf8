"""``mapiproxy lab``: the whole product on loopback, with something to watch.

Starts two backends and the proxy, plays an Outlook-like session for one mailbox on each backend,
shows every request, and compares the log with what was asked. Must not know how any of them works.
The laboratory's parts are commands below it (``mapiproxy lab device``), each in a file of its own.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console
from twisted.internet.defer import Deferred
from twisted.logger import (
    FilteringLogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)

from mapiproxy.commands import LazyGroup
from mapiproxy.commands.screen import Screen
from mapiproxy.commands.stage import MakeService, Part, Stage, set_up
from mapiproxy.lab.client import OutlookClient
from mapiproxy.lab.conversation import Conversation
from mapiproxy.lab.step import Step

COMMANDLINE = click.core.ParameterSource.COMMANDLINE

#: Columns of the HttpProxy log.
VALUES = 74
#: How long the log may take to be written.
_LOG_PATIENCE = 5.0


class LabGroup(LazyGroup):
    """The laboratory's parts, by name."""

    offered: Mapping[str, str] = {
        "list": "The scenarios that can be run.",
        "run": "Play scenarios, and say whether all was as expected.",
        "compare": "Play scenarios with HAProxy and nginx in mapiproxy's place as well.",
        "crowd": "Let many Outlooks loose on a proxy or a server, and keep their book.",
        "device": "Run one device of the network, in front of anything.",
        "toxiproxy": "Run the network's faults behind Toxiproxy's HTTP API.",
    }
    files: Mapping[str, str] = {
        "list": "lab_scenarios",
        "run": "lab_scenarios",
        "compare": "lab_compare",
        "crowd": "lab_crowd",
        "device": "lab_device",
        "toxiproxy": "lab_toxiproxy",
    }


@click.group(
    cls=LabGroup,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND [ARGS]...]",
    short_help="Run the proxy with embedded backends and a client, to look at.",
)
@click.option("--once", is_flag=True, help="Play the conversation and exit with 0 or 1.")
@click.option("--port", type=click.IntRange(0, 65535), help="Of the proxy; 0 picks a free one.")
@click.option(
    "--kind",
    type=click.Choice(("exchange", "grommunio")),
    default="exchange",
    show_default=True,
    help="Which servers the backends imitate.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to leave CA, configuration and logs; a new temporary folder by default.",
)
@click.pass_context
def lab(ctx: click.Context, once: bool, port: int | None, kind: str, folder: Path | None) -> None:
    """Start two backends, a throw-away CA and the proxy; play an Outlook session; stay up.

    With a command, only that part of the laboratory runs; the options here are for the whole.
    """
    if ctx.invoked_subcommand is not None:
        given = [name for name in ctx.params if ctx.get_parameter_source(name) is COMMANDLINE]
        if given:
            raise click.UsageError(f"--{given[0]} is for the whole laboratory, not for a part of it", ctx)
        return
    from twisted.internet import reactor

    from mapiproxy.service import make_service

    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="mapiproxy-lab-"))
    folder.mkdir(parents=True, exist_ok=True)
    screen = Screen(Console(soft_wrap=False, highlight=False))
    with (folder / "twisted.log").open("w", encoding="utf-8") as stream:
        errors = watch_errors(stream)
        evening = Evening(screen, reactor, errors, make_service)
        reactor.callWhenRunning(evening.begin, folder, kind, port, once)
        reactor.run()
    raise SystemExit(0 if evening.ok else 1)


def watch_errors(stream: TextIO) -> list[LogEvent]:
    """Send Twisted's log to a file; the list fills with what is an error in it."""
    errors: list[LogEvent] = []
    severe = FilteringLogObserver(
        errors.append,  # type: ignore[arg-type]
        [LogLevelFilterPredicate(defaultLogLevel=LogLevel.error)],
    )
    globalLogBeginner.beginLoggingTo(
        [textFileLogObserver(stream), severe],
        redirectStandardIO=False,
    )
    return errors


class Evening:
    """One run of the laboratory.

    :ivar ok: whether everything was as expected; meaningful when the reactor has stopped.
    """

    def __init__(
        self, screen: Screen, reactor: Any, errors: list[LogEvent], make_service: MakeService
    ) -> None:
        self.ok = False
        self._screen = screen
        self._reactor = reactor
        self._errors = errors
        self._make_service = make_service
        self._connections = 0
        self._steps: list[Step] = []
        self._surprises: list[str] = []

    def begin(self, folder: Path, kind: str, port: int | None, once: bool) -> None:
        """Set up and play; called when the reactor runs."""
        try:
            stage = set_up(folder, kind, port, self._reactor, self._make_service)
        except SystemExit:
            self._reactor.stop()
            return
        except Exception as error:
            # Whatever it is, a person waits for an answer: a taken port above all.
            sys.stderr.write(f"mapiproxy lab: {error}\n")
            self._reactor.stop()
            return
        self._reactor.addSystemEventTrigger(
            "before", "shutdown", lambda: Deferred.fromCoroutine(stage.strike())
        )
        playing = Deferred.fromCoroutine(self.play(stage))

        def then(result: object) -> None:
            if result is not None:
                sys.stderr.write(f"mapiproxy lab: {result}\n")
            if once or result is not None:
                self._screen.farewell(stage)
                self._reactor.stop()
            else:
                self._screen.invitation(stage)

        playing.addBoth(then)

    async def play(self, stage: Stage) -> None:
        """One conversation for each mailbox, then the books."""
        self._screen.opening(stage)
        for part in stage.parts:
            await self._play_part(stage, part)
        lines = await self._log_lines(stage)
        self._surprises += compare(self._sent, lines)
        if self._errors:
            self._surprises.append(f"{len(self._errors)} errors in {stage.folder}/twisted.log")
        for server in stage.servers:
            twice = sum(count > 1 for count in server.backend.executions.values())
            if twice:
                self._surprises.append(f"{server.name} executed {twice} requests more than once")
        self._screen.summary(self._steps, self._surprises, lines)
        self.ok = not self._surprises

    async def _play_part(self, stage: Stage, part: Part) -> None:
        client = OutlookClient(
            self._reactor, stage.address, part.user, kind=stage.kind, dialled=self._number
        )
        conversation = Conversation(client, self._reactor, self._seen(part))
        verdict = await conversation.play()
        self._surprises += verdict.surprises

    def _seen(self, part: Part) -> Callable[[Step], None]:
        def seen(step: Step) -> None:
            if step.backend not in (None, part.backend):
                step.expected = False
                step.note = f"this mailbox belongs on {part.backend}"
                self._surprises.append(f"{step.request_type} of {step.mailbox}: {step.note}")
            self._steps.append(step)
            self._screen.row(step)

        return seen

    @property
    def _sent(self) -> list[Step]:
        """The steps that reached the proxy."""
        return [step for step in self._steps if not step.local and step.connection is not None]

    def _number(self) -> int:
        self._connections += 1
        return self._connections

    async def _log_lines(self, stage: Stage) -> list[str]:
        """The log's lines once there are as many as requests, or when patience is over."""
        wanted = len(self._sent)
        limit = self._reactor.seconds() + _LOG_PATIENCE
        while True:
            lines = read_log(stage.log_folder)
            if len(lines) >= wanted or self._reactor.seconds() > limit:
                return lines
            pause: Deferred[None] = Deferred()
            self._reactor.callLater(0.1, pause.callback, None)
            await pause


def read_log(folder: Path) -> list[str]:
    """The data lines of every HttpProxy file, oldest file first."""
    lines: list[str] = []
    for file in sorted((folder / "Mapi").glob("HttpProxy_*.LOG")):
        text = file.read_text(encoding="utf-8-sig")
        whole = text[: text.rfind("\n") + 1]
        lines += [
            line for line in whole.splitlines() if line and not line.startswith(("#", "DateTime,"))
        ]
    return lines


def compare(sent: list[Step], lines: list[str]) -> list[str]:
    """What is wrong between the requests and the log: one line of 74 values for each."""
    wrong = []
    for line in lines:
        count = line.count(",") + 1
        if count != VALUES:
            wrong.append(f"a log line has {count} values, not {VALUES}: {line[:60]}...")
    left = list(lines)
    for step in sent:
        found = next((line for line in left if f"R:{step.request_id};" in line), None)
        if found is None:
            wrong.append(f"no log line for {step.request_type} of {step.mailbox} ({step.number})")
        else:
            left.remove(found)
    if left:
        wrong.append(f"{len(left)} log lines belong to no request")
    return wrong
