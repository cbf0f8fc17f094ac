"""Images that are made of servers: once, as backups, and by shelving; and what is left of them when something fails."""

import dataclasses
import datetime

import pytest

from nova import errors
from nova.clients.image import ImageClient
from nova.conductor.reconcilers import shelved_servers
from nova.db.stores import operations, servers
from nova.domain.lifecycle import Power
from nova.domain.snapshot import Quiesce
from nova.virt.fake.driver import FakeDriver
from nova.virt.fake.trouble import FAIL
from tests.functional.client import act
from tests.functional.cloud import CELL_ID, IMAGE_ID


@pytest.fixture
def cloud(make_cloud):
    return make_cloud(host_names=('h1',))


@pytest.fixture
def keeping(cloud):
    """A cloud whose hosts keep what is on disks, and give it to guests that are made of images."""
    cloud.glance.add(b'as it came', id=IMAGE_ID, name='tiny')
    directory = str(cloud.directory / 'h1' / 'disks')
    cloud.stop_host('h1')
    cloud.start_host('h1', FakeDriver('h1', directory=directory, fetch_images=True))
    return cloud


def running(api, **fields):
    server_id = api.create(**fields)
    shown = api.wait(server_id)
    assert shown['status'] == 'ACTIVE', shown.get('fault')
    return server_id


def actions(api, server_id):
    return api.get(f'/servers/{server_id}/os-instance-actions', '2.93')['instanceActions']


def own_images(cloud):
    """All images but the one that servers are made from."""
    return {image_id: image for image_id, image in cloud.glance.images.items() if image_id != IMAGE_ID}


def driver_of(cloud, host='h1'):
    return cloud.hosts[host].driver


def guests_of(cloud):
    return {name: [seen.id for seen in host.driver.list()] for name, host in cloud.hosts.items()}


