"""The console script: which commands are there?

Each command lives in a file of its own and is imported only when it is used, because starting fast
matters for ``check`` and the laboratory needs a lot.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from io import TextIOWrapper

import click

import mapiproxy

#: Command (and name of the click command) → what ``--help`` says; in a file of that name unless
#: FILES names another.
COMMANDS = {
    "check": "Say what a configuration file would run, or what is wrong with it.",
    "cert": "Compare the certificates of listeners with those that servers show.",
    "test": "Test a server, or this proxy from outside, as Outlook would use it.",
    "run": "Run the proxy in the foreground.",
    "lab": "Run the proxy with embedded backends and a client, to look at; scenarios, devices, crowds.",
    "status": "How the running proxy is.",
    "servers": "The servers behind the running proxy.",
    "sessions": "The sessions that the running proxy knows.",
    "metrics": "What Prometheus would be told.",
    "ready": "Let a server take new sessions again.",
    "drain": "Let a server keep its sessions and take no new ones.",
    "maint": "Do not use a server at all.",
    "weight": "Change a server's share of new mailboxes.",
    "kill": "End a session.",
    "trace": "Follow the requests of a session, mailbox or user live.",
    "lint": "Name what hurts MAPI in the configuration of HAProxy or nginx.",
    "vdir": "Show and change virtual directories: URLs and authentication methods.",
    "support": "Which Outlook and Exchange speak MAPI over HTTP.",
    "log": "Read HttpProxy logs: tail, top, errors, why.",
    "why": "Is it us, the client, the path or the server? Of a user, from the log.",
    "reload": "Read the configuration file again.",
}
FILES = dict.fromkeys(("ready", "drain", "maint", "weight", "kill", "reload"), "operate")


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports the one that is asked for.

    :cvar offered: command → what ``--help`` says; the click command is called so in its file.
    :cvar files: command → its file, where that is not of the same name.
    """

    offered: Mapping[str, str] = COMMANDS
    files: Mapping[str, str] = FILES

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.offered)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.offered:
            return None
        file = import_module(f"mapiproxy.commands.{self.files.get(cmd_name, cmd_name)}")
        command = getattr(file, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.offered.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(mapiproxy.__version__, prog_name="mapiproxy", message="%(prog)s %(version)s")
def main() -> None:
    """A reverse proxy that understands MAPI over HTTP."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal has no letters for is no reason to say nothing.
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")
