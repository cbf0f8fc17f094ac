"""The compute service: guests, its endpoint, and its life."""

import dataclasses
import json
import threading

import pytest

from nova import errors
from nova.clients.image import ImageClient
from nova.clients.placement import PlacementClient
from nova.compute.guests import ConfigDrives, Guests
from nova.compute.images import ImageCache
from nova.compute.inventory import Reporter, Share
from nova.compute.service import ComputeService
from nova.context import admin_context
from nova.domain.lifecycle import Power
from nova.rpc.compute import Compute
from nova.rpc.contract import refuse_mismatch
from nova.virt.fake.driver import FakeDriver
from tests.fakes.guests import a_guest
from tests.fakes.image import FakeGlance
from tests.fakes.placement import FakePlacement

CONTEXT = admin_context()


class Conductor:
    """Keeps what it is told, and expects what it is given."""

    def __init__(self):
        self.changes, self.expected, self.reports = [], {}, []

    def guest_changed(self, context, host, server_id, power):
        self.changes.append((host, server_id, power))

    def guests_expected(self, context, host):
        return self.expected

    def report_host(self, context, report):
        self.reports.append(report)

    def host_alive(self, context, host, node_id):
        pass


class Bus:
    """A bus that takes connections when told to, and says what is served."""

    def __init__(self):
        self.away, self.served, self.closed = False, [], False

    def check(self):
        if self.away:
            raise errors.ServiceDown('The message bus does not answer.')

    def serve(self, kind, endpoint, host):
        refuse_mismatch(kind, endpoint)
        self.served.append((kind, host))
        return self

    def start(self):
        pass

    def stop(self):
        pass

    def close(self):
        self.closed = True


class Watched(FakeDriver):
    """Notes what it is given, and how many calls run at a time."""

    def __init__(self, host):
        super().__init__(host, fetch_images=True)
        self.calls, self.running, self.most = [], 0, 0
        self.go = threading.Event()
        self.go.set()

    def ensure(self, guest, image_source, config_drive):
        self.running += 1
        self.most = max(self.most, self.running)
        self.go.wait(30)
        self.calls.append((guest, config_drive))
        try:
            return super().ensure(guest, image_source, config_drive)
        finally:
            self.running -= 1


class World:
    def __init__(self, tmp_path, **options):
        self.glance, self.conductor, self.bus = FakeGlance(), Conductor(), Bus()
        self.driver = Watched('host')
        self.images = ImageCache(str(tmp_path / '_base'), ImageClient(self.glance))
        self.guests = Guests(self.driver, self.images, self.conductor, 'host', **options)
        reporter = Reporter(self.driver, self.conductor, PlacementClient(FakePlacement()), 'host', 'id', Share())
        self.service = ComputeService('host', self.driver, self.guests, self.images, reporter, self.bus)

    def image(self, *arguments, **fields):
        return ImageClient(self.glance).get(CONTEXT, self.glance.add(*arguments, **fields))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_the_contract_is_kept(world):
    refuse_mismatch(Compute, world.service)


def test_a_guest_comes_and_goes(world):
    assert world.service.ensure_guest(CONTEXT, a_guest()) is Power.RUNNING
    assert 'hostname: web' in world.service.console_output(CONTEXT, 'server', 3)
    with pytest.raises(errors.NotImplementedHere):
        world.service.console_address(CONTEXT, 'server', 'novnc')
    world.service.remove_guest(CONTEXT, 'server', 'instance-00000001')
    world.service.remove_guest(CONTEXT, 'server', 'instance-00000001')
    assert world.driver.list() == ()
    assert world.guests.counts == {'ensured': 1, 'removed': 2, 'failed': 0}


def test_the_image_is_fetched_for_the_driver(world):
    guest = a_guest(image=world.image(b'\x55' * 4096))
    world.service.ensure_guest(CONTEXT, guest)
    world.service.ensure_guest(CONTEXT, a_guest('other', image=guest.image))
    assert world.glance.count('.*/file') == 1


def test_images_are_cached_ahead_of_time_each_for_itself(world):
    wanted, unsafe = world.image(b'\x55' * 4096).id, world.image(b'QFI\xfb' + bytes(4096), 'raw').id
    cached = world.service.cache_images(CONTEXT, (unsafe, 'none', wanted))
    assert cached == {unsafe: 'error', 'none': 'error', wanted: 'cached'}
    assert world.service.cache_images(CONTEXT, (wanted,)) == {wanted: 'existing'}


