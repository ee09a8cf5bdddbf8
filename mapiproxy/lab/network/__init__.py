"""The network between Outlook and the servers, and what can go wrong in it.

``faults/`` has one file for each fault, ``devices/`` one for each device, ``toxiproxy/`` the HTTP API that
Toxiproxy's clients know. A rule (rule.py) is a fault with the selector that says where it strikes. Nothing in
here is used by the proxy itself.

Three levels, each ignorant of the next: pieces and faults are values without sockets or clock; a lane
(lane.py) is one direction of a connection, fed with the time; a flow (flow.py) has the sockets.
"""