class TestImages:
    @pytest.mark.parametrize(
        ('before', 'status'),
        [((), 'ACTIVE'), (('os-stop',), 'SHUTOFF'), (('pause',), 'PAUSED'), (('suspend',), 'SUSPENDED')],
    )
    def test_an_image_has_what_is_on_the_disk_and_leaves_the_server_as_it_was(self, cloud, before, status):
        api = cloud.api()
        server_id = running(api)
        for verb in before:
            act(api, server_id, verb)
            api.wait(server_id)
        driver_of(cloud).write_disk(server_id, 'what I keep')
        image_id = act(api, server_id, 'createImage', {'name': 'mine', 'metadata': {'colour': 'blue'}})['image_id']
        assert api.wait(server_id)['status'] == status
        image = cloud.glance.images[image_id]
        facts = ('name', 'status', 'disk_format', 'container_format', 'image_type', 'colour', 'owner', 'visibility')
        assert [image[name] for name in facts] == [
            'mine', 'active', 'raw', 'bare', 'snapshot', 'blue', 'demo', 'private'
        ]  # fmt: skip
        assert cloud.glance.data[image_id] == b'what I keep'
        assert driver_of(cloud).snapshots() == []
        assert actions(api, server_id)[0]['action'] == 'createImage'

    def test_it_shows_how_far_it_is(self, cloud):
        api = cloud.api()
        server_id = running(api)
        with cloud.paused(driver_of(cloud), 'take_snapshot') as gate:
            image_id = act(api, server_id, 'createImage', {'name': 'mine'})['image_id']
            gate.wait()
            assert api.server(server_id)['OS-EXT-STS:task_state'] == 'image_snapshot'
            assert cloud.glance.images[image_id]['status'] == 'queued'
            message = f"Cannot 'createImage' instance {server_id} while it is in task_state image_snapshot"
            asked = {'createImage': {'name': 'another'}}
            assert api.fault('POST', f'/servers/{server_id}/action', asked) == (409, message)
            assert list(own_images(cloud)) == [image_id]
        api.wait(server_id)
        with cloud.paused(driver_of(cloud), 'snapshot_file') as gate:
            act(api, server_id, 'createImage', {'name': 'mine'})
            gate.wait()
            assert api.server(server_id)['OS-EXT-STS:task_state'] == 'image_uploading'
        assert api.wait(server_id)['OS-EXT-STS:task_state'] is None

    @pytest.mark.parametrize(
        ('properties', 'asked'),
        [
            ({}, Quiesce.NO),
            ({'hw_qemu_guest_agent': 'yes'}, Quiesce.TRY),
            ({'hw_qemu_guest_agent': 'yes', 'os_require_quiesce': 'yes'}, Quiesce.REQUIRE),
        ],
    )
    def test_the_image_says_whether_the_guest_is_quiesced(self, cloud, properties, asked):
        cloud.glance.images[IMAGE_ID] |= properties
        api = cloud.api()
        server_id = running(api)
        act(api, server_id, 'createImage', {'name': 'mine'})
        api.wait(server_id)
        assert driver_of(cloud).quiesced[server_id] is asked

    def test_a_failure_leaves_no_image(self, cloud):
        api = cloud.api()
        server_id = running(api, metadata={FAIL: 'take_snapshot'})
        act(api, server_id, 'createImage', {'name': 'mine'})
        assert api.wait(server_id)['status'] == 'ACTIVE'
        assert (own_images(cloud), driver_of(cloud).snapshots()) == ({}, [])
        assert actions(api, server_id)[0]['message'] == 'Error'

    def test_an_upload_that_is_cut_off_is_made_again(self, cloud):
        api = cloud.api()
        server_id = running(api)
        cloud.glance.cuts_uploads = True
        image_id = act(api, server_id, 'createImage', {'name': 'mine'})['image_id']
        tries = rf'/v2/images/{image_id}/file'
        cloud.until(lambda: cloud.glance.count(tries) > 1)
        assert cloud.glance.images[image_id]['status'] == 'queued'
        cloud.glance.cuts_uploads = False
        api.wait(server_id)
        assert cloud.glance.images[image_id]['status'] == 'active'
        assert driver_of(cloud).snapshots() == []

    def test_an_image_that_its_user_deletes_meanwhile_stays_deleted(self, cloud):
        api = cloud.api()
        server_id = running(api)
        with cloud.paused(driver_of(cloud), 'take_snapshot') as gate:
            image_id = act(api, server_id, 'createImage', {'name': 'mine'})['image_id']
            gate.wait()
            del cloud.glance.images[image_id]
        assert api.wait(server_id)['status'] == 'ACTIVE'
        assert (own_images(cloud), driver_of(cloud).snapshots()) == ({}, [])
        assert actions(api, server_id)[0]['message'] == 'Error'

    @pytest.mark.parametrize('method', ['take_snapshot', 'snapshot_file'])
    def test_a_server_that_is_deleted_meanwhile_takes_its_image_along(self, cloud, method):
        api = cloud.api()
        server_id = running(api)
        with cloud.paused(driver_of(cloud), method) as gate:
            act(api, server_id, 'createImage', {'name': 'mine'})
            gate.wait()
            api.delete(f'/servers/{server_id}')
        assert api.wait(server_id) is None
        assert (own_images(cloud), driver_of(cloud).snapshots()) == ({}, [])
        assert cloud.left() == {}

    def test_a_conductor_that_dies_meanwhile_is_replaced(self, cloud):
        api = cloud.api()
        server_id = running(api)
        with cloud.paused(driver_of(cloud), 'snapshot_file') as gate:
            image_id = act(api, server_id, 'createImage', {'name': 'mine'})['image_id']
            gate.wait()
            cloud.kill_conductor()
            cloud.start_conductor()
        assert api.wait(server_id)['status'] == 'ACTIVE'
        assert cloud.glance.images[image_id]['status'] == 'active'

    def test_a_host_that_starts_anew_keeps_nothing_half_made(self, cloud):
        api = cloud.api()
        server_id = running(api)
        driver_of(cloud).take_snapshot(server_id, 'half', Quiesce.NO)
        cloud.restart_host('h1')
        assert driver_of(cloud).snapshots() == []

    def test_an_image_is_made_of_a_locked_server(self, cloud):
        api = cloud.api()
        server_id = running(api)
        act(api, server_id, 'lock')
        image_id = act(api, server_id, 'createImage', {'name': 'mine'})['image_id']
        api.wait(server_id)
        assert cloud.glance.images[image_id]['status'] == 'active'


