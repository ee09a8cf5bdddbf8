"""What can a step of a scenario do? Verbs by name, and how their keys are read.

Each verb is a class of its own in one of the files below; a step of the file becomes one of them. What they
act on is the stage; they know nothing of files.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, TypeVar, dataclass_transform

from attrs import field, frozen

from mapiproxy.settings.structure import Parse
from mapiproxy.settings.units import parse_duration

T = TypeVar("T")


class Verb(Protocol):
    """Something that happens at a moment of the timeline."""

    #: Which of its keys name a client, a network, a server or a device: checked when the file is read.
    names: ClassVar[dict[str, str]]
    #: Whether it needs the servers and the proxy to be ours (there are none of ours with ``--target``).
    ours: ClassVar[bool]

    async def act(self, stage: Any) -> None:
        """Do it, and undo it after a while if that belongs to it."""


@frozen
class Step:
    """A verb with its time.

    :ivar name: by which expectations refer to it.
    :ivar line: of the file.
    """

    at: float
    name: str
    verb: Verb
    word: str
    line: int = 0


VERBS: dict[str, type] = {}
#: How keys are read where the type does not say it.
VERB_PARSERS: dict[tuple[type, str], Parse] = {}
VERB_MANY: set[tuple[type, str]] = set()
#: Keys that are durations, whatever the verb.
DURATIONS = ("lasting", "gap", "down", "up", "every", "by", "deadline", "age")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def verb(cls: type[T]) -> type[T]:
    """Class decorator: a verb, called as the class is in lower case with underscores."""
    made = frozen(cls)
    word = "".join(f"_{c.lower()}" if c.isupper() else c for c in cls.__name__).strip("_")
    VERBS[word] = made
    for attribute in made.__attrs_attrs__:  # type: ignore[attr-defined]
        if attribute.name in DURATIONS:
            VERB_PARSERS[made, attribute.name] = parse_duration
        if attribute.name in ("client", "server"):
            VERB_MANY.add((made, attribute.name))
    return made


@frozen
class Complaint:
    """What is wrong with the keys of a step."""

    key: str
    text: str


class Base:
    """What most verbs share."""

    names: ClassVar[dict[str, str]] = {}
    ours: ClassVar[bool] = True
    #: Whether it does harm: that is how it is drawn.
    harm: ClassVar[bool] = False

    def complaints(self) -> tuple[Complaint, ...]:
        """What is wrong with its keys, beyond their types and names."""
        return ()
