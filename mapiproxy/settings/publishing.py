"""Which virtual directories does a group of backends publish, under which URLs, for which schemes?

What a file does not say follows from the kind of the servers.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.vdir import MAPI, METHODS, SHAPES, USUAL, VirtualDirectory
from mapiproxy.policy.published import Published
from mapiproxy.settings.problems import KeyPath, Problems, meant
from mapiproxy.settings.tables import BackendTable, VdirTable


def build_vdirs(
    path: KeyPath, table: BackendTable, kind: Kind, problems: Problems
) -> tuple[VirtualDirectory, ...]:
    """The virtual directories of a group, in the order of :data:`SHAPES`."""
    listed = USUAL[kind] if table.vdirs is None else table.vdirs
    for number, name in enumerate(table.vdirs or ()):
        if name not in SHAPES:
            problems.error((*path, "vdirs", number), _unknown(name))
    for name, each in table.vdir.items():
        _check(name, each, (*path, "vdir", name), problems)
    vdirs = []
    for name in SHAPES:
        given = table.vdir.get(name)
        if given is not None:
            vdirs.append(
                VirtualDirectory(
                    name,
                    given.enabled,
                    given.internal_url,
                    given.external_url,
                    given.iis_authentication_methods or None,
                )
            )
        elif name in listed:
            vdirs.append(VirtualDirectory(name))
    if not any(vdir.enabled for vdir in vdirs):
        problems.error((*path, "vdirs"), "no virtual directory is enabled, so nothing would be forwarded")
    return tuple(vdirs)


def build_published(
    path: KeyPath, table: BackendTable, vdirs: tuple[VirtualDirectory, ...], problems: Problems
) -> Published:
    """What is done to answers of Autodiscover: the URLs are those of the virtual directory mapi."""
    mapi = next((each for each in vdirs if each.name == "mapi"), MAPI)
    if table.autodiscover_rewrite and not (mapi.internal_url or mapi.external_url):
        problems.error(
            (*path, "autodiscover_rewrite"), "rewrites to the URLs of the virtual directory mapi: it has none"
        )
    if not table.autodiscover_rewrite:
        return Published(homes=table.autodiscover_homes)
    return Published(mapi.internal_url, mapi.external_url, table.autodiscover_homes)


def _check(name: str, table: VdirTable, path: KeyPath, problems: Problems) -> None:
    if name not in SHAPES:
        problems.error(path, _unknown(name))
        return
    methods = table.iis_authentication_methods
    for number, method in enumerate(methods or ()):
        if methods and method in methods[:number]:
            problems.error((*path, "iis_authentication_methods", number), f'"{method}" stands there twice')
    if methods == ():
        # As Set-MapiVirtualDirectory has it: a URL is of no use to clients that cannot log on.
        problems.error(
            (*path, "iis_authentication_methods"), f"name at least one of {', '.join(METHODS)}"
        )
    for key in ("internal_url", "external_url"):
        url = getattr(table, key)
        found = urlsplit(url).path.rstrip("/").lower() if url else ""
        if url and not found.startswith(SHAPES[name].paths):
            problems.error((*path, key), f"must end in {SHAPES[name].paths[0]}: {name} is served there")


def _unknown(name: str) -> str:
    return f'there is no virtual directory "{name}"{meant(name, SHAPES)}; known: {", ".join(SHAPES)}'