class TestBackups:
    def back_up(self, api, server_id, name, rotation, kind='daily'):
        body = {'name': name, 'backup_type': kind, 'rotation': rotation}
        answer = act(api, server_id, 'createBackup', body)
        api.wait(server_id)
        return answer

    def names(self, cloud):
        return sorted(image['name'] for image in own_images(cloud).values())

    def test_the_newest_of_each_type_are_kept(self, cloud):
        api = cloud.api()
        server_id, other_id = running(api), running(api)
        self.back_up(api, other_id, 'of another', 1)
        self.back_up(api, server_id, 'weekly', 1, 'weekly')
        act(api, server_id, 'createImage', {'name': 'no backup'})
        api.wait(server_id)
        for number in range(5):
            self.back_up(api, server_id, f'daily-{number}', 5)
        self.back_up(api, server_id, 'daily-5', 2)
        assert self.names(cloud) == ['daily-4', 'daily-5', 'no backup', 'of another', 'weekly']
        assert self.back_up(api, server_id, 'none', 0) is None
        assert self.names(cloud) == ['no backup', 'of another', 'weekly']

    def test_a_backup_that_fails_costs_no_earlier_one(self, cloud):
        api = cloud.api()
        server_id = running(api)
        self.back_up(api, server_id, 'first', 1)
        driver_of(cloud).take_snapshot = fail
        self.back_up(api, server_id, 'second', 1)
        assert self.names(cloud) == ['first']

    def test_a_protected_backup_stays(self, cloud):
        api = cloud.api()
        server_id = running(api)
        first = self.back_up(api, server_id, 'first', 1)['image_id']
        cloud.glance.images[first]['protected'] = True
        self.back_up(api, server_id, 'second', 1)
        assert self.names(cloud) == ['first', 'second']


def fail(*_arguments, **_options):
    raise errors.HostFailed('The disk is full.')


