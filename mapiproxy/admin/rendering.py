"""Templates and files of the page, and the one way from values to HTML: everything is escaped.

Must not know which pages there are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, Undefined

from mapiproxy.admin import wording
from mapiproxy.admin.listing import pending_of

_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@cache
def _environment() -> Environment:
    """One for the process: templates are compiled once."""
    # What is passed is trusted to be ours only where it is Markup; templates never say "safe".
    made = Environment(
        loader=PackageLoader("mapiproxy.admin", "templates"),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=wording.finalize,
    )
    for name, write in (
        ("seconds", wording.seconds),
        ("milliseconds", wording.milliseconds),
        ("number", wording.count),
        ("size", wording.size),
        ("moment", wording.moment),
    ):
        made.filters[name] = _if_known(write)
    made.filters |= {"percent": wording.percent, "middle": wording.middle, "pending": pending_of}
    return made


def render(template: str, **values: Any) -> bytes:
    """The template with these values, in UTF-8."""
    return _environment().get_template(template).render(**values).encode("utf-8", "replace")


def _if_known(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """What a reply does not tell is shown as not known."""
    return lambda value: wording.NONE if value is None or isinstance(value, Undefined) else write(value)


def read_files() -> dict[str, tuple[str, bytes]]:
    """Style sheet, script and icon: name to (content type, content)."""
    folder = files("mapiproxy.admin") / "files"
    found = {}
    for each in folder.iterdir():
        kind = _KINDS.get("." + each.name.rpartition(".")[2])
        if kind is not None:
            found[each.name] = (kind, each.read_bytes())
    return found
