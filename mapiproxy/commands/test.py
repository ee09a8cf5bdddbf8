"""``mapiproxy test``: does it work from outside, and if not, where does it end? Test-OutlookConnectivity.

Exit codes are those of monitoring plugins: 0 well, 1 works but something is wrong, 2 failed, 3 could not
be tried. Passwords come from a prompt, a file or the environment, never from an argument.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from attrs import evolve
from rich.console import Console
from rich.status import Status
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mapiproxy.backends.kind import Kind
from mapiproxy.commands.asking import console, plain
from mapiproxy.commands.listening import targets_of
from mapiproxy.commands.verdicts import as_json as to_json
from mapiproxy.commands.verdicts import nagios as to_nagios
from mapiproxy.commands.verdicts import show, trace, worst
from mapiproxy.selftest.probe import Outcome, not_again, run
from mapiproxy.selftest.target import SCHEMES, BadTarget, Plan, Probe, check_names, read_probe, read_target
from mapiproxy.selftest.trail import Grade, Stage
from mapiproxy.settings.units import parse_duration

ENVIRONMENT = "MAPIPROXY_TEST_PASSWORD"


class _Unknown(click.UsageError):
    """It could not be tried, which is not "critical" to a monitoring system."""

    exit_code = int(Grade.UNKNOWN)


class _Plugin(click.Command):
    """A command whose every mistake ends with that code."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*args, **extra)
        except click.UsageError as error:
            raise _Unknown(error.format_message(), error.ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            misused = isinstance(error, click.UsageError)
            raise _Unknown(error.format_message(), ctx if misused else None) from None


class _Seconds(click.ParamType[float]):
    """A duration as in the configuration file; a bare number is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        try:
            seconds = parse_duration(f"{text}s" if text.replace(".", "", 1).isdigit() else text)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds <= 0:
            self.fail(f"{text} is no time to wait", param, ctx)
        return seconds


@click.command(cls=_Plugin, short_help="Test a server or this proxy as Outlook would use it.")
@click.argument("url", required=False)
@click.option(
    "--probe",
    metavar="IDENTITY",
    help="OutlookMapiHttpSelfTestProbe, OutlookMapiHttpDeepTestProbe or OutlookMapiHttpCtpProbe. "
    "Default: Ctp with --user, else SelfTest.",
)
@click.option(
    "--config", type=click.Path(path_type=Path), help="Test every listener of this file, by loopback."
)
@click.option("--user", metavar="NAME", help=r"Who logs on: user@domain or DOMAIN\user.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help=f"A file whose first line is the password. Else {ENVIRONMENT}, else a prompt.",
)
@click.option("--auth", type=click.Choice(SCHEMES, case_sensitive=False), default="auto", show_default=True)
@click.option("--mailbox", metavar="ID", help="MailboxId (GUID@DOMAIN) or address. Default: Autodiscover.")
@click.option("--dn", help="Legacy DN of the mailbox. Default: Autodiscover.")
@click.option(
    "--kind", type=click.Choice(["auto", *Kind], case_sensitive=False), default="auto", show_default=True
)
@click.option("--connect-to", metavar="HOST:PORT", help="Connect there, whatever DNS says of the name.")
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CAs to trust (PEM). Default: the system's.",
)
@click.option(
    "--insecure", is_flag=True, help="Believe any certificate: the password goes to whoever answers."
)
@click.option(
    "--timeout", type=_Seconds(), default="30s", show_default=True, help="For each step but the wait."
)
@click.option("--wait", type=_Seconds(), help="Watch the NotificationWait so long. Default: to a PENDING.")
@click.option("-v", "--verbose", is_flag=True, help="Tell of each stage with its time.")
@click.option("--list", "as_list", is_flag=True, help="A list in place of a table.")
@click.option("--iso", is_flag=True, help="Times as ISO 8601 has them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
@click.option("--nagios", is_flag=True, help="Print one line with performance data, for monitoring.")
def test(**asked: Any) -> None:
    """Test URL (a name, or https://NAME/mapi) in the manner of Test-OutlookConnectivity.

    SelfTest: name, TCP, TLS, and a proper 401. DeepTest: log on to a mailbox as well. Ctp: all that Outlook
    needs, with a NotificationWait, cut connections and the address book.

    Exits with 0: well; 1: works, but something is wrong; 2: failed; 3: could not be tried.
    """
    try:
        plans = _plans(asked)
    except BadTarget as error:
        raise click.UsageError(str(error)) from None
    if asked["insecure"]:
        click.echo("NOT SECURE: certificates are not verified (--insecure)", err=True)
    quiet = asked["as_json"] or asked["nagios"]
    with _Progress(asked["verbose"], Console(stderr=True) if quiet else console()) as progress:
        outcomes = _run_all(plans, progress)
    if asked["as_json"]:
        click.echo(json.dumps(to_json(outcomes), indent=2))
    elif asked["nagios"]:
        click.echo(to_nagios(outcomes))
    else:
        show(outcomes, console(patient=True), as_list=asked["as_list"], iso=asked["iso"])
    sys.exit(int(worst(outcomes)))


def _plans(asked: dict[str, Any]) -> list[Plan]:
    """What is to be run. :raise BadTarget: not this."""
    url, config, user = asked["url"], asked["config"], asked["user"]
    if (url is None) == (config is None):
        raise BadTarget("either a URL is needed or --config FILE")
    check_names(asked["mailbox"], asked["dn"])
    default = Probe.CTP if user else Probe.SELF_TEST
    probe = read_probe(asked["probe"]) if asked["probe"] else default
    if probe is not Probe.SELF_TEST and not user:
        raise BadTarget(f"{probe.short} logs on: --user says who")
    if config is not None:
        if asked["connect_to"]:
            raise BadTarget("--connect-to is for a URL; listeners are reached where they listen")
        targets = targets_of(config)
    else:
        targets = [("", read_target(url, asked["connect_to"]))]
    # Asked for last: nobody should type a password for a command that is wrong.
    password = _password(asked["password_file"], user) if user and probe is not Probe.SELF_TEST else ""
    plan = Plan(
        probe,
        targets[0][1],
        user,
        password,
        asked["auth"],
        asked["mailbox"],
        asked["dn"],
        None if asked["kind"] == "auto" else Kind(asked["kind"]),
        asked["ca_file"],
        asked["insecure"],
        asked["timeout"],
        asked["wait"],
    )
    return [evolve(plan, target=target, name=name) for name, target in targets]


def _password(file: Path | None, user: str) -> str:
    if file is not None:
        try:
            # Editors of Windows put a mark in front, which is no part of a password.
            first = (file.read_text(encoding="utf-8-sig").splitlines() or [""])[0]
        except OSError as error:
            raise BadTarget(f"--password-file {file}: {error}") from None
        except UnicodeDecodeError:
            raise BadTarget(f"--password-file {file}: is not UTF-8") from None
        if not first:  # It would be tried, and counted against the account.
            raise BadTarget(f"--password-file {file}: its first line is empty")
        return first
    known = os.environ.get(ENVIRONMENT)
    if known:
        return known
    if not sys.stdin.isatty():
        raise BadTarget(f"no password: give --password-file, set {ENVIRONMENT}, or use a terminal")
    return str(click.prompt(f"Password of {user}", hide_input=True, err=True))


class _Progress:
    """What is seen while it runs: the stages with ``-v``, and on a terminal the one that is on."""

    def __init__(self, verbose: bool, out: Console) -> None:
        self.interrupted = False
        self._verbose = verbose
        self._out = out
        # On one terminal the spinner has to know of the lines, or they are written into each other.
        shown = out if out.is_terminal else Console(stderr=True)
        self._status: Status | None = shown.status("") if shown.is_terminal else None

    def __enter__(self) -> _Progress:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def watch(self, plan: Plan) -> Callable[[Stage, bool], None]:
        def seen(stage: Stage, over: bool) -> None:
            if self.interrupted:
                return  # connections that we close ourselves say nothing about the server
            if self._status is not None and not over:
                self._status.update(plain(f"{plan.target.url} {stage.name}"))
            elif over and self._verbose:
                for line in trace(stage):
                    self._out.print(line, soft_wrap=True)

        return seen


def _run_all(plans: list[Plan], progress: _Progress) -> list[Outcome]:
    """One after the other, in a reactor of this process's own."""
    from twisted.internet import reactor as imported

    reactor: Any = imported
    outcomes: list[Outcome] = []

    async def work() -> None:
        for plan in plans:
            if progress.interrupted:
                return
            refused = next((each for each in outcomes if each.refused), None)
            if refused is None:
                outcomes.append(await run(plan, reactor, progress.watch(plan)))
            else:
                outcomes.append(not_again(plan, refused))

    failures: list[Failure] = []
    running = Deferred[None]()

    def end(_: object) -> None:
        if not progress.interrupted:
            reactor.stop()

    def begin() -> None:
        running.addErrback(failures.append)
        running.addBoth(end)
        Deferred.fromCoroutine(work()).chainDeferred(running)

    def stopping() -> None:
        progress.interrupted = not running.called

    reactor.callWhenRunning(begin)
    reactor.addSystemEventTrigger("before", "shutdown", stopping)
    reactor.run()
    if progress.interrupted:
        raise click.ClickException("interrupted")
    if failures:
        failures[0].raiseException()
    return outcomes
