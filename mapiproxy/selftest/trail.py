"""The stages of a probe: what was done when, how long it took, and what is wrong with it.

Knows nothing of what the stages do. A stage that fails ends the probe with Trouble; what is merely odd
is a warning, and the probe goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, TimeoutError

from mapiproxy.lab.errors import LabError

T = TypeVar("T")

#: A stage that takes longer than this works, but not well. Seconds.
SLOW = 5.0


class Grade(IntEnum):
    """How a stage or a probe went; the number is what monitoring systems want as exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


class Trouble(Exception):
    """A stage cannot be passed. The text is for people: what was expected, what came, what it may mean."""

    def __init__(self, text: str, grade: Grade = Grade.CRITICAL) -> None:
        super().__init__(text)
        self.text = text
        self.grade = grade


@define
class Stage:
    """One stage; *at* in epoch seconds, *seconds* how long it took.

    :ivar text: what was found, or what is wrong.
    :ivar warnings: what is odd, though the stage was passed.
    :ivar unhurried: it is in the nature of this stage to take long.
    """

    name: str
    at: float
    seconds: float = 0.0
    grade: Grade = Grade.OK
    text: str = ""
    warnings: list[str] = field(factory=list)
    unhurried: bool = False

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self.grade = max(self.grade, Grade.WARNING)


class Trail:
    """The stages of one probe, in order.

    :param patience: seconds that one thing may take.
    :param watch: told of each stage twice: when it begins (its grade is not to be believed yet, ``over``
        is false) and when it is over.
    :ivar cause: the exception below that ended the probe; ``None`` when it was our own judgement.
    """

    def __init__(
        self,
        reactor: Any,
        patience: float = 30.0,
        watch: Callable[[Stage, bool], None] | None = None,
    ) -> None:
        self.stages: list[Stage] = []
        self.patience = patience
        self.cause: BaseException | None = None
        self._reactor = reactor
        self._watch = watch or (lambda stage, over: None)

    @property
    def grade(self) -> Grade:
        return max((stage.grade for stage in self.stages), default=Grade.OK)

    @property
    def complaints(self) -> list[str]:
        """Failures and warnings, each with its stage in front; the worst first."""
        failed = [f"{each.name}: {each.text}" for each in self.stages if each.grade >= Grade.CRITICAL]
        return failed + [f"{each.name}: {text}" for each in self.stages for text in each.warnings]

    @contextmanager
    def stage(self, name: str, *, unhurried: bool = False) -> Iterator[Stage]:
        """A stage. What the client raises in it becomes Trouble. :raise Trouble:"""
        stage = Stage(name, self._reactor.seconds(), unhurried=unhurried)
        self._watch(stage, False)
        try:
            yield stage
        except Trouble as trouble:
            self._fail(stage, trouble, trouble)
            raise
        except LabError as error:
            wrapped = Trouble(str(error))
            self._fail(stage, wrapped, error)
            raise wrapped from error
        except Exception as error:
            text = f"the test itself failed ({type(error).__name__}), and says nothing about the server"
            self._fail(stage, Trouble(text, Grade.UNKNOWN), error)
            raise
        finally:
            stage.seconds = self._reactor.seconds() - stage.at
            if stage.grade is Grade.OK and not unhurried and stage.seconds > SLOW:
                stage.warn(f"took {stage.seconds:.1f} s, which users feel")
            self.stages.append(stage)
            self._watch(stage, True)

    async def within(self, work: Coroutine[Any, Any, T], expected: str, seconds: float | None = None) -> T:
        """The result of *work*, for which there are so many seconds. :raise Trouble: it took longer."""
        limit = self.patience if seconds is None else seconds
        running = Deferred.fromCoroutine(work)
        running.addTimeout(limit, self._reactor)
        try:
            return await running
        except TimeoutError as error:
            raise Trouble(f"{expected} did not come within {limit:g} s") from error

    def _fail(self, stage: Stage, trouble: Trouble, cause: BaseException | None) -> None:
        while isinstance(cause, Trouble):
            cause = cause.__cause__
        stage.grade, stage.text, self.cause = trouble.grade, trouble.text, cause
