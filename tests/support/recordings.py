"""Where recorded conversations of real servers lie.

Beside the repository when there is a shared folder, else the copies that are committed here.
"""

from __future__ import annotations

from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
COPIES = _TESTS / "recordings"
SHARED = _TESTS.parents[1] / "shared" / "recordings"


def recordings(name: str = "grommunio-basic") -> dict[str, tuple[bytes, bytes]]:
    """Step -> raw request, raw answer, in the order of the conversation."""
    folder = SHARED / name if (SHARED / name).is_dir() else COPIES / name
    return {
        asked.name.removesuffix(".req.bin"): (
            asked.read_bytes(),
            asked.with_name(asked.name.replace(".req.", ".resp.")).read_bytes(),
        )
        for asked in sorted(folder.glob("*.req.bin"))
    }
