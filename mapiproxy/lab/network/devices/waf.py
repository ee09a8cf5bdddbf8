"""waf: a web application firewall with rules that were made for other applications than Outlook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from attrs import frozen

from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.faults.body_limit import BodyLimit
from mapiproxy.lab.network.faults.case_sensitive_paths import CaseSensitivePaths
from mapiproxy.lab.network.faults.lower_case_headers import LowerCaseHeaders
from mapiproxy.lab.network.faults.method_filter import MethodFilter
from mapiproxy.lab.network.faults.path_filter import PathFilter
from mapiproxy.lab.network.faults.strip_headers import StripHeaders
from mapiproxy.lab.network.reading import line, size, switch, words
from mapiproxy.lab.network.rule import Rule, rule


@frozen
class WafSettings:
    """Each is off unless it is given; the faults of the same names say what they do.

    :ivar strip: strip_headers, *content_type* with it.
    :ivar methods: method_filter; *deny* and *allow*: path_filter; *body_limit*: body_limit.
    """

    strip: tuple[str, ...] = words(())
    content_type: str | None = line(None)
    lower_case: bool = switch(False)
    methods: tuple[str, ...] = words(())
    allow: tuple[str, ...] = words(())
    deny: tuple[str, ...] = words(())
    case_sensitive: bool = switch(False)
    body_limit: int | None = size(None)


class Waf(Device):
    """Refuses first and strips what is left."""

    Settings: ClassVar[type] = WafSettings
    needs_plaintext = True

    def own_rules(self) -> Iterable[Rule | Mapping[str, Any]]:
        return list(self._rules())

    def _rules(self) -> Iterator[Rule]:
        settings: WafSettings = self.settings
        if settings.methods:
            yield rule(MethodFilter(settings.methods))
        if settings.allow or settings.deny:
            yield rule(PathFilter(settings.allow, settings.deny))
        if settings.case_sensitive:
            yield rule(CaseSensitivePaths())
        if settings.body_limit is not None:
            yield rule(BodyLimit(settings.body_limit))
        if settings.strip or settings.content_type is not None:
            yield rule(StripHeaders(settings.strip, settings.content_type))
        if settings.lower_case:
            yield rule(LowerCaseHeaders())
