"""What happens to devices in the network, as steps of a scenario."""

from __future__ import annotations
