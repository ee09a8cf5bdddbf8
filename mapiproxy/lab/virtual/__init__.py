"""A network and a clock in memory: minutes of the lab's life in a second, and the same each time."""

from mapiproxy.lab.virtual.reactor import VirtualReactor as VirtualReactor
from mapiproxy.lab.virtual.timers import Stuck as Stuck
