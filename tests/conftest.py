"""What every test shares: the hypothesis profiles.

``HYPOTHESIS_PROFILE=deep python -m pytest`` looks much longer than the default does.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadline: a loaded machine must not fail a correct test.
settings.register_profile(
    "fast", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "deep", max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
