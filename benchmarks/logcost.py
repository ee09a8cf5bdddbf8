"""What the log costs: CPU per Execute of the whole proxy with its log on and with it off, in the same run.

    python benchmarks/logcost.py [--requests 800] [--connections 1 16] [--rounds 60] [--json] [--line]

Two proxies run side by side, alike but for ``[log] enabled``. Rounds are short and alternate, and each
round with the log is compared with the rounds without it before and after, so that what else the machine
does meets both; the median of these ratios is reported, with the middle half of them. CPU time is that of all
threads of the process, so what the writing thread does is counted. Requests and answers are those of
``benchmarks/execute.py``. ``--line`` measures the making of one line alone.

(Not called logging.py: a script's folder comes first on its path, and every module would import it.)
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import execute  # noqa: E402  (puts the checkout and its tests on the path)
from support.ledgers import execute as ledger  # noqa: E402

from mapiproxy.lab.authority import Authority  # noqa: E402
from mapiproxy.record.columns import LogIdentity  # noqa: E402
from mapiproxy.record.httpproxy import LineFormat  # noqa: E402

AGENT = b"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.16731; Pro)"


class FineLoad(execute.Load):
    """Reads the CPU time that the scheduler has counted: nanoseconds, where /proc/PID/stat has ticks."""

    def cpu(self) -> float:
        tasks = Path(f"/proc/{self._pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def measure(requests: int, connections: int, rounds: int) -> dict[str, Any]:
    """Microseconds per Execute with and without, and the median of the ratios."""
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
        off, on = loads
        for load in loads:
            load.drive(max(connections, requests))
        before = off.drive(requests)
        ratios = []
        for _ in range(rounds):
            on.rounds.append(on.drive(requests))
            after = off.drive(requests)
            off.rounds.append(after)
            ratios.append(on.rounds[-1] / ((before + after) / 2))
            before = after
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return {
        "connections": connections,
        "off": round(statistics.median(off.rounds), 1),
        "on": round(statistics.median(on.rounds), 1),
        "ratio": round(middle, 3),
        "half": [round(low, 3), round(high, 3)],
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
    parser.add_argument("--requests", type=int, default=800, help="in each round")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=60)
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
        low, high = each["half"]
        print(
            f"  {each['connections']:3} connection(s): log off {each['off']:6.1f} us,"
            f" on {each['on']:6.1f} us, ratio {each['ratio']:.3f} (half of them {low:.3f} to {high:.3f})"
        )


if __name__ == "__main__":
    main()
