"""A real host whose libvirtd or nova-compute goes away in the middle of verbs: each ends or is undone, and leaves nothing."""

import os
import signal
import time

import pytest

from nova.standalone.cloud import Cloud
from nova.standalone.parts.libvirt import Libvirt
from tests.integration import hosts
from tests.integration.neighbours import NEIGHBOURS, OFFSET, needs_neighbours
from tests.integration.real_guests import NEEDS_A_HOST
from tools.trials.left_behind import left_behind
from tools.trials.site import Site

pytestmark = [
    *NEEDS_A_HOST,
    needs_neighbours,
    # The first of them waits for a whole cloud, too.
    pytest.mark.timeout(900),
]

# Emulated guests boot in seconds on an idle machine, and take their time on a busy one.
PATIENCE = 240
SNAPSHOT = ('image_snapshot', 'image_pending_upload', 'image_uploading')
DISABLED = 'COMPUTE_STATUS_DISABLED'
HAS_TRAIT = """
    SELECT count(*) FROM resource_provider_traits JOIN traits ON traits.id = resource_provider_traits.trait_id
    WHERE traits.name = ?
"""


class Host(Site):
    """The only host of a cloud, and what its users ask."""

    def create(self, name):
        server = {
            'name': name,
            'flavorRef': self.choices.flavors['m1.nano'],
            'imageRef': self.choices.image,
            'networks': 'auto',
        }
        status, content = self.ask('POST', '/servers', {'server': server})
        assert status == 202, content
        return content['server']['id']

    def do(self, server_id, **action):
        status, content = self.ask('POST', f'/servers/{server_id}/action', action)
        assert status in (200, 202), content

    def rest(self, server_id):
        """The server when nothing is done to it any more."""

        def shown():
            server = self.server(server_id)
            at_rest = server['status'] != 'BUILD' and server['OS-EXT-STS:task_state'] is None
            return at_rest and not self.unfinished(server_id) and server

        return until(shown, lambda: self.server(server_id))

    def is_doing(self, server_id, *activities):
        until(lambda: self.server(server_id)['OS-EXT-STS:task_state'] in activities, lambda: self.server(server_id))

    def boots(self, server_id):
        """Wait until the guest's system listens."""

        def words():
            _status, content = self.ask('POST', f'/servers/{server_id}/action', {'os-getConsoleOutput': {}})
            return 'GUEST-READY' in content['output']

        until(words, lambda: 'the guest does not boot')

    def last_ended(self, server_id):
        return self.newest(server_id)[1]

    @property
    def service(self):
        return self.ask('GET', '/os-services?binary=nova-compute')[1]['services'][0]

    @property
    def is_shut_in_placement(self):
        return bool(self.read('placement', HAS_TRAIT, DISABLED, service='placement')[0][0])

    def pid(self, daemon):
        return next(entry['pid'] for entry in self.cloud.supervision.status() if entry['name'] == daemon)

    def kill(self, daemon):
        """As a crash would; its supervisor starts it anew."""
        pid = self.pid(daemon)
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.pid(daemon) not in (None, pid), lambda: f'{daemon} was not started again')

    def nothing_is_left(self):
        until(lambda: not list(left_behind(self)), lambda: list(left_behind(self)))


def until(holds, what):
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)
    return found


@pytest.fixture(scope='module')
def host(request, tmp_path_factory):
    image = hosts.guest_image(request.config.cache.mkdir('guest-image'))
    cloud = Cloud(
        tmp_path_factory.mktemp('host-faults') / 'state',
        port_offset=OFFSET + 1500,
        driver='libvirt',
        neighbours=NEIGHBOURS,
        guest_image=image,
    )
    try:
        cloud.up(first_server=False)
        yield Host(cloud)
    finally:
        cloud.down(purge=True)


@pytest.fixture(scope='module')
def pair(host):
    """Two servers whose guests have booted."""
    made = [host.create('one'), host.create('other')]
    for server_id in made:
        assert host.rest(server_id)['status'] == 'ACTIVE'
        host.boots(server_id)
    return made


def test_a_host_without_libvirtd_says_so_and_goes_on_when_it_is_back(host, pair):
    one, other = pair
    daemons = Libvirt(host.cloud.layout, host.cloud.secrets).daemons()
    host.do(one, createImage={'name': 'kept-one'})
    host.is_doing(one, *SNAPSHOT)
    host.cloud.supervision.remove(['libvirtd'])
    until(lambda: host.service['status'] == 'disabled' and host.is_shut_in_placement, lambda: host.service)
    assert host.service['disabled_reason'].startswith('AUTO: libvirt at ')
    assert host.rest(host.create('unlucky'))['fault']['message'] == 'No valid host was found.'
    host.do(other, **{'os-stop': None})
    host.is_doing(other, 'powering-off')

    host.cloud.supervision.ensure([daemon for daemon in daemons if daemon.name == 'libvirtd'])
    until(lambda: host.service['status'] == 'enabled' and not host.is_shut_in_placement, lambda: host.service)
    assert host.service['disabled_reason'] is None
    assert (host.rest(other)['status'], host.last_ended(other)) == ('SHUTOFF', 'done')
    # Its image is whole, or not there.
    assert host.rest(one)['status'] == 'ACTIVE'
    host.nothing_is_left()


def test_a_libvirtd_that_crashes_in_the_middle_of_verbs_does_not_hinder_them(host, pair):
    one, other = pair
    host.do(one, rebuild={'imageRef': host.choices.image})
    host.do(other, **{'os-start': None})
    host.is_doing(one, 'rebuilding', 'rebuild_block_device_mapping', 'rebuild_spawning')
    host.kill('libvirtd')
    for server_id in pair:
        assert (host.rest(server_id)['status'], host.last_ended(server_id)) == ('ACTIVE', 'done')
    host.nothing_is_left()


def test_what_nova_compute_was_doing_when_it_was_killed_is_ended_by_the_next_one(host, pair):
    one, other = pair
    host.do(one, **{'os-stop': None})
    host.do(other, createImage={'name': 'kept-other'})
    host.is_doing(one, 'powering-off')
    host.is_doing(other, *SNAPSHOT)
    host.kill('nova-compute')
    assert (host.rest(one)['status'], host.last_ended(one)) == ('SHUTOFF', 'done')
    assert (host.rest(other)['status'], host.last_ended(other)) == ('ACTIVE', 'done')

    host.do(one, rebuild={'imageRef': host.choices.image})
    host.do(other, resize={'flavorRef': host.choices.flavors['m1.micro']})
    host.is_doing(other, 'resize_migrating', 'resize_migrated', 'resize_finish')
    host.kill('nova-compute')
    assert (host.rest(one)['status'], host.last_ended(one)) == ('SHUTOFF', 'done')
    assert (host.rest(other)['status'], host.last_ended(other)) == ('VERIFY_RESIZE', 'done')
    host.nothing_is_left()
    for server_id in pair:
        host.ask('DELETE', f'/servers/{server_id}')
    until(lambda: not {server['id'] for server in host.servers()} & set(pair), host.servers)
    host.nothing_is_left()
