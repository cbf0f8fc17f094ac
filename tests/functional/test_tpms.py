"""Servers with TPMs: their secrets in the key manager, and what happens while that is away."""

import os

import pytest

from nova.virt.fake.trouble import FAIL
from tests.fakes.keys import FakeKeys
from tests.functional.client import IMAGE_ID, body_of

AWAY = 'The key manager, which keeps the secrets of TPMs, cannot be used just now; try again later.'


@pytest.fixture
def cloud(make_cloud):
    """The cloud's first host has no TPMs, the second one has."""
    made = make_cloud(host_names=('h1',))
    made.keys = FakeKeys()
    made.add_host('h2')
    made.glance.add(b'tiny', id=IMAGE_ID, name='tiny')
    return made


@pytest.fixture
def flavor(cloud):
    """Makes flavors with a TPM of a version; their ids."""

    def make(version='2.0'):
        admin, ident = cloud.api('admin'), f'tpm-{version}'
        admin.post('/flavors', {'flavor': {'name': ident, 'id': ident, 'ram': 128, 'vcpus': 1, 'disk': 1}}, '2.90', 200)
        admin.post(f'/flavors/{ident}/os-extra_specs', {'extra_specs': {'hw:tpm_version': version}}, '2.86', 200)
        return ident

    return make


@pytest.fixture
def scene(cloud, flavor):
    return Scene(cloud, flavor())


class Scene:
    """One server with a TPM."""

    def __init__(self, cloud, flavor):
        self.cloud, self.api, self.keys, self.flavor = cloud, cloud.api(), cloud.keys, flavor
        self.server_id = None

    @property
    def driver(self):
        return self.cloud.hosts['h2'].driver

    def create(self, **fields):
        self.server_id = self.api.create(flavorRef=self.flavor, **fields)
        return self.api.wait(self.server_id)

    def act(self, name, arguments=None, status=202):
        self.api.post(f'/servers/{self.server_id}/action', {name: arguments}, '2.96', status)
        self.cloud.settle()
        return self.api.server(self.server_id)['status']

    def delete(self):
        self.api.delete(f'/servers/{self.server_id}')
        assert self.api.wait(self.server_id) is None

    def failure(self):
        """Why the last verb failed, in the words of its events; empty if it did not."""
        path, admin = f'/servers/{self.server_id}/os-instance-actions', self.cloud.api('admin')
        newest = admin.get(path, '2.96')['instanceActions'][0]['request_id']
        events = admin.get(f'{path}/{newest}', '2.96')['instanceAction']['events']
        return ' '.join(event['traceback'] for event in events if event['traceback'])

    def restart(self):
        """The host anew, of which no guest runs on and no secret is held."""
        self.driver.change_by_itself(self.server_id, self.driver.stop(self.server_id, 0))
        self.cloud.restart_host('h2')

    def to_delete(self):
        place = self.cloud.directory / 'h2' / 'secrets-to-delete'
        return os.listdir(place) if place.exists() else []


def test_the_secret_lives_as_long_as_the_server(scene):
    assert scene.create()['status'] == 'ACTIVE'
    assert scene.cloud.api('admin').server(scene.server_id)['OS-EXT-SRV-ATTR:host'] == 'h2'
    assert scene.keys.names() == [f'TPM of server {scene.server_id}']
    scene.delete()
    assert scene.keys.kept == {}
    assert scene.cloud.left() == {}


@pytest.mark.parametrize(
    ('there', 'back'),
    [
        (('os-stop',), ('os-start',)),
        (('suspend',), ('resume',)),
        (('rescue', None, 200), ('unrescue',)),
        (('reboot', {'type': 'HARD'}), ('reboot', {'type': 'SOFT'})),
        (('rebuild', {'imageRef': IMAGE_ID}), ('os-stop',)),
    ],
    ids=lambda verb: verb[0],
)
def test_each_start_reads_it_again_and_none_makes_another(scene, there, back):
    scene.create()
    read, kept = scene.keys.read, dict(scene.keys.kept)
    scene.act(*there)
    scene.act(*back)
    assert scene.failure() == ''
    assert scene.keys.read > read
    assert scene.keys.kept == kept
    scene.delete()
    assert scene.keys.kept == {}
    assert scene.cloud.left() == {}


