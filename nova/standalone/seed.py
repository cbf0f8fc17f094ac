"""Fill a new cloud with what its users expect: projects, users, endpoints, flavors, an image, a network."""

import ipaddress
from pathlib import Path

from keystoneauth1 import adapter
from keystoneauth1 import exceptions as ksa_errors
from keystoneauth1 import session as ksa_session
from keystoneauth1.identity import v3

from nova.standalone.layout import Layout
from nova.standalone.refusal import Refusal
from nova.standalone.secrets import Secrets

REGION = 'RegionOne'
ROLES = ('admin', 'manager', 'member', 'reader', 'service')
PROJECTS = ('admin', 'demo', 'service')
SERVICE_USERS = ('nova', 'glance', 'placement', 'neutron', 'barbican')
SERVICES = (
    # part, type, name, port, path
    ('glance', 'image', 'glance', 'glance', ''),
    ('placement', 'placement', 'placement', 'placement', ''),
    ('barbican', 'key-manager', 'barbican', 'barbican', ''),
    ('network', 'network', 'neutron', 'nova-network', ''),
    ('nova', 'compute', 'nova', 'nova-api', '/v2.1'),
)
FLAVORS = (
    # name, MB of memory, GB of disk, processors
    ('m1.nano', 128, 1, 1),
    ('m1.micro', 256, 1, 1),
    ('m1.tiny', 512, 1, 1),
    ('m1.small', 2048, 20, 1),
    ('m1.medium', 4096, 40, 2),
    ('m1.large', 8192, 80, 4),
)
IMAGE = 'tiny'
NETWORK = 'private'
EMPTY_DISK_BYTES = 1024 * 1024
MOST_SAID = 500


def login(layout: Layout, secrets: Secrets, user: str = 'admin', project: str = 'admin') -> ksa_session.Session:
    auth = v3.Password(
        auth_url=layout.url('keystone', '/v3'),
        username=user,
        password=secrets[user],
        project_name=project,
        user_domain_name='Default',
        project_domain_name='Default',
    )
    return ksa_session.Session(auth=auth, timeout=60, connect_retries=3)


def service(session: ksa_session.Session, layout: Layout, port: str, path: str) -> adapter.Adapter:
    """A service by its address: the catalog is what we are only about to fill."""
    return adapter.Adapter(session, endpoint_override=layout.url(port, path), status_code_retries=2)


class Identity:
    """Roles, projects, users, grants, services and endpoints; what is there already stays."""

    def __init__(self, layout: Layout, secrets: Secrets):
        self.layout = layout
        self.secrets = secrets
        self.keystone = service(login(layout, secrets), layout, 'keystone', '/v3')

    def fill(self) -> None:
        roles = {name: self._ensure('role', {'name': name}) for name in ROLES}
        projects = {name: self._ensure('project', {'name': name, 'domain_id': 'default'}) for name in PROJECTS}
        for name in ('demo', *SERVICE_USERS):
            user = self._ensure('user', {'name': name, 'domain_id': 'default'}, password=self.secrets[name])
            project, granted = ('demo', ('member',)) if name == 'demo' else ('service', ('service', 'admin'))
            for role in granted:
                self.keystone.put(f'/projects/{projects[project]}/users/{user}/roles/{roles[role]}')
        for part, kind, name, port, path in SERVICES:
            if self.layout.has(part):
                self._ensure_endpoints(kind, name, self.layout.url(port, path))

    def _ensure(self, kind: str, fields: dict, **only_when_new) -> str:
        found = self.keystone.get(f'/{kind}s', params=fields).json()[f'{kind}s']
        if found:
            return found[0]['id']
        return self.keystone.post(f'/{kind}s', json={kind: {**fields, **only_when_new}}).json()[kind]['id']

    def _ensure_endpoints(self, kind: str, name: str, url: str) -> None:
        service_id = self._ensure('service', {'type': kind, 'name': name})
        found = self.keystone.get('/endpoints', params={'service_id': service_id}).json()['endpoints']
        known = {endpoint['interface']: endpoint for endpoint in found}
        for interface in ('public', 'internal'):
            body = {'service_id': service_id, 'interface': interface, 'url': url, 'region_id': REGION}
            endpoint = known.get(interface)
            if endpoint is None:
                self.keystone.post('/endpoints', json={'endpoint': body})
            elif endpoint['url'] != url:
                self.keystone.patch(f'/endpoints/{endpoint["id"]}', json={'endpoint': {'url': url}})


