"""``mapiproxy log``: the commands that read HttpProxy files, Exchange's and ours alike."""

from __future__ import annotations

from importlib import import_module

import click

#: Command → (its file, what ``--help`` says).
COMMANDS = {
    "tail": ("logtail", "The last requests, as they happen with -f."),
    "top": ("logtop", "Who or what asks most, fails most, takes longest."),
    "errors": ("logerrors", "What failed, grouped and explained."),
    "why": ("why", "Is it us, the client, the path or the server?"),
}


class LogGroup(click.Group):
    """Imports the one command that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"mapiproxy.commands.{COMMANDS[cmd_name][0]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LogGroup, short_help="Read HttpProxy logs.")
def log() -> None:
    """Read HttpProxy logs, Exchange's and ours alike: files, folders (with all below), .gz, - for stdin.

    Without a PATH it is the [log] directory of --config, by default /etc/mapiproxy/mapiproxy.toml.
    """
