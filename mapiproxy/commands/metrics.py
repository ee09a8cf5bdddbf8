"""``mapiproxy metrics``: what Prometheus would be told, for those who collect it from a file."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import click

from mapiproxy.commands.asking import asking, order


@click.command(short_help="What Prometheus would be told.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file, all at once, as node_exporter's textfile collector wants it.",
)
@click.option("--openmetrics", is_flag=True, help="In the OpenMetrics format.")
@asking
def metrics(path: Path, as_json: bool, output: Path | None, openmetrics: bool) -> None:
    """Print all metrics of the running proxy in Prometheus' text format."""
    accept = "application/openmetrics-text" if openmetrics else None
    reply = order(path, as_json, "metrics", accept=accept)
    if reply is None:
        return
    text = str(reply["text"])
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        _write(output, text.encode())
    except OSError as error:
        raise click.ClickException(f"{error.filename or output}: {error.strerror}") from None


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing: whoever reads sees the old file until the new one is complete."""
    # The collector reads *.prom; it must not take this one for a file of its own.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o644)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
