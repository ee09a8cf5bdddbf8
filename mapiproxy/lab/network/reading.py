"""How are rules and devices written in a table? Each field says how it is read; a mistake is named.

Used by faults, selectors and devices alike, so that every key is refused in the same words.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from mapiproxy.settings.units import BadValue, parse_duration, parse_network, parse_size, show

Read = Callable[[object], Any]


class BadRule(ValueError):
    """A rule or device that cannot be meant; the text names the key and what is allowed."""


def key(read: Read, default: Any = attrs.NOTHING, form: str = "text") -> Any:
    """A field that may be written in a table, and how it is read there.

    :param form: ``text``, ``number``, ``switch`` or ``words``: what it is on a command line.
    """
    return attrs.field(default=default, metadata={"read": read, "form": form})


def duration(default: Any = attrs.NOTHING) -> Any:
    """Seconds, written like ``"200ms"``."""
    return key(parse_duration, default)


def size(default: Any = attrs.NOTHING) -> Any:
    """Bytes, written like ``"64KiB"`` or as a number."""
    return key(parse_size, default)


def whole(least: int, default: Any = attrs.NOTHING, most: int = 2**31) -> Any:
    """A whole number."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            end = f" to {most}" if most < 2**31 else " or more"
            raise BadValue(f"{show(value)} is not a whole number of {least}{end}")
        return value

    return key(read, default, "number")


def share(default: Any = attrs.NOTHING) -> Any:
    """A probability."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise BadValue(f"{show(value)} is not a number from 0 to 1")
        return float(value)

    return key(read, default, "number")


def switch(default: bool) -> Any:
    """Yes or no."""

    def read(value: object) -> bool:
        if not isinstance(value, bool):
            raise BadValue(f"{show(value)} is neither true nor false")
        return value

    return key(read, default, "switch")


def words(default: Any = attrs.NOTHING) -> Any:
    """A text, or a list of them; at least one."""

    def read(value: object) -> tuple[str, ...]:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple) or not values:
            raise BadValue(f"{show(value)} is neither a text nor a list of them")
        return tuple(read_line(each) for each in values)

    return key(read, default, "words")


def choice(allowed: Iterable[str], default: Any = attrs.NOTHING) -> Any:
    """One of a few words."""
    known = tuple(allowed)

    def read(value: object) -> str:
        if value not in known:
            raise BadValue(f"{show(value)} is not one of {', '.join(known)}")
        return str(value)

    return key(read, default)


def line(default: Any = attrs.NOTHING) -> Any:
    """A text that may stand in a header."""
    return key(read_line, default)


def network(default: Any = attrs.NOTHING) -> Any:
    """An address, or a network."""
    return key(parse_network, default)


def read_line(value: object) -> str:
    """One line of visible ASCII."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise BadValue(f"{show(value)} is not a line of plain text")
    return value


def keys_of(cls: type) -> dict[str, Read]:
    """What may be written for a class: the key and how it is read."""
    return {
        each.name: each.metadata["read"] for each in attrs.fields(cls) if "read" in each.metadata
    }


def forms_of(cls: type) -> dict[str, str]:
    """What may be written for a class, and in which form."""
    return {each.name: each.metadata["form"] for each in attrs.fields(cls) if "form" in each.metadata}


def required_of(cls: type) -> list[str]:
    """Keys that have no default."""
    fields = [each for each in attrs.fields(cls) if "read" in each.metadata]
    return [each.name for each in fields if each.default is attrs.NOTHING]


def take(cls: type, table: Mapping[str, Any], where: str) -> Any:
    """An object of *cls* from those keys of *table* that are its own.

    :raise BadRule: a value cannot be read, one that is needed is absent, or two contradict each other.
    """
    values = {}
    for name, read in keys_of(cls).items():
        if name in table:
            try:
                values[name] = read(table[name])
            except BadValue as error:
                raise BadRule(f"{where}: {name}: {error}") from None
        elif name in required_of(cls):
            raise BadRule(f"{where}: {name} is needed")
    try:
        return cls(**values)
    except BadValue as error:
        raise BadRule(f"{where}: {error}") from None


def refuse_unknown(table: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """:raise BadRule: a key of *table* is none of these."""
    known = sorted(allowed)
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise BadRule(f"{where}: unknown key {name}; {hint}allowed are {', '.join(known)}")


def known_name(table: Mapping[str, Any], name: str, known: Mapping[str, Any]) -> str:
    """The value of *name*, one of those known.

    :raise BadRule: it is absent, or another.
    """
    value = table.get(name)
    if not isinstance(value, str) or value not in known:
        near = difflib.get_close_matches(str(value), list(known), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        told = f"{name}: {show(value)} is unknown" if name in table else f"{name} is needed"
        raise BadRule(f"{told}; {hint}there are {', '.join(sorted(known))}")
    return value
