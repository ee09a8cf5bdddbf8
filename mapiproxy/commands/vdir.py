"""``mapiproxy vdir get|set|new|remove``: virtual directories, with the parameters of Exchange's cmdlets.

They are Get-, Set-, New- and Remove-MapiVirtualDirectory (exchange reference 5.1), for every virtual
directory. The file is edited in place and keeps its comments; the process that runs reads it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from mapiproxy.backends.vdir import METHODS, SHAPES, VirtualDirectory
from mapiproxy.commands.asking import USUAL, ask, conclude, console, lines_of, plain
from mapiproxy.settings import BackendGroup, Settings, SettingsError, load_settings
from mapiproxy.settings.editing import (
    CannotEdit,
    Change,
    Document,
    edit,
    remove_table,
    replace,
    set_keys,
)

SITE = "Default Web Site"
_IDENTITY = re.compile(r"(?:(?P<server>[^\\]+)\\)?(?P<name>[^\\(]+?)(?: *\((?P<site>[^)]*)\))?")


@click.group(short_help="Show and change virtual directories.")
def vdir() -> None:
    """Show and change virtual directories.

    An IDENTITY is "mapi", "MAIL1\\mapi (Default Web Site)", or, where the file has more than one backend,
    "mapi (NAME)" with the backend's name.
    """


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--file", "file", type=click.Path(path_type=Path), envvar="MAPIPROXY_FILE", show_envvar=True,
        help="The configuration file; by default the one of the process that runs.",
    )(command)  # fmt: skip
    return click.option(
        "--socket", type=click.Path(path_type=Path), envvar="MAPIPROXY_SOCKET", show_envvar=True,
        help=f"The control socket; by default that of the file, or {USUAL}.",
    )(command)  # fmt: skip


def _parameters(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (
        click.option("--what-if", "-WhatIf", is_flag=True, help="Only say what would be written."),
        click.option("--enabled/--disabled", default=None, help="Whether it is published at all."),
        click.option(
            "--iis-authentication-methods", "-IISAuthenticationMethods", "methods",
            help=f"What clients are offered and may use: {','.join(METHODS)}; empty: all that servers offer.",
        ),
        click.option("--external-url", "-ExternalUrl", help="For clients outside; empty to remove it."),
        click.option("--internal-url", "-InternalUrl", help="For clients inside; empty to remove it."),
    ):  # fmt: skip
        command = decorate(command)
    return _common(command)


@vdir.command("get", short_help="Show virtual directories.")
@click.argument("identity", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@_common
def get_vdir(identity: str | None, as_json: bool, file: Path | None, socket: Path | None) -> None:
    """Show one virtual directory, or all."""
    _, settings = _load(file, socket)
    pairs = [(group, each) for group in settings.backends for each in group.vdirs]
    if identity is not None:
        group, name = _find(settings, identity)
        pairs = [(g, v) for g, v in pairs if g is group and v.name == name]
        if not pairs:
            raise click.ClickException(f'{group.name} has no virtual directory "{name}"')
    shown = [_show(settings, group, each) for group, each in pairs]
    if as_json:
        click.echo(json.dumps(shown, indent=2))
    elif identity is not None:
        wide = max(map(len, shown[0]))
        for key, value in shown[0].items():
            click.echo(f"{key:<{wide}} : {_words(value)}".rstrip())
    else:
        _print_table(shown)


@vdir.command("set", short_help="Change a virtual directory.")
@click.argument("identity")
@_parameters
def set_vdir(identity: str, what_if: bool, file: Path | None, socket: Path | None, **given: Any) -> None:
    """Change a virtual directory."""
    path, settings = _load(file, socket)
    group, name = _find(settings, identity)
    old = next((each for each in group.vdirs if each.name == name), None)
    if old is None:
        raise click.ClickException(f'{group.name} has no virtual directory "{name}"; try vdir new {name}')
    keys = _keys(given, old)
    if not keys:
        raise click.UsageError("nothing to change: give a URL, methods, --enabled or --disabled")
    _change(path, settings, socket, what_if, lambda document: set_keys(document, _table(group, name), keys))


@vdir.command("new", short_help="Add a virtual directory.")
@click.argument("identity")
@_parameters
def new_vdir(identity: str, what_if: bool, file: Path | None, socket: Path | None, **given: Any) -> None:
    """Add a virtual directory that the backend does not have yet, e.g. powershell."""
    path, settings = _load(file, socket)
    group, name = _find(settings, identity)
    if any(each.name == name for each in group.vdirs):
        raise click.ClickException(f'{group.name} has a virtual directory "{name}" already')
    keys = _keys(given, VirtualDirectory(name))
    keys = {key: value for key, value in keys.items() if value is not None}
    _change(path, settings, socket, what_if, lambda document: set_keys(document, _table(group, name), keys))


@vdir.command("remove", short_help="Remove a virtual directory.")
@click.argument("identity")
@click.option("--what-if", "-WhatIf", is_flag=True, help="Only say what would be written.")
@_common
def remove_vdir(identity: str, what_if: bool, file: Path | None, socket: Path | None) -> None:
    """Remove a virtual directory: its URLs and methods, and what is below its path is answered with 404."""
    path, settings = _load(file, socket)
    group, name = _find(settings, identity)
    stay = [each.name for each in group.vdirs if each.name != name]
    if len(stay) == len(group.vdirs):
        raise click.ClickException(f'{group.name} has no virtual directory "{name}"')

    def change(document: Document) -> str | None:
        remove_table(document, _table(group, name))
        # What the kind would bring back has to be left out by name.
        return set_keys(document, ("backend", group.name), {"vdirs": stay})

    _change(path, settings, socket, what_if, change)


def _load(file: Path | None, socket: Path | None) -> tuple[Path, Settings]:
    if file is None:
        said = conclude(ask(socket or Path(USUAL), "status"), as_json=False)
        if said is None or not said.get("file"):
            raise click.ClickException("the process that runs has no file; name one with --file")
        file = Path(said["file"])
    try:
        return file, load_settings(file)
    except SettingsError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        raise click.ClickException(f"{file} cannot be run as it is") from None


def _find(settings: Settings, identity: str) -> tuple[BackendGroup, str]:
    """The backend and the name that an identity means."""
    found = _IDENTITY.fullmatch(identity.strip())
    name = found["name"].strip().lower() if found else ""
    if found is None or name not in SHAPES:
        raise click.ClickException(f'"{identity}" names no virtual directory; known: {", ".join(SHAPES)}')
    server = found["server"]
    if server is not None and server.lower() not in (settings.log.server_name.lower(), "localhost"):
        raise click.ClickException(f"this proxy is {settings.log.server_name}, not {server}")
    site = found["site"]
    groups = {group.name.lower(): group for group in settings.backends}
    if site is None or site.lower() == SITE.lower():
        if len(groups) > 1:
            names = ", ".join(group.name for group in settings.backends)
            raise click.ClickException(f'there is more than one backend; write "{name} (NAME)": {names}')
        return settings.backends[0], name
    if site.lower() not in groups:
        raise click.ClickException(f'there is no backend "{site}"')
    return groups[site.lower()], name


def _table(group: BackendGroup, name: str) -> tuple[str, ...]:
    return ("backend", group.name, "vdir", name)


def _keys(given: dict[str, Any], old: VirtualDirectory) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    methods = given["methods"]
    if methods is not None:
        keys["iis_authentication_methods"] = _methods(methods) or None
    for key in ("internal_url", "external_url"):
        if given[key] is not None:
            keys[key] = given[key] or None
    if given["enabled"] is not None:
        keys["enabled"] = given["enabled"]
    named = keys.get("iis_authentication_methods", old.iis_authentication_methods)
    if not named and (keys.get("internal_url") or keys.get("external_url")):
        # As the cmdlet has it: whoever publishes a URL says how clients log on there.
        raise click.UsageError("a URL needs at least one method: add --iis-authentication-methods")
    return keys


def _methods(text: str) -> list[str]:
    known = {method.lower(): method for method in METHODS}
    asked = [each.strip() for each in text.split(",") if each.strip()]
    for each in asked:
        if each.lower() not in known:
            raise click.UsageError(f'"{each}" is no method; known: {", ".join(METHODS)}')
    return list(dict.fromkeys(known[each.lower()] for each in asked))


def _change(
    path: Path, settings: Settings, socket: Path | None, what_if: bool, change: Change
) -> None:
    """Edit, and have it read. A process that refuses it gets the old file back."""
    try:
        before, after = edit(path, change, write=not what_if)
    except CannotEdit as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        raise click.ClickException(str(error)) from None
    if what_if:
        click.echo(after, nl=False)
        return
    socket = socket or settings.control.socket
    if before == after:
        click.echo(f"{path} says so already")
        return
    if socket is None or not socket.exists():
        click.echo(f"{path} changed; no mapiproxy runs with it, so it counts from the next start on")
        return
    reply = ask(socket, "reload")
    if not reply.get("ok"):
        replace(path, before, check=False)
        for problem in reply.get("problems") or ():
            click.echo(problem, err=True)
        raise click.ClickException(f"{reply.get('error')}; {path} is as it was")
    click.echo(f"{path} changed and read again (generation {reply['generation']})")
    for line in reply["changes"]:
        click.echo(f"  {line}")


def _show(settings: Settings, group: BackendGroup, each: VirtualDirectory) -> dict[str, Any]:
    site = SITE if len(settings.backends) == 1 else group.name
    return {
        "Name": f"{each.name} ({site})",
        "Server": settings.log.server_name,
        "InternalUrl": each.internal_url,
        "ExternalUrl": each.external_url,
        "IISAuthenticationMethods": each.iis_authentication_methods,
        "Enabled": each.enabled,
        "Path": ", ".join(each.shape.paths),
        "Identity": f"{settings.log.server_name}\\{each.name} ({site})",
    }


def _words(value: Any) -> str:
    if value is None:
        return ""
    return "{" + ", ".join(value) + "}" if isinstance(value, tuple) else str(value)


def _print_table(shown: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for title in ("IDENTITY", "INTERNAL URL", "EXTERNAL URL", "METHODS", ""):
        table.add_column(title, no_wrap=True)
    for each in shown:
        methods = each["IISAuthenticationMethods"]
        table.add_row(
            plain(each["Identity"]),
            plain(each["InternalUrl"] or "-"),
            plain(each["ExternalUrl"] or "-"),
            plain(", ".join(methods) if methods else "as servers offer"),
            "" if each["Enabled"] else "off",
        )
    out = console()
    for line in lines_of(table, out):
        out.print(line, soft_wrap=True)
