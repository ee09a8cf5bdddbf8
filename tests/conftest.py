"""What every test shares: the hypothesis profiles, and a place for trial's temporary files.

``HYPOTHESIS_PROFILE=deep python -m pytest`` looks much longer than the default does.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from twisted.trial.unittest import SynchronousTestCase

# No deadline: a loaded machine must not fail a correct test.
settings.register_profile(
    "fast", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "deep", max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture(autouse=True)
def trial_files_outside_the_checkout(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trial makes them in the current folder, because its own runner has gone to another one."""

    def mktemp(_: SynchronousTestCase) -> str:
        return str(tmp_path_factory.mktemp("trial") / "temp")

    monkeypatch.setattr(SynchronousTestCase, "mktemp", mktemp)
