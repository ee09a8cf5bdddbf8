"""A scenario that was played, without playing one."""

from __future__ import annotations

from typing import Any

from mapiproxy.lab.happening import Happening
from mapiproxy.scenario.judging import Finding
from mapiproxy.scenario.verdict import Played

HAPPENED = (
    Happening(at=0.1, until=0.2, lane="alice", kind="request", label="Connect"),
    Happening(at=0.3, until=30.0, lane="alice/wait", kind="request", label="NotificationWait", outcome="lost"),
    Happening(at=5.0, lane="firewall", kind="fault", label="forgets <b>", detail='the flow of "alice"'),
    Happening(at=5.1, until=5.2, lane="alice", kind="request", label="Execute", outcome="code", detail="10"),
    Happening(at=6.0, lane="MBX1", kind="state", label="is up again"),
)
LANES = {"alice": "client", "alice/wait": "client", "firewall": "client device", "MBX1": "server"}


def played(*findings: Finding, **given: Any) -> Played:
    values: dict[str, Any] = {
        "name": "wifi-to-lte",
        "title": "From Wi-Fi to LTE & back",
        "why": "people <move>",
        "causes": ("network-switch",),
        "kind": "exchange",
        "seed": 7,
        "time": "virtual",
        "duration": 60.0,
        "findings": findings or (Finding("reconnects", True, "0", "0", 12),),
        "facts": {"reconnects": 0, "codes": {"10": 1}, "waits": 3, "waits_lost": 1, "outage_max": 0.25,
                  "says": [[5.0, "backend MBX1 DOWN: <script>"]], "errors": [], "left": []},
        "happenings": HAPPENED,
        "lanes": LANES,
        "took": 1.25,
    }  # fmt: skip
    return Played(**{**values, **given})


BAD = Finding("contexts_lost", False, "0", "2", 13)
