"""Which faults are there? One file each; base.py says how to write a new one."""

from __future__ import annotations

from collections.abc import Mapping

from mapiproxy.lab.network.faults.bandwidth import Bandwidth
from mapiproxy.lab.network.faults.base import Fault
from mapiproxy.lab.network.faults.black_hole import BlackHole
from mapiproxy.lab.network.faults.body_limit import BodyLimit
from mapiproxy.lab.network.faults.buffer_until_complete import BufferUntilComplete
from mapiproxy.lab.network.faults.case_sensitive_paths import CaseSensitivePaths
from mapiproxy.lab.network.faults.challenge_loop import ChallengeLoop
from mapiproxy.lab.network.faults.clock_skew import ClockSkew
from mapiproxy.lab.network.faults.duplicate_dials import DuplicateDials
from mapiproxy.lab.network.faults.expired_certificate import ExpiredCertificate
from mapiproxy.lab.network.faults.half_open import HalfOpen
from mapiproxy.lab.network.faults.http_status import HttpStatus
from mapiproxy.lab.network.faults.latency import Latency
from mapiproxy.lab.network.faults.limit_data import LimitData
from mapiproxy.lab.network.faults.lower_case_headers import LowerCaseHeaders
from mapiproxy.lab.network.faults.method_filter import MethodFilter
from mapiproxy.lab.network.faults.mute_pending import MutePending
from mapiproxy.lab.network.faults.path_filter import PathFilter
from mapiproxy.lab.network.faults.reset import Reset
from mapiproxy.lab.network.faults.response_code import ResponseCode
from mapiproxy.lab.network.faults.slicer import Slicer
from mapiproxy.lab.network.faults.slow_close import SlowClose
from mapiproxy.lab.network.faults.stall import Stall
from mapiproxy.lab.network.faults.strip_headers import StripHeaders
from mapiproxy.lab.network.faults.tls_interception import TlsInterception
from mapiproxy.lab.network.faults.truncate import Truncate

#: The name in a rule → the fault.
FAULTS: Mapping[str, type[Fault]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "slicer": Slicer,
    "stall": Stall,
    "black_hole": BlackHole,
    "half_open": HalfOpen,
    "reset": Reset,
    "slow_close": SlowClose,
    "limit_data": LimitData,
    "duplicate_dials": DuplicateDials,
    "truncate": Truncate,
    "mute_pending": MutePending,
    "buffer_until_complete": BufferUntilComplete,
    "strip_headers": StripHeaders,
    "lower_case_headers": LowerCaseHeaders,
    "path_filter": PathFilter,
    "method_filter": MethodFilter,
    "body_limit": BodyLimit,
    "case_sensitive_paths": CaseSensitivePaths,
    "response_code": ResponseCode,
    "challenge_loop": ChallengeLoop,
    "http_status": HttpStatus,
    "tls_interception": TlsInterception,
    "expired_certificate": ExpiredCertificate,
    "clock_skew": ClockSkew,
}
