"""What happens to Outlook when something breaks, and was it as it should be? Scenarios with verdicts.

A scenario is a file: servers, devices, clients, a timeline of harm, and what is expected of it. It is played
against the whole real proxy, in virtual time, and ends in a verdict and a timeline. Must not know the command
line, and how the parts of the laboratory work.
"""

from __future__ import annotations

from mapiproxy.scenario.embedded import Lab

__all__ = ["Lab"]
