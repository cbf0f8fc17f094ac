"""Guests' TPMs with a real key manager: Barbican keeps their secrets, and castellan brings them to the host."""

import os
import shutil
import time

import pytest
from oslo_config import cfg

from nova import errors
from nova.clients.keys import KeyClient
from nova.standalone import parts, readiness, seed
from nova.standalone.cloud import Cloud
from tests.integration import hosts
from tests.integration.neighbours import NEIGHBOURS, OFFSET, needs_neighbours

PATIENCE = 240
QUIET = open(os.devnull, 'w')  # noqa: SIM115 - as long as the tests run
AWAY = 'The key manager, which keeps the secrets of TPMs, cannot be used just now; try again later.'

pytestmark = [
    pytest.mark.integration,
    needs_neighbours,
    pytest.mark.skipif(hosts.missing() is not None, reason=str(hosts.missing())),
    pytest.mark.skipif(shutil.which('swtpm_setup') is None, reason='swtpm is not installed'),
    pytest.mark.skipif(not (NEIGHBOURS / 'bin' / 'barbican-db-manage').exists(), reason='Barbican is not installed'),
]


def until(holds):
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, 'what was waited for did not come to be'
        time.sleep(0.2)
    return found


class Scene:
    """A cloud with a key manager, and its ordinary user."""

    def __init__(self, cloud):
        self.cloud, self.layout, self.secrets = cloud, cloud.layout, cloud.secrets
        self.nova, self.neutron = (
            self._as('demo', 'demo', 'nova-api', '/v2.1'),
            self._as('demo', 'demo', 'nova-network'),
        )
        self.barbican = self._as('nova', 'service', 'barbican', '/v1')
        self.image = self._as('admin', 'admin', 'glance', '/v2').get('/images').json()['images'][0]['id']
        self.network = self.neutron.get('/v2.0/networks').json()['networks'][0]['id']
        self.admin = admin = self._as('admin', 'admin', 'nova-api', '/v2.1')
        admin.post('/flavors', json={'flavor': {'id': 'tpm', 'name': 'tpm', 'ram': 128, 'disk': 1, 'vcpus': 1}})
        admin.post('/flavors/tpm/os-extra_specs', json={'extra_specs': {'hw:tpm_version': '2.0'}})

    def _as(self, user, project, port, path=''):
        session = seed.login(self.layout, self.secrets, user, project)
        return seed.service(session, self.layout, port, path)

    def kept(self):
        """What the secrets are called that Barbican has."""
        return [secret['name'] for secret in self.barbican.get('/secrets').json()['secrets']]

    def create(self):
        server = {'name': 'x', 'flavorRef': 'tpm', 'imageRef': self.image, 'networks': [{'uuid': self.network}]}
        server_id = self.nova.post('/servers', json={'server': server}).json()['server']['id']
        self.settled(server_id)
        return server_id

    def settled(self, server_id):
        """The server when nothing is done to it any more."""
        path = f'/servers/{server_id}'

        def look():
            server = self.nova.get(path).json()['server']
            return server if server['status'] != 'BUILD' and not server['OS-EXT-STS:task_state'] else None

        return until(look)

    def act(self, server_id, name):
        """The status after it, and what the event of the verb tells administrators went wrong."""
        self.nova.post(f'/servers/{server_id}/action', json={name: None})
        status = self.settled(server_id)['status']
        path, newest = (
            f'/servers/{server_id}/os-instance-actions',
            {'headers': {'OpenStack-API-Version': 'compute 2.96'}},
        )
        request_id = self.admin.get(path, **newest).json()['instanceActions'][0]['request_id']
        events = self.admin.get(f'{path}/{request_id}', **newest).json()['instanceAction']['events']
        return status, [event['details'] for event in events if event.get('details')]

    def words(self, server_id):
        path, body = f'/servers/{server_id}/action', {'os-getConsoleOutput': {}}
        return self.nova.post(path, json=body).json()['output']

    def delete(self, server_id):
        self.nova.delete(f'/servers/{server_id}')
        until(lambda: self.nova.get(f'/servers/{server_id}', raise_exc=False).status_code == 404)

    def left(self, server_id):
        """What the server has left behind."""
        instances = next((self.layout.data('nova')).glob('*/instances'))
        ports = self.neutron.get('/v2.0/ports', params={'device_id': server_id}).json()['ports']
        return [path for path in (server_id,) if (instances / path).exists()] + ports + self.kept()

    def stop_barbican(self):
        self.cloud.supervision.remove(['barbican'])

    def start_barbican(self):
        (part,) = [part for part in parts.chosen(self.layout) if part.name == 'barbican']
        self.cloud.supervision.ensure(part.daemons())
        readiness.wait_for(part.daemons(), self.cloud.supervision, self.layout.log)


