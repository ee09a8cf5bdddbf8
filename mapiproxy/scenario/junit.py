"""The verdicts as JUnit XML, which continuous integration understands: a test for each expectation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from mapiproxy.scenario.verdict import Played

#: What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(played: Sequence[Played]) -> str:
    """The whole document; one suite for each scenario and kind."""
    root = ET.Element("testsuites", name="mapiproxy lab run")
    totals = [0, 0, 0]
    for each in played:
        counts = (max(1, len(each.findings)), len(each.failed), int(each.error is not None))
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=f"{each.name}.{each.kind}",
            tests=str(counts[0]),
            failures=str(counts[1]),
            errors=str(counts[2]),
            skipped="0",
            time=f"{each.took:.3f}",
        )
        _cases(suite, each)
    for key, total in zip(("tests", "failures", "errors"), totals, strict=True):
        root.set(key, str(total))
    root.set("time", f"{sum(each.took for each in played):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _cases(suite: ET.Element, each: Played) -> None:
    classname = f"mapiproxy.scenario.{each.name}.{each.kind}"
    if each.error is not None:
        case = ET.SubElement(suite, "testcase", classname=classname, name="played to its end", time="0")
        ET.SubElement(case, "error", message=_clean(each.error), type="Error")
    for finding in each.findings:
        case = ET.SubElement(suite, "testcase", classname=classname, name=_clean(finding.name), time="0")
        if not finding.ok:
            text = f"expected {finding.expected}, got {finding.got}"
            failure = ET.SubElement(case, "failure", message=_clean(text), type="Expectation")
            failure.text = _clean(f"{each.name}.toml:{finding.line}: {finding}\nseed {each.seed}")
    if not each.findings and each.error is None:
        ET.SubElement(suite, "testcase", classname=classname, name="played to its end", time="0")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("?", text)
