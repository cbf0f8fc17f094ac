"""What a guest may read about itself: over HTTP from the metadata service, and as files on its config drive."""

import base64
import json
from collections.abc import Collection, Sequence
from typing import Any

from nova.domain.guest_data import ec2, openstack
from nova.domain.guest_data.site import Site
from nova.domain.server import InjectedFile, Server

__all__ = ['EC2_VERSIONS', 'OPENSTACK_VERSIONS', 'SKIPPED_ON_CONFIG_DRIVES', 'Site', 'content', 'files']

EC2_VERSIONS = (*ec2.VERSIONS, ec2.LATEST)
OPENSTACK_VERSIONS = (*openstack.VERSIONS, openstack.LATEST)

# Versions that config drives do not carry unless an operator says otherwise: nobody reads them.
SKIPPED_ON_CONFIG_DRIVES = ec2.VERSIONS[:-1]


def content(server: Server, path: str, site: Site, random_seed: bytes) -> bytes | None:
    """The answer to GET `path`: a document, a text, or a list of names; None if there is none."""
    parts = [part for part in path.split('/') if part]
    if not parts:
        return _lines(EC2_VERSIONS)
    if parts[0] == 'openstack':
        return _openstack(parts[1:], server, site, random_seed)
    if parts[0] in EC2_VERSIONS:
        return _below(ec2.tree(server, site, parts[0]), parts[1:])
    return None


def files(
    server: Server,
    site: Site,
    random_seed: bytes,
    skip_versions: Collection[str] = SKIPPED_ON_CONFIG_DRIVES,
    admin_password: str | None = None,
    injected: Sequence[InjectedFile] = (),
) -> dict[str, bytes]:
    """The files of the server's config drive, by path; among them those that its owner wants in it."""
    found = {
        f'openstack/{openstack.content_path(number)}': base64.b64decode(file.contents)
        for number, file in enumerate(injected)
    }
    for version in OPENSTACK_VERSIONS:
        if version not in skip_versions:
            asked = openstack.Asked(
                server, site, random_seed, openstack.dated(version), admin_password, tuple(injected)
            )
            documents = openstack.documents(asked)
            found |= {f'openstack/{version}/{name}': data for name, data in documents.items()}
    for version in EC2_VERSIONS:
        if version not in skip_versions:
            found |= {f'ec2/{version}/{name}': data for name, data in _ec2_files(version, server, site).items()}
    return found


def _openstack(parts: list[str], server: Server, site: Site, random_seed: bytes) -> bytes | None:
    if not parts:
        return _lines(OPENSTACK_VERSIONS)
    version, *rest = parts
    if version not in OPENSTACK_VERSIONS:
        return None
    found = _documents(version, server, site, random_seed)
    if openstack.dated(version) >= openstack.PASSWORD_SINCE:
        found['password'] = openstack.password(server)
    if not rest:
        return _lines(sorted(found))
    return found.get(rest[0]) if len(rest) == 1 else None


def _documents(version: str, server: Server, site: Site, random_seed: bytes) -> dict[str, bytes]:
    return openstack.documents(openstack.Asked(server, site, random_seed, openstack.dated(version)))


def _ec2_files(version: str, server: Server, site: Site) -> dict[str, bytes]:
    tree = ec2.tree(server, site, version)
    found = {'meta-data.json': json.dumps(tree['meta-data']).encode()}
    return {**found, 'user-data': tree['user-data']} if 'user-data' in tree else found


def _below(node: Any, parts: list[str]) -> bytes | None:
    for part in parts:
        node = _child(node, part)
    if node is None or isinstance(node, bytes):
        return node
    return node.encode() if isinstance(node, str) else _lines(_listed(name, child) for name, child in node.items())


def _child(node: Any, name: str) -> Any:
    """A public key is listed as `0=name` and found as `0`."""
    if not isinstance(node, dict):
        return None
    return next((child for key, child in node.items() if key == name or key.startswith(f'{name}=')), None)


def _listed(name: str, child: Any) -> str:
    return f'{name}/' if isinstance(child, dict) and '=' not in name else name


def _lines(names: Any) -> bytes:
    return '\n'.join(names).encode()
