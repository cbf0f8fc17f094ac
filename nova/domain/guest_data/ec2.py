"""The EC2 form of guest data: a tree of short texts, with more branches from version to version."""

from collections.abc import Callable
from typing import Any

from nova.domain.guest_data import openstack
from nova.domain.guest_data.site import Site
from nova.domain.server import Server

VERSIONS = (
    '1.0',
    '2007-01-19',
    '2007-03-01',
    '2007-08-29',
    '2007-10-10',
    '2007-12-15',
    '2008-02-01',
    '2008-09-01',
    '2009-04-04',
)
LATEST = 'latest'

# A text, or a branch of texts and branches.
Tree = dict[str, Any]


def tree(server: Server, site: Site, version: str) -> Tree:
    """`meta-data` and `user-data` as this version has them."""
    dated = VERSIONS[-1] if version == LATEST else version
    made = ((name, make(server, site)) for name, since, make in _META_DATA if since <= dated)
    found: Tree = {'meta-data': {name: value for name, value in made if value is not None}}
    user_data = openstack.user_data(server)
    return found if user_data is None else {**found, 'user-data': user_data}


def _full_name(server: Server, site: Site) -> str:
    return site.full_name(server.hostname)


def _image_id(kind: str, image_id: str | None) -> str:
    return f'{kind}-{image_id.replace("-", "")[:8]}' if image_id else ''


def _fixed_ip(server: Server, site: Site) -> str:
    found = (ip.address for port in server.ports for ip in port.fixed_ips if ip.version == 4)
    return next(found, '')


def _floating_ip(server: Server, site: Site) -> str:
    return next((address for port in server.ports for address in port.floating_ips), '')


def _block_devices(server: Server, site: Site) -> Tree:
    root = (server.root_device_name or '/dev/vda').removeprefix('/dev/')
    letters = iter('bcdefghijklmnopqrstuvwxyz')
    devices = {'ami': root}
    if server.flavor.ephemeral_gb:
        devices['ephemeral0'] = f'/dev/{root[:-1]}{next(letters)}'
    if server.flavor.swap_mb:
        devices['swap'] = f'/dev/{root[:-1]}{next(letters)}'
    return devices


def _public_keys(server: Server, site: Site) -> Tree | None:
    if not server.keypair:
        return None
    return {f'0={server.keypair.name}': {'openssh-key': openstack.public_key(server).rstrip('\n')}}


_META_DATA: tuple[tuple[str, str, Callable[[Server, Site], Any]], ...] = (
    ('ami-id', '1.0', lambda server, site: _image_id('ami', server.image_id)),
    ('ami-launch-index', '1.0', lambda server, site: str(server.launch_index)),
    ('ami-manifest-path', '1.0', lambda server, site: ''),  # images come from no bucket here
    ('block-device-mapping', '2007-12-15', _block_devices),
    ('hostname', '1.0', _full_name),
    ('instance-action', '2008-09-01', lambda server, site: 'none'),
    ('instance-id', '1.0', lambda server, site: server.guest_name('i-%08x') or ''),
    ('instance-type', '2007-08-29', lambda server, site: server.flavor.name),
    ('kernel-id', '2007-12-15', lambda server, site: _image_id('aki', server.image_properties.get('kernel_id'))),
    ('local-hostname', '2007-01-19', _full_name),
    ('local-ipv4', '1.0', _fixed_ip),
    ('placement', '2008-02-01', lambda server, site: {'availability-zone': server.availability_zone or ''}),
    ('public-hostname', '2007-01-19', _full_name),
    ('public-ipv4', '2007-01-19', _floating_ip),
    ('public-keys', '1.0', _public_keys),
    ('ramdisk-id', '2007-12-15', lambda server, site: _image_id('ari', server.image_properties.get('ramdisk_id'))),
    ('reservation-id', '1.0', lambda server, site: server.reservation_id or ''),
    ('security-groups', '1.0', lambda server, site: '\n'.join(server.security_groups)),
)
