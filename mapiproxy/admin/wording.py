"""How figures and foreign text are written for people: durations, sizes, counts; nothing that misleads."""

from __future__ import annotations

from datetime import UTC, datetime

from markupsafe import Markup

from mapiproxy.record.lengths import show_length

NONE = "–"
#: Blanks at which no line breaks; numbers are written with them.
_BLANKS = "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"


def plain(text: str) -> str:
    """Text that somebody else wrote, without characters that are not seen or turn others around.

    Mailboxes, users and builds come from clients, reasons from servers.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in _BLANKS else "\N{REPLACEMENT CHARACTER}" for each in text
    )


def finalize(value: object) -> object:
    """What a template prints: text is made plain, nothing is shown as a dash."""
    if value is None:
        return NONE
    return plain(value) if type(value) is str else value


def seconds(value: float | None) -> str:
    """``4m12s``."""
    return NONE if value is None else show_length(value)


def milliseconds(value: float | None) -> str:
    """``0.8``, ``23``, ``1 240``; the column says that it is ms."""
    if value is None:
        return NONE
    return f"{value:.1f}" if value < 9.95 else count(round(value))


def count(value: int | None) -> str:
    """``12 345``: groups of three, with blanks that do not break."""
    return NONE if value is None else f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def size(value: float | None) -> str:
    """``1.2 MB``."""
    if value is None:
        return NONE
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor * 0.9995:
            number = value / factor
            digits = 1 if number < 99.95 else 0
            return f"{number:.{digits}f}\N{NO-BREAK SPACE}{unit}"
    return f"{value:.0f}\N{NO-BREAK SPACE}B"


def percent(part: float, whole: float) -> str:
    """``12 %``; ``<1 %`` for little, never 0 for something nor 100 for less than all."""
    if not whole:
        return NONE
    share = 100 * part / whole
    if 0 < share < 1:
        return "<1\N{NO-BREAK SPACE}%"
    if 99 < share < 100:
        return ">99\N{NO-BREAK SPACE}%"
    return f"{share:.0f}\N{NO-BREAK SPACE}%"


def moment(wall: float) -> Markup:
    """A date and a time of day, in UTC."""
    when = datetime.fromtimestamp(wall, UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        when.strftime("%Y-%m-%dT%H:%M:%SZ"), when.strftime("%Y-%m-%d %H:%M:%S")
    )


def middle(text: str, most: int = 28) -> str:
    """Cut in the middle: both ends of a mailbox tell."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2 - 1]}…{text[-(most // 2):]}"
