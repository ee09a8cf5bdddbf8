"""Which backend gets a MAPI request?"""

from __future__ import annotations

import pytest

from mapiproxy.lint.haproxy import read_haproxy
from mapiproxy.lint.haproxy_route import find_scope

BACKENDS = "backend mapi\n server a 10.0.0.1:443\nbackend other\n server a 10.0.0.1:443\n"


@pytest.mark.parametrize(
    ("rules", "backs"),
    [
        (" acl m path_beg -i /mapi\n use_backend mapi if m\n default_backend other\n", ["mapi"]),
        (" use_backend mapi if { path_beg /mapi }\n default_backend other\n", ["mapi"]),
        (" acl m path,lower -m beg /MAPI\n use_backend mapi if m\n default_backend other\n", ["mapi"]),
        (" acl m path_reg ^/(mapi|ews)\n use_backend mapi if m\n default_backend other\n", ["mapi"]),
        (" acl m path_dir mapi\n use_backend mapi if m\n default_backend other\n", ["mapi"]),
        (" acl e path_beg -i /ews\n use_backend mapi if e\n default_backend other\n", ["other"]),
        (" acl h hdr(host) -i mail\n use_backend mapi if h\n default_backend other\n", ["mapi", "other"]),
        (" default_backend nobody\n", []),
        # Negations, or, unless, and rules below one that is certain.
        (" acl m path_beg -i /mapi\n use_backend other if !m\n default_backend mapi\n", ["mapi"]),
        (" acl m path_beg -i /mapi\n use_backend other unless m\n default_backend mapi\n", ["mapi"]),
        (" acl m path_beg -i /mapi\n acl h hdr(host) -i x\n use_backend other if h !m\n use_backend mapi if m\n",
         ["mapi"]),
        (" use_backend mapi if { path_beg /ews } || { path_beg /mapi }\n use_backend other\n", ["mapi"]),
        (" use_backend mapi if !{ path_beg /ews }\n default_backend other\n", ["mapi"]),
        (" use_backend mapi\n default_backend other\n", ["mapi"]),
        (" acl m url_beg /mapi\n use_backend mapi if m\n default_backend other\n", ["mapi"]),
        # What cannot be known may be any.
        (" acl m path_beg -f /etc/paths\n use_backend mapi if m\n default_backend other\n", ["mapi", "other"]),
        (" use_backend %[req.hdr(host),lower,map(/etc/hosts.map,other)]\n", ["mapi", "other"]),
    ],
)
def test_the_way_of_a_request(rules: str, backs: list[str]) -> None:
    file = read_haproxy(f"frontend f\n mode http\n bind :443\n{rules}{BACKENDS}", "x")
    scope = find_scope(file)
    assert [section.name for section in scope.backs] == backs
    assert [section.name for section in scope.fronts] == (["f"] if backs else [])


def test_a_listen_is_both() -> None:
    scope = find_scope(read_haproxy("listen l\n mode http\n bind :443\n server a 10.0.0.1:443\n", "x"))
    assert [s.name for s in scope.all] == ["l"]
    assert scope.fronts == scope.backs