@pytest.fixture
def scene(made):
    """A test that fails leaves the next one no servers."""
    yield made
    for server in made.nova.get('/servers').json()['servers']:
        made.delete(server['id'])


@pytest.fixture(scope='module')
def made(tiny, tmp_path_factory):
    choices = {'driver': 'libvirt', 'key_manager': True, 'neighbours': NEIGHBOURS, 'guest_image': tiny}
    cloud = Cloud(tmp_path_factory.mktemp('keys') / 'state', port_offset=OFFSET + 2500, **choices)
    try:
        cloud.up(first_server=False, output=QUIET)
        yield Scene(cloud)
    finally:
        cloud.down(purge=True)


def a_client(scene, **changed):
    """What nova-compute makes of its file."""
    conf = cfg.ConfigOpts()
    (file,) = scene.layout.etc('nova').glob('nova-compute-*.conf')
    conf(['--config-file', str(file)])
    client = KeyClient(conf)
    client._found()
    for name, value in changed.items():
        setattr(client._credential, f'_{name}', value)
    return client


def test_the_service_keeps_secrets_that_others_do_not_see(scene):
    client = a_client(scene)
    key_id = client.store('mine', b'a passphrase')
    assert client.get(key_id) == b'a passphrase'
    assert scene.kept() == ['mine']
    others = scene._as('demo', 'demo', 'barbican', '/v1')
    assert others.get('/secrets').json()['secrets'] == []
    assert others.get(f'/secrets/{key_id}/payload', raise_exc=False).status_code == 403
    for _time in range(2):
        client.delete(key_id)
    with pytest.raises(errors.NotFound):
        client.get(key_id)
    assert scene.kept() == []


def test_a_service_that_is_not_let_in_says_nothing_of_its_password(scene):
    with pytest.raises(errors.Unavailable) as raised:
        a_client(scene, password='wrong').store('mine', b'a passphrase')
    assert str(raised.value) == AWAY


def test_a_guest_has_its_tpm_as_long_as_it_lives(scene):
    server_id = scene.create()
    assert scene.settled(server_id)['status'] == 'ACTIVE'
    assert scene.kept() == [f'TPM of server {server_id}']
    until(lambda: 'GUEST-TPM 2.0' in scene.words(server_id))
    assert scene.act(server_id, 'os-stop')[0] == 'SHUTOFF'
    scene.stop_barbican()
    try:
        assert scene.act(server_id, 'os-start') == ('SHUTOFF', [AWAY])
    finally:
        scene.start_barbican()
    assert scene.act(server_id, 'os-start') == ('ACTIVE', [])
    # Its TPM is the one that it had: another would not open with the same secret, which nobody has renewed.
    until(lambda: 'GUEST-TPM 2.0' in scene.words(server_id))
    assert scene.kept() == [f'TPM of server {server_id}']
    scene.delete(server_id)
    assert scene.left(server_id) == []


def test_without_a_key_manager_a_new_server_ends_in_error_and_leaves_nothing(scene):
    scene.stop_barbican()
    try:
        server_id = scene.create()
        shown = scene.settled(server_id)
    finally:
        scene.start_barbican()
    assert (shown['status'], shown['fault']['message']) == ('ERROR', AWAY)
    assert scene.left(server_id) == []
    scene.delete(server_id)


def test_a_server_that_is_deleted_meanwhile_has_its_secret_deleted_later(scene):
    server_id = scene.create()
    scene.stop_barbican()
    try:
        scene.delete(server_id)
    finally:
        scene.start_barbican()
    assert scene.kept() == [f'TPM of server {server_id}']
    (compute,) = [entry for entry in scene.cloud.supervision.status() if entry['name'] == 'nova-compute']
    # It looks for such secrets when it starts, and then every ten minutes.
    os.kill(compute['pid'], 15)
    until(lambda: scene.kept() == [])
    assert scene.left(server_id) == []