class TestShelving:
    def shelve(self, cloud, api, **fields):
        server_id = running(api, **fields)
        driver_of(cloud).write_disk(server_id, 'my data')
        act(api, server_id, 'shelve')
        return server_id, api.wait(server_id)

    def test_a_shelved_server_has_nothing_on_any_host_and_comes_back_with_its_disk(self, keeping):
        cloud, api = keeping, keeping.api()
        network = cloud.network.add_network('demo')
        server_id, shown = self.shelve(cloud, api, networks=[{'uuid': network.id}])
        assert (shown['status'], shown['OS-EXT-STS:power_state'], shown['hostId']) == ('SHELVED_OFFLOADED', 4, '')
        ((image_id, image),) = own_images(cloud).items()
        assert (image['name'], image['status'], cloud.glance.data[image_id]) == ('web-shelved', 'active', b'my data')
        assert guests_of(cloud) == {'h1': []}
        assert cloud.placement.consumers == {}
        (port,) = cloud.network.ports.values()
        assert (port.server_id, port.host) == (server_id, '')

        act(api, server_id, 'unshelve')
        shown = api.wait(server_id)
        assert (shown['status'], shown['OS-EXT-STS:power_state']) == ('ACTIVE', 1)
        assert driver_of(cloud).read_disk(server_id) == 'my data'
        assert own_images(cloud) == {}
        assert (port.server_id, port.host) == (server_id, 'h1')
        assert list(cloud.placement.consumers) == [server_id]
        with cloud.databases.own.reading() as tx:
            assert servers.get(tx, server_id).system_metadata == {}
        assert [one['action'] for one in actions(api, server_id)] == ['unshelve', 'shelveOffload', 'shelve', 'create']
        api.delete(f'/servers/{server_id}')
        assert api.wait(server_id) is None
        assert cloud.left() == {}

    def test_it_may_stay_on_its_host_and_be_switched_on_there(self, keeping):
        cloud, api = keeping, keeping.api()
        self.keep_on_host(cloud)
        server_id, shown = self.shelve(cloud, api)
        assert shown['status'] == 'SHELVED'
        assert driver_of(cloud).observe(server_id).power is Power.SHUTDOWN
        with cloud.databases.own.reading() as tx:
            kept = servers.get(tx, server_id).system_metadata
        assert kept['shelved_host'] == 'h1'
        assert kept['shelved_image_id'] in own_images(cloud)
        assert datetime.datetime.fromisoformat(kept['shelved_at']).tzinfo
        code, message = api.fault(
            'POST', f'/servers/{server_id}/action', {'unshelve': {'availability_zone': 'nova'}}, '2.77'
        )
        assert (code, 'SHELVED_OFFLOADED' in message) == (409, True)
        act(api, server_id, 'unshelve')
        assert api.wait(server_id)['status'] == 'ACTIVE'
        assert driver_of(cloud).read_disk(server_id) == 'my data'
        assert own_images(cloud) == {}

    @pytest.mark.parametrize('back', ['restore', 'reset'])
    def test_however_it_stops_being_shelved_its_image_goes(self, make_cloud, back):
        cloud = make_cloud(host_names=('h1',), reclaim_interval=3600)
        cloud.glance.add(b'as it came', id=IMAGE_ID, name='tiny')
        api = cloud.api()
        self.keep_on_host(cloud)
        server_id = running(api)
        act(api, server_id, 'shelve')
        assert api.wait(server_id)['status'] == 'SHELVED'
        if back == 'restore':
            api.delete(f'/servers/{server_id}')
            assert api.wait(server_id)['status'] == 'SOFT_DELETED'
            act(api, server_id, 'restore')
            assert api.wait(server_id)['status'] == 'ACTIVE'
            assert own_images(cloud) == {}
            with cloud.databases.own.reading() as tx:
                assert servers.get(tx, server_id).system_metadata == {}
        else:
            act(cloud.api('admin'), server_id, 'os-resetState', {'state': 'active'})
            assert api.wait(server_id)['status'] == 'ACTIVE'
        act(api, server_id, 'shelve')
        assert api.wait(server_id)['status'] == 'SHELVED'
        assert len(own_images(cloud)) == 1

    def test_an_image_that_glance_does_not_remove_goes_with_its_server(self, keeping, monkeypatch):
        cloud, api = keeping, keeping.api()
        server_id, _shown = self.shelve(cloud, api)
        (image_id,) = own_images(cloud)
        with monkeypatch.context() as patch:
            patch.setattr(ImageClient, 'remove', self.unwell)
            act(api, server_id, 'unshelve')
            assert api.wait(server_id)['status'] == 'ACTIVE'
        assert list(own_images(cloud)) == [image_id]
        api.delete(f'/servers/{server_id}')
        assert api.wait(server_id) is None
        assert own_images(cloud) == {}

    @staticmethod
    def unwell(_client, image_id):
        raise errors.ServiceDown(f'Glance is not well: it answered 500 to DELETE /v2/images/{image_id}.')

    def test_a_guest_that_got_lost_on_its_host_is_made_of_the_shelved_image(self, keeping):
        cloud, api = keeping, keeping.api()
        self.keep_on_host(cloud)
        server_id, _shown = self.shelve(cloud, api)
        driver_of(cloud).remove(server_id, None)
        act(api, server_id, 'unshelve')
        assert api.wait(server_id)['status'] == 'ACTIVE'
        assert driver_of(cloud).read_disk(server_id) == 'my data'

    def test_an_administrator_takes_it_off_its_host(self, cloud):
        api = cloud.api()
        self.keep_on_host(cloud)
        server_id, _shown = self.shelve(cloud, api)
        act(cloud.api('admin'), server_id, 'shelveOffload')
        assert api.wait(server_id)['status'] == 'SHELVED_OFFLOADED'
        assert guests_of(cloud) == {'h1': []}

    def test_it_leaves_its_host_when_its_time_there_is_over(self, cloud):
        api = cloud.api()
        self.keep_on_host(cloud, seconds=1000)
        server_id, shown = self.shelve(cloud, api)
        assert shown['status'] == 'SHELVED'
        shelved_servers.repair(cloud.means)
        assert api.wait(server_id)['status'] == 'SHELVED'
        later = cloud.means.now() + datetime.timedelta(seconds=1001)
        shelved_servers.repair(_at(cloud.means, later))
        assert api.wait(server_id)['status'] == 'SHELVED_OFFLOADED'

    @pytest.mark.parametrize(('before', 'status'), [((), 'ACTIVE'), (('os-stop',), 'SHUTOFF'), (('pause',), 'PAUSED')])
    def test_shelving_that_fails_leaves_the_server_as_it_was(self, cloud, before, status):
        api = cloud.api()
        server_id = running(api)
        for verb in before:
            act(api, server_id, verb)
            api.wait(server_id)
        power = driver_of(cloud).observe(server_id).power
        driver_of(cloud).take_snapshot = fail
        act(api, server_id, 'shelve')
        assert api.wait(server_id)['status'] == status
        assert driver_of(cloud).observe(server_id).power is power
        assert own_images(cloud) == {}

    def test_a_server_for_which_there_is_no_room_stays_shelved(self, cloud):
        api = cloud.api()
        server_id, _shown = self.shelve(cloud, api)
        cloud.placement.away = False
        with cloud.databases.own.reading() as tx:
            flavor = servers.get(tx, server_id).flavor
        with cloud.databases.own.writing() as tx:
            servers.change(tx, server_id, flavor=dataclasses.replace(flavor, vcpus=100_000))
        act(api, server_id, 'unshelve')
        assert api.wait(server_id)['status'] == 'SHELVED_OFFLOADED'
        assert len(own_images(cloud)) == 1
        assert actions(api, server_id)[0]['message'] == 'Error'
        assert cloud.placement.consumers == {}

    def test_a_host_that_cannot_take_it_back_has_nothing_of_it(self, cloud):
        api = cloud.api()
        server_id, _shown = self.shelve(cloud, api)
        cloud.add_host('h2')
        driver_of(cloud, 'h1').ensure = driver_of(cloud, 'h2').ensure = fail
        act(api, server_id, 'unshelve')
        shown = api.wait(server_id)
        assert (shown['status'], shown['hostId']) == ('SHELVED_OFFLOADED', '')
        assert (len(own_images(cloud)), cloud.placement.consumers) == (1, {})
        del driver_of(cloud, 'h2').ensure
        act(api, server_id, 'unshelve')
        assert api.wait(server_id)['status'] == 'ACTIVE'
        assert guests_of(cloud) == {'h1': [], 'h2': [server_id]}

    def test_it_comes_back_where_it_is_wanted(self, cloud):
        api, admin = cloud.api(), cloud.api('admin')
        server_id, _shown = self.shelve(cloud, api)
        cloud.add_host('h2')
        act(admin, server_id, 'unshelve', {'host': 'h2'})
        assert api.wait(server_id)['status'] == 'ACTIVE'
        assert guests_of(cloud) == {'h1': [], 'h2': [server_id]}

    @pytest.mark.parametrize(('where', 'pinned'), [({'availability_zone': 'nova'}, 'nova'), (None, None)])
    def test_a_zone_that_is_named_is_where_it_stays_from_then_on(self, cloud, where, pinned):
        api = cloud.api()
        server_id, _shown = self.shelve(cloud, api)
        act(api, server_id, 'unshelve', where)
        assert api.wait(server_id)['OS-EXT-AZ:availability_zone'] == 'nova'
        with cloud.databases.own.reading() as tx:
            assert servers.get(tx, server_id).pinned_availability_zone == pinned

    @pytest.mark.parametrize('offload', [0, -1])
    def test_a_shelved_server_that_is_deleted_takes_its_image_along(self, cloud, offload):
        api = cloud.api()
        self.keep_on_host(cloud, seconds=offload)
        server_id, _shown = self.shelve(cloud, api)
        api.delete(f'/servers/{server_id}')
        assert api.wait(server_id) is None
        assert own_images(cloud) == {}
        assert cloud.left() == {}

    @pytest.mark.parametrize('method', ['stop', 'take_snapshot', 'snapshot_file', 'remove'])
    def test_a_delete_wins_over_shelving(self, cloud, method):
        api = cloud.api()
        server_id = running(api)
        with cloud.paused(driver_of(cloud), method) as gate:
            act(api, server_id, 'shelve')
            gate.wait()
            api.delete(f'/servers/{server_id}')
        assert api.wait(server_id) is None
        cloud.settle()
        assert own_images(cloud) == {}
        assert cloud.left() == {}

    def test_a_delete_wins_over_unshelving(self, cloud):
        api = cloud.api()
        server_id, _shown = self.shelve(cloud, api)
        with cloud.paused(driver_of(cloud), 'ensure') as gate:
            act(api, server_id, 'unshelve')
            gate.wait()
            api.delete(f'/servers/{server_id}')
        assert api.wait(server_id) is None
        assert own_images(cloud) == {}
        assert cloud.left() == {}

    def keep_on_host(self, cloud, seconds=-1):
        """Shelved servers stay on their hosts for so long."""
        for service, _life in cloud.conductors:
            service._cloud = dataclasses.replace(service._cloud, shelved_offload_time=seconds)
            service._runner._cloud = service._cloud


