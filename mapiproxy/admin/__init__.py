"""The status page: what a person with a browser sees of a running proxy, and may order.

It is given two functions, one that answers orders as the control socket does and one that has the metrics,
and knows nothing else of the service. Must not know where the figures come from, nor how an order is
carried out.
"""

from __future__ import annotations

from mapiproxy.admin.door import AdminDoor
from mapiproxy.admin.gate import Keys

__all__ = ["AdminDoor", "Keys"]