def test_an_image_that_is_too_large_for_the_flavor_is_refused(world):
    from tests.unit.compute.test_images import qcow2_header

    with pytest.raises(errors.ImageUnacceptable, match='the flavor gives 1 GB'):
        world.service.ensure_guest(CONTEXT, a_guest(image=world.image(qcow2_header(2 << 30), 'qcow2')))
    assert world.driver.list() == ()
    assert world.guests.counts['failed'] == 1


@pytest.mark.parametrize(
    ('always', 'fields', 'given'),
    [
        (False, {}, False),
        (False, {'config_drive': True}, True),
        (False, {'image_properties': {'img_config_drive': 'mandatory'}}, True),
        (False, {'image_properties': {'img_config_drive': 'optional'}}, False),
        (True, {}, True),
    ],
)
def test_who_gets_a_config_drive(tmp_path, always, fields, given):
    world = World(tmp_path, config_drives=ConfigDrives(always=always))
    world.service.ensure_guest(CONTEXT, a_guest(**fields))
    ((_guest, files),) = world.driver.calls
    assert (files is not None) == given
    if given:
        assert json.loads(files['openstack/latest/meta_data.json'])['uuid'] == 'server'


def test_a_config_drive_has_what_other_services_say_of_the_server(tmp_path):
    def vendor(site, server):
        return dataclasses.replace(site, vendor_data2={'join': {'ticket': server.id}})

    world = World(tmp_path, config_drives=ConfigDrives(always=True, vendor=vendor))
    world.service.ensure_guest(CONTEXT, a_guest())
    ((_guest, files),) = world.driver.calls
    assert json.loads(files['openstack/latest/vendor_data2.json']) == {'join': {'ticket': 'server'}}


def in_thread(function, *arguments):
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    return thread


def test_calls_for_one_guest_wait_for_each_other_and_others_do_not(world):
    world.driver.go.clear()
    threads = [in_thread(world.service.ensure_guest, CONTEXT, a_guest(name)) for name in ('a', 'a', 'a', 'b')]
    pause = threading.Event()
    while world.driver.running < 2:
        pause.wait(0.001)
    world.driver.go.set()
    for thread in threads:
        thread.join(30)
    assert world.driver.most == 2
    assert {observed.id for observed in world.driver.list()} == {'a', 'b'}
    assert world.guests.busy == 0


def test_builds_are_bounded(tmp_path):
    world = World(tmp_path, max_builds=2)
    world.driver.go.clear()
    threads = [in_thread(world.service.ensure_guest, CONTEXT, a_guest(str(number))) for number in range(6)]
    pause = threading.Event()
    while world.driver.running < 2:
        pause.wait(0.001)
    world.driver.go.set()
    for thread in threads:
        thread.join(30)
    assert world.driver.most == 2
    assert len(world.driver.list()) == 6


def test_only_what_is_news_is_told(world):
    world.service.start()
    world.service.ensure_guest(CONTEXT, a_guest())
    world.driver._listener('server', Power.RUNNING)
    world.driver.change_by_itself('server', Power.SHUTDOWN)
    world.driver._listener('server', Power.SHUTDOWN)
    world.driver.change_by_itself('server', None)
    world.service.stop(5)
    assert world.conductor.changes == [('host', 'server', Power.SHUTDOWN), ('host', 'server', None)]


def test_what_differs_at_start_is_told(world, caplog):
    for name in ('fine', 'stopped', 'building', 'stray'):
        world.driver.ensure(a_guest(name), None, None)
    world.driver.change_by_itself('stopped', Power.SHUTDOWN)
    world.conductor.expected = {
        'fine': 'active',
        'stopped': 'active',
        'gone': 'active',
        'building': 'building',
        'coming': 'building',
    }
    world.guests.compare()
    assert world.conductor.changes == [('host', 'stopped', Power.SHUTDOWN), ('host', 'gone', None)]
    assert world.guests.unexpected == 1
    assert any('left alone: stray' in text for text in caplog.messages)
    assert world.driver.observe('stray')


def test_it_starts_once_the_bus_is_there(world):
    world.bus.away = True
    with pytest.raises(errors.ServiceDown):
        world.service.start()
    world.bus.away = False
    world.service.start()
    assert world.bus.served == [(Compute, 'host')]
    world.service.stop(5)
    assert world.bus.closed


def test_what_can_be_measured(world):
    world.service.ensure_guest(CONTEXT, a_guest())
    values = {family.name: [sample.value for sample in family.samples] for family in world.service.collect()}
    assert values['nova_guest_calls'] == [1, 0, 0]
    assert values['nova_guests_busy'] == [0]