def _at(means, moment):
    """What a conductor works with, at another time."""
    kind = type('Later', (type(means),), {'now': lambda _self: moment})
    return kind(**{field.name: getattr(means, field.name) for field in dataclasses.fields(means)})


class TestPasswords:
    def test_a_password_is_changed_and_kept_nowhere(self, cloud):
        api = cloud.api()
        server_id = running(api)
        with cloud.paused(driver_of(cloud), 'set_password') as gate:
            act(api, server_id, 'changePassword', {'adminPass': 'a new secret'})
            gate.wait()
            shown = api.server(server_id)
            assert (shown['status'], shown['OS-EXT-STS:task_state']) == ('PASSWORD', 'updating_password')
        assert api.wait(server_id)['status'] == 'ACTIVE'
        assert driver_of(cloud).passwords == {server_id: ('root', 'a new secret')}
        with cloud.databases.cell(CELL_ID).reading() as tx:
            assert 'a new secret' not in repr(operations.of_server(tx, server_id))

    def test_a_guest_that_does_not_take_it_goes_on_as_before(self, cloud):
        api = cloud.api()
        server_id = running(api, metadata={FAIL: 'set_password'})
        act(api, server_id, 'changePassword', {'adminPass': 'a new secret'})
        assert api.wait(server_id)['status'] == 'ACTIVE'
        assert actions(api, server_id)[0]['message'] == 'Error'
        with cloud.databases.cell(CELL_ID).reading() as tx:
            assert 'a new secret' not in repr(operations.of_server(tx, server_id))

    def test_a_guest_that_does_not_run_is_refused_at_once(self, cloud):
        api = cloud.api()
        server_id = running(api)
        driver_of(cloud).stop(server_id, 0)
        asked = {'changePassword': {'adminPass': 'x'}}
        code, message = api.fault('POST', f'/servers/{server_id}/action', asked)
        assert (code, 'does not run' in message) == (409, True)
