"""What the log costs: CPU per Execute of the whole proxy with its log on and with it off, in the same run.

    python benchmarks/logcost.py [--requests 200] [--connections 1 16] [--rounds 160] [--json] [--line]

Two proxies run side by side, alike but for ``[log] enabled``, and are driven in turns that are much shorter
than whatever else the machine does. What each process has used in the end, in all of its threads and in the
pauses as well (the log is written by a timer), is divided by the requests. The run is looked at in eight
parts: their least and greatest ratio say how far to believe the whole. Requests and answers are those of
``benchmarks/execute.py``. ``--line`` measures the making of one line alone.

(Not called logging.py: a script's folder comes first on its path, and every module would import it.)
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import execute  # noqa: E402  (puts the checkout and its tests on the path)
from support.ledgers import execute as ledger  # noqa: E402

from mapiproxy.lab.authority import Authority  # noqa: E402
from mapiproxy.record.columns import LogIdentity  # noqa: E402
from mapiproxy.record.httpproxy import LineFormat  # noqa: E402

#: Parts of a run that are compared.
PARTS = 8
#: Seconds after which what was logged is on the disk: more than [log] flush.
FLUSH = 1.2
AGENT = b"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.16731; Pro)"


class FineLoad(execute.Load):
    """Reads the CPU time that the scheduler has counted: nanoseconds, where /proc/PID/stat has ticks."""

    def cpu(self) -> float:
        tasks = Path(f"/proc/{self._pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def measure(requests: int, connections: int, rounds: int) -> dict[str, Any]:
    """Microseconds per Execute with and without, and their ratio."""
    requests = max(1, requests // connections) * connections
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        authority = Authority(folder)
        issued = authority.issue("localhost", "127.0.0.1")
        files = (issued.certificate, issued.key)
        port = stack.enter_context(execute.backend(None, None))
        loads = []
        for name, log in (("off", False), ("on", True)):
            url = f"http://127.0.0.1:{port}"
            address = stack.enter_context(execute.ours(folder / name, files, url, log))
            loads.append(FineLoad(name, *address, authority.ca_file, connections))
        for load in loads:
            load.drive(max(connections, 5 * requests))
        seen = [[load.cpu() for load in loads]]
        parts = min(PARTS, rounds)
        for part in range(parts):
            for _ in range(rounds * (part + 1) // parts - rounds * part // parts):
                for load in loads:
                    load.drive(requests)
                loads.reverse()
            time.sleep(FLUSH)
            loads.sort(key=lambda load: load.name)
            seen.append([load.cpu() for load in loads])
    spent = [[after - before for before, after in zip(*each, strict=True)] for each in pairwise(seen)]
    off, on = (sum(each) / (rounds * requests) * 1e6 for each in zip(*spent, strict=True))
    ratios = sorted(with_log / without for without, with_log in spent)
    return {
        "connections": connections,
        "off": round(off, 1),
        "on": round(on, 1),
        "ratio": round(on / off, 3),
        "parts": [round(ratios[0], 3), round(ratios[-1], 3)],
    }


def measure_line(rounds: int) -> float:
    """Microseconds to make one line, the best of the rounds; texts are new objects, as they really are."""
    form = LineFormat(LogIdentity("MAIL1", "15.02.2562.045"))
    best = float("inf")
    for round_ in range(max(2, rounds)):
        facts = [
            ledger(
                wall=1706110007.0 + number * 0.0003,
                request_id=f"3422ea93-768f-4cd4-8b0c-{number:012x}",
                user_agent=AGENT.decode("latin-1"),
                mapi_request_id=f"{{750498CA-0EBD-4E7F-B2F6-377AD1BDD198}}:{round_ * 2000 + number}",
            )
            for number in range(2000)
        ]
        began = time.perf_counter()
        for each in facts:
            form.line(each)
        best = min(best, (time.perf_counter() - began) / len(facts) * 1e6)
    return round(best, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--requests", type=int, default=200, help="in each round")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=160)
    parser.add_argument("--line", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.line:
        print(json.dumps({"line_us": measure_line(options.rounds)}))
        return
    results = [measure(options.requests, each, options.rounds) for each in options.connections]
    if options.json:
        print(json.dumps(results, indent=2))
        return
    print("CPU per Execute, TLS to the client, http to the backend")
    for each in results:
        low, high = each["parts"]
        print(
            f"  {each['connections']:3} connection(s): log off {each['off']:6.1f} us,"
            f" on {each['on']:6.1f} us, ratio {each['ratio']:.3f} ({low:.3f} to {high:.3f} in parts)"
        )


if __name__ == "__main__":
    main()