def test_a_new_server_without_a_key_manager_ends_in_error_and_leaves_nothing(scene):
    scene.keys.away = True
    shown = scene.create()
    assert (shown['status'], shown['fault']['message']) == ('ERROR', AWAY)
    assert scene.driver.leftovers() == ()
    scene.delete()
    assert scene.cloud.left() == {}
    scene.keys.away = False
    assert scene.create()['status'] == 'ACTIVE'


def test_a_guest_that_cannot_be_made_leaves_no_secret(scene):
    assert scene.create(metadata={FAIL: 'ensure'})['status'] == 'ERROR'
    assert scene.keys.kept == {}
    assert scene.driver.leftovers() == ()


@pytest.mark.parametrize(
    ('before', 'verb', 'status'),
    [
        (('os-stop',), ('os-start',), 'SHUTOFF'),
        (('suspend',), ('resume',), 'SUSPENDED'),
        ((), ('reboot', {'type': 'SOFT'}), 'ACTIVE'),
        ((), ('rescue', None, 200), 'ACTIVE'),
        (('rescue', None, 200), ('unrescue',), 'RESCUE'),
    ],
    ids=lambda verb: verb if isinstance(verb, str) else verb[0] if verb else 'running',
)
def test_what_needs_the_secret_turns_back_while_the_key_manager_is_away(scene, before, verb, status):
    scene.create()
    if before:
        scene.act(*before)
    power = scene.driver.observe(scene.server_id).power
    scene.keys.away = True
    assert scene.act(*verb) == status
    assert AWAY in scene.failure()
    # What ran runs on: the secret is asked for before anything is stopped.
    assert scene.driver.observe(scene.server_id).power is power
    scene.keys.away = False
    scene.act(*verb)
    assert scene.failure() == ''


def test_a_secret_that_is_lost_keeps_the_server_off(scene):
    scene.create()
    scene.act('os-stop')
    scene.keys.kept.clear()
    assert scene.act('os-start') == 'SHUTOFF'
    assert 'not in the key manager any more' in scene.failure()
    scene.delete()
    assert scene.cloud.left() == {}


def test_a_host_that_went_down_unlocks_again(scene):
    scene.create()
    scene.restart()
    scene.cloud.until(lambda: scene.api.server(scene.server_id)['status'] == 'SHUTOFF')
    assert scene.act('os-start') == 'ACTIVE'


def test_a_server_is_deleted_while_the_key_manager_is_away_and_its_secret_later(scene):
    scene.create()
    scene.keys.away = True
    scene.delete()
    assert scene.cloud.left() == {}
    assert len(scene.keys.kept) == len(scene.to_delete()) == 1
    scene.keys.away = False
    scene.cloud.restart_host('h2')
    scene.cloud.until(lambda: not scene.to_delete())
    assert scene.keys.kept == {}


def test_a_server_with_a_tpm_is_not_shelved(scene):
    scene.create()
    answer = scene.api.fault('POST', f'/servers/{scene.server_id}/action', {'shelve': None}, '2.96')
    assert answer[0] == 409
    assert 'it cannot be shelved' in answer[1]


def test_a_resize_keeps_the_version(scene, flavor):
    scene.create()
    resize = {'resize': {'flavorRef': flavor('1.2')}}
    status, message = scene.api.fault('POST', f'/servers/{scene.server_id}/action', resize, '2.96')
    assert (status, 'TPM of the version 2.0' in message) == (400, True)


@pytest.mark.parametrize(('security', 'status'), [('deployment', 'ACTIVE'), ('user', 'ERROR'), ('host', 'ERROR')])
def test_secrets_are_the_services_own(scene, security, status):
    specs = {'extra_specs': {'hw:tpm_secret_security': security}}
    scene.cloud.api('admin').post(f'/flavors/{scene.flavor}/os-extra_specs', specs, '2.86', 200)
    scene.server_id = scene.api.post('/servers', body_of(flavorRef=scene.flavor), '2.37')['server']['id']
    assert scene.api.wait(scene.server_id)['status'] == status
