"""How fast does `mapiproxy log top` read, and how much memory does that take?

    python benchmarks/log_top.py [--rows 1000000] [--by user] [--users 5000] [--json]

Writes a log of so many rows, of the layout and the length of the proxy's own, to a temporary folder, and sums
it up in this process. Prints rows and bytes per second of CPU, and by how much the peak of resident memory
grew over that of the interpreter with everything imported.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.logrows import IDENTITY, START, line  # noqa: E402

from mapiproxy.commands.logfiles import find_files, rows_of  # noqa: E402
from mapiproxy.evidence.reading import Troubles  # noqa: E402
from mapiproxy.evidence.toplist import KEYS, TopList  # noqa: E402
from mapiproxy.record.httpproxy import header  # noqa: E402

#: Different lines; a file repeats them.
VARIETY = 2000


def write(path: Path, rows: int, users: int, seed: int) -> None:
    """A log of so many rows."""
    random = Random(seed)
    lines = []
    for number in range(VARIETY):
        wait = number % 10 == 0
        lines.append(
            line(
                at=number * 5,
                user="CORP\\USER-PLACE",
                backend=f"EXCH{number % 4}",
                client_ip=f"10.1.{number % 40}.{number % 250}",
                request_type="NotificationWait" if wait else "Execute",
                wait=5 if wait else int(random.expovariate(1 / 40)),
                answer=300_000 if wait else 0,
                status=500 if number % 100 == 1 else 200,
                backend_status=500 if number % 100 == 1 else 200,
            )
        )
    with path.open("wb") as file:
        file.write(header(IDENTITY, START / 1000, True, False))
        for begin in range(0, rows, VARIETY):
            piece = lines[: min(VARIETY, rows - begin)]
            # A user for a hundred rows at a time.
            for start in range(0, len(piece), 100):
                user = b"user%d" % random.randrange(users)
                file.write(b"".join(piece[start : start + 100]).replace(b"USER-PLACE", user))


def peak_mib() -> float:
    """The most resident memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--by", choices=list(KEYS), default="user")
    parser.add_argument("--users", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "HttpProxy_2024012415-1.LOG"
        write(path, options.rows, options.users, options.seed)
        troubles = Troubles()
        summed = TopList(options.by)
        before = peak_mib()
        began = time.process_time()
        summed.read(rows_of(find_files([path]), troubles))
        summed.finish()
        passed = time.process_time() - began
        size = path.stat().st_size
    result = {
        "rows": options.rows,
        "counted": summed.all.count,
        "groups": len(summed.groups.groups),
        "bytes": size,
        "cpu_s": round(passed, 2),
        "rows_per_s": round(options.rows / passed),
        "mb_per_s": round(size / passed / 1e6),
        "grown_mib": round(peak_mib() - before, 1),
        "peak_mib": round(peak_mib(), 1),
    }
    if options.json:
        print(json.dumps(result))
        return
    print(
        f"{result['rows']} rows ({size / 1e6:.0f} MB) by {options.by}, {result['groups']} groups:"
        f" {result['cpu_s']} s of CPU, {result['rows_per_s']} rows/s, {result['mb_per_s']} MB/s;"
        f" memory grew by {result['grown_mib']} MiB to {result['peak_mib']} MiB"
    )


if __name__ == "__main__":
    main()
