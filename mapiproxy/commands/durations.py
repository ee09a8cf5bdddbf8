"""A duration on the command line, written as in the configuration file."""

from __future__ import annotations

from typing import Any

import click

from mapiproxy.settings.units import parse_duration


class Duration(click.ParamType[float]):
    """``30s``, ``5m``, ``1h30m``; seconds for the command."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
