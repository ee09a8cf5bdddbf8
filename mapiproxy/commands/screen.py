"""What the laboratory shows: a head, one row per request as it happens, a summary, log lines, curl.

Plain lines when there is no terminal. Knows the lab's values; nothing of how they came about.
"""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from mapiproxy.commands.stage import NAME, Stage
from mapiproxy.lab.step import Step

#: Heading, width, and whether it is a number (flush right).
_COLUMNS = (
    ("time", 12, False),
    ("mailbox", 7, False),
    ("request", 16, False),
    ("conn", 4, True),
    ("backend", 7, False),
    ("answer", 11, False),
    ("first ms", 8, True),
    ("total ms", 8, True),
    ("pend", 4, True),
)
#: How many surprises are worth reading.
_MOST = 12
_GUID = "{11111111-2222-3333-4444-555555555555}"


class Screen:
    """Writes to one console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def opening(self, stage: Stage) -> None:
        address = stage.address
        self._console.rule("[bold]mapiproxy lab")
        for label, value in (
            ("proxy", f"{address.url}  (connect to {address.host}:{address.port})"),
            ("backends", ", ".join(f"{s.name} {s.url} ({stage.kind})" for s in stage.servers)),
            ("CA", str(stage.ca_file)),
            ("configuration", str(stage.config)),
            ("log", str(stage.log_folder / "Mapi")),
        ):
            self._line(Text.assemble((f"{label:>13}  ", "dim"), value))
        self._line(Text())
        heads = (f"{n:>{w}}" if right else f"{n:<{w}}" for n, w, right in _COLUMNS)
        self._line(Text("  ".join((*heads, "note")), style="bold"))

    def row(self, step: Step) -> None:
        """One request, or one cut of the client's own."""
        when = datetime.fromtimestamp(step.at).strftime("%H:%M:%S.%f")[:12]
        values = (
            when,
            step.mailbox.partition("@")[0],
            step.request_type,
            "" if step.connection is None else str(step.connection),
            step.backend or "",
            _answer(step),
            _ms(step.first_ms),
            _ms(step.total_ms),
            str(step.pulses or ""),
        )
        cells = (
            f"{value:>{width}}" if right else f"{value:<{width}}"
            for value, (_, width, right) in zip(values, _COLUMNS, strict=True)
        )
        style = "red" if not step.expected else "yellow" if step.trouble or step.local else ""
        self._line(Text("  ".join((*cells, step.note)).rstrip(), style=style))

    def summary(self, steps: list[Step], surprises: list[str], log_lines: list[str]) -> None:
        sent = [step for step in steps if not step.local]
        backends = sorted({step.backend for step in sent if step.backend})
        self._line(Text())
        self._line(
            Text(
                f"{len(sent)} requests over {len({step.connection for step in sent})} connections"
                f" to {', '.join(backends) or 'no backend'}; {len(log_lines)} lines in the log."
            )
        )
        for line in log_lines[-3:]:
            if self._console.is_terminal:
                # 74 values fill a screen each: the beginning says enough.
                self._console.print(Text(line, style="dim"), overflow="ellipsis", no_wrap=True)
            else:
                self._line(Text(line))
        if surprises:
            for surprise in surprises[:_MOST]:
                self._line(Text(f"not as expected: {surprise}", style="bold red"))
            if len(surprises) > _MOST:
                self._line(Text(f"... and {len(surprises) - _MOST} more", style="bold red"))
        else:
            self._line(Text("Everything went as expected.", style="bold green"))

    def invitation(self, stage: Stage) -> None:
        """What to try by hand while the laboratory stays up."""
        user = stage.parts[0].user
        base = f"https://{NAME}:{stage.port}"
        curl = f"curl -si --cacert {stage.ca_file} --resolve {NAME}:{stage.port}:{stage.address.host}"
        self._line(Text())
        self._line(Text("It stays up until Ctrl-C. To try it by hand:", style="bold"))
        self._command(f"{curl} {base}/mapi/healthcheck.htm")
        self._command(
            f"{curl} -u {user.login}:{user.password} -H 'Content-Type: application/mapi-http'"
            f" -H 'X-RequestType: PING' -H 'X-RequestId: {_GUID}:1' -H 'X-ClientInfo: {_GUID}:1'"
            f" --data-binary '' '{base}/mapi/emsmdb/?MailboxId={user.mailbox_id}'"
        )
        if stage.kind == "grommunio":
            self._line(Text("(X-ResponseCode 6 is right: this kind wants a session's cookies.)"))
        self._command(
            f"MAPIPROXY_TEST_PASSWORD={user.password} mapiproxy test {base} --connect-to {stage.address.host}"
            f" --ca-file {stage.ca_file} --user {user.login} -v"
        )
        self._command(f"mapiproxy sessions --socket {stage.socket}")
        self._command(f"mapiproxy drain {stage.servers[0].name} --socket {stage.socket}")
        self._command(f"tail -f {stage.log_folder}/Mapi/HttpProxy_*.LOG")

    def farewell(self, stage: Stage) -> None:
        self._line(Text(f"Files are left in {stage.folder}", style="dim"))

    def _line(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)

    def _command(self, command: str) -> None:
        """Whole, so that it can be copied."""
        self._console.print(f"  [cyan]{escape(command)}", soft_wrap=True, highlight=False)


def _answer(step: Step) -> str:
    if step.local:
        return ""
    if step.status is None:
        return "none"
    code = "" if step.final_code is None else f"/{step.final_code}"
    error = f" {step.error:X}h" if step.error and step.request_type != "Unbind" else ""
    return f"{step.status}{code}{error}"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
