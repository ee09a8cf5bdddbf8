"""What happens to devices in the network, as steps of a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import field

from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.rule import parse_rule
from mapiproxy.scenario.verbs import Base, Complaint, verb


class _Box(Base):
    names: ClassVar[dict[str, str]] = {"device": "device"}
    ours: ClassVar[bool] = False


@verb
class Fault(_Box):
    """A *rule* comes into force at a device; after *lasting* it is removed again."""

    device: str | None = field(default=None, metadata={"needed": True})
    rule: dict[str, Any] = field(factory=dict)
    lasting: float | None = None
    harm: ClassVar[bool] = True

    async def act(self, stage: Any) -> None:
        boxes = stage.boxes(self.device)
        added = [(box, box.add(parse_rule(self.rule))) for box in boxes]
        for box, play in added:
            stage.tell(box.name, f"{play.rule.name} begins", harm=True)
        if self.lasting is not None:
            await stage.pause(self.lasting)
            for box, play in added:
                box.remove(play)
                stage.tell(box.name, f"{play.rule.name} ends")

    def complaints(self) -> tuple[Complaint, ...]:
        try:
            parse_rule(self.rule)
        except BadRule as bad:
            return (Complaint("rule", str(bad)),)
        return ()


@verb
class Heal(_Box):
    """All rules that were added are removed."""

    device: str | None = field(default=None, metadata={"needed": True})

    async def act(self, stage: Any) -> None:
        for box in stage.boxes(self.device):
            box.reset()
            stage.tell(box.name, "is healed")


class _Told(_Box):
    """A device is told to do what only its kind can."""

    method: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]

    async def act(self, stage: Any) -> None:
        for box in stage.boxes(self.device):  # type: ignore[attr-defined]
            getattr(box, self.method)()


@verb
class Rebind(_Told):
    """A nat forgets all connections and takes its next address."""

    device: str | None = field(default=None, metadata={"needed": True})
    method: ClassVar[str] = "rebind"
    kinds: ClassVar[tuple[str, ...]] = ("nat",)
    harm: ClassVar[bool] = True


@verb
class LogIn(_Told):
    """Somebody logs in at a captive_portal: it lets everybody through."""

    device: str | None = field(default=None, metadata={"needed": True})
    method: ClassVar[str] = "log_in"
    kinds: ClassVar[tuple[str, ...]] = ("captive_portal",)