def fill_images(layout: Layout, secrets: Secrets) -> None:
    """The image `tiny`: our guest, or an empty disk where guests are only simulated and none was built."""
    glance = service(login(layout, secrets), layout, 'glance', '/v2')
    found = glance.get('/images', params={'name': IMAGE}).json()['images']
    if any(image['status'] == 'active' for image in found):
        return
    for unfinished in found:
        glance.delete(f'/images/{unfinished["id"]}')
    real = layout.guest_image.exists()
    if not real and layout.has('libvirt'):
        raise Refusal(f'{layout.guest_image} is missing: `tools/guest-image` builds it, or name one with --image.')
    image = {
        'name': IMAGE,
        'visibility': 'public',
        'container_format': 'bare',
        'disk_format': 'qcow2' if real else 'raw',
        'min_ram': 96,
        'min_disk': 0,
        'os_distro': 'debian',
        'hw_rng_model': 'virtio',
    }
    created = glance.post('/images', json=image).json()
    _upload(glance, created['id'], layout.guest_image if real else None)


def _upload(glance: adapter.Adapter, image_id: str, file: Path | None) -> None:
    headers = {'Content-Type': 'application/octet-stream'}
    if file is None:
        glance.put(f'/images/{image_id}/file', data=bytes(EMPTY_DISK_BYTES), headers=headers)
        return
    with open(file, 'rb') as content:
        glance.put(f'/images/{image_id}/file', data=content, headers=headers)


def fill_flavors(layout: Layout, secrets: Secrets) -> None:
    nova = service(login(layout, secrets), layout, 'nova-api', '/v2.1')
    known = {flavor['name'] for flavor in nova.get('/flavors').json()['flavors']}
    for number, (name, memory, disk, vcpus) in enumerate(FLAVORS, start=1):
        if name not in known:
            body = {'id': str(number), 'name': name, 'ram': memory, 'disk': disk, 'vcpus': vcpus}
            nova.post('/flavors', json={'flavor': body})


def fill_networks(layout: Layout, secrets: Secrets) -> None:
    """The shared network `private`, on a range of addresses that this machine does not use yet."""
    neutron = service(login(layout, secrets), layout, 'nova-network', '/v2.0')
    found = neutron.get('/networks', params={'name': NETWORK}).json()['networks']
    network = found[0] if found else _create(neutron, 'network', {'name': NETWORK, 'shared': True})
    if neutron.get('/subnets', params={'network_id': network['id']}).json()['subnets']:
        return
    cidr = free_range(layout.port_offset, routed_ranges())
    subnet = {
        'name': NETWORK,
        'network_id': network['id'],
        'ip_version': 4,
        'cidr': str(cidr),
        'enable_dhcp': True,
    }
    _create(neutron, 'subnet', subnet)


def _create(neutron: adapter.Adapter, kind: str, body: dict) -> dict:
    return neutron.post(f'/{kind}s', json={kind: body}).json()[kind]


def routed_ranges(routes: Path = Path('/proc/net/route')) -> list[ipaddress.IPv4Network]:
    """The ranges that this machine has routes to, the default route left out."""
    ranges = []
    for line in routes.read_text().splitlines()[1:]:
        fields = line.split()
        address, mask = (int.from_bytes(bytes.fromhex(fields[column]), 'little') for column in (1, 7))
        if mask:
            ranges.append(ipaddress.IPv4Network((address, mask.bit_count())))
    return ranges


def free_range(port_offset: int, taken: list[ipaddress.IPv4Network]) -> ipaddress.IPv4Network:
    """A /24 for the guests; clouds with different ports try different ranges first."""
    first = 77 + port_offset // 100
    for step in range(256 * 16):
        second, third = divmod(first + step, 256)
        candidate = ipaddress.IPv4Network(f'10.{(20 + second) % 256}.{third}.0/24')
        if not any(candidate.overlaps(other) for other in taken):
            return candidate
    raise Refusal('This machine has routes to all of 10.0.0.0/8: create a network of your own and use that.')


def explain(failure: ksa_errors.ClientException) -> Refusal:
    """A service's refusal while we filled the cloud, in the service's own words."""
    response = getattr(failure, 'response', None)
    said = response.text[:MOST_SAID] if response is not None else ''
    url = getattr(failure, 'url', None) or ''
    return Refusal(f'Filling the cloud failed: {failure} {url} {said}')
