"""The driver on libvirt's own driver for tests, which has domains and events but no hypervisor."""

import queue
import shutil
import uuid

import libvirt
import pytest

from nova import errors
from nova.domain.guest import Observed
from nova.domain.lifecycle import Power
from nova.virt.libvirt.connection import Connection
from nova.virt.libvirt.driver import LibvirtDriver
from tests.unit.virt.libvirt.samples import a_guest, a_port, some_settings

pytestmark = pytest.mark.skipif(shutil.which('qemu-img') is None, reason='qemu-img is not installed')

# All connections of a process to this URI see the same domains; one named `test` is there from the start.
URI = 'test:///default'
FOREIGN = 'test'


@pytest.fixture
def base(tmp_path):
    path = tmp_path / 'base'
    path.write_bytes(bytes(1 << 20))
    return lambda _image: str(path)


@pytest.fixture
def outside():
    """Somebody else who talks to the same libvirt."""
    connection = libvirt.open(URI)
    yield connection
    connection.close()


@pytest.fixture
def driver(tmp_path, outside):
    settings = some_settings(virt_type='test', connection_uri=URI, instances_path=str(tmp_path / 'instances'))
    made = LibvirtDriver(settings, settle=0.2)
    yield made
    made.remove(a_guest().id, None)
    made.close()


@pytest.fixture
def told(driver):
    heard = queue.Queue()
    driver.listen(lambda *what: heard.put(what))
    return heard


def no_source(_image):
    raise AssertionError('the image was asked for')


def test_a_guest_is_made_once(driver, base, tmp_path, outside):
    guest = a_guest(ports=(a_port(),))
    assert driver.ensure(guest, base, {'a': b'b'}) is Power.RUNNING
    started = outside.lookupByUUIDString(guest.id).ID()
    assert driver.ensure(guest, no_source, {'a': b'b'}) is Power.RUNNING
    assert outside.lookupByUUIDString(guest.id).ID() == started
    assert driver.observe(guest.id) == Observed(guest.id, guest.name, Power.RUNNING)


@pytest.mark.parametrize(('do', 'power'), [('destroy', Power.SHUTDOWN), ('suspend', Power.PAUSED)])
def test_a_guest_that_does_not_run_is_made_to(driver, base, outside, do, power):
    driver.ensure(a_guest(), base, None)
    getattr(outside.lookupByUUIDString(a_guest().id), do)()
    assert driver.observe(a_guest().id).power is power
    assert driver.ensure(a_guest(), no_source, None) is Power.RUNNING
    assert driver.observe(a_guest().id).power is Power.RUNNING


def test_a_removed_guest_leaves_nothing(driver, base, tmp_path):
    driver.ensure(a_guest(), base, None)
    assert driver.leftovers() == (a_guest().id,)
    for _time in range(2):
        driver.remove(a_guest().id, a_guest().name)
        assert driver.observe(a_guest().id) is None
        assert driver.leftovers() == ()
    assert not list((tmp_path / 'instances').iterdir())


def test_disks_may_stay(driver, base):
    driver.ensure(a_guest(), base, None)
    driver.remove(a_guest().id, a_guest().name, destroy_disks=False)
    assert driver.observe(a_guest().id) is None
    assert driver.leftovers() == (a_guest().id,)


def test_a_domain_without_files_is_a_leftover(driver, base, tmp_path):
    driver.ensure(a_guest(), base, None)
    shutil.rmtree(tmp_path / 'instances' / a_guest().id)
    assert driver.leftovers() == (a_guest().id,)


def test_domains_that_are_not_ours_have_no_id(driver, base):
    driver.ensure(a_guest(), base, None)
    assert {found.name: found.id for found in driver.list()} == {FOREIGN: None, a_guest().name: a_guest().id}


def test_a_name_that_is_taken_fails_the_host(driver, base, outside):
    xml = f'<domain type="test"><name>{a_guest().name}</name><memory>1024</memory><os><type>hvm</type></os></domain>'
    taken = outside.defineXML(xml)
    try:
        with pytest.raises(errors.HostFailed, match='already exists'):
            driver.ensure(a_guest(), base, None)
    finally:
        taken.undefine()


def test_only_ids_of_servers_are_removed(driver):
    with pytest.raises(errors.Invalid):
        driver.remove('../precious', None)


def test_what_the_guest_does_by_itself_is_told(driver, base, outside, told):
    driver.ensure(a_guest(), base, None)
    outside.lookupByUUIDString(a_guest().id).destroy()
    assert told.get(timeout=10) == (a_guest().id, Power.SHUTDOWN)
    outside.lookupByUUIDString(a_guest().id).undefine()
    assert told.get(timeout=10) == (a_guest().id, None)
    assert told.empty()


def test_a_reboot_and_our_own_doings_are_not_told(driver, base, outside, told):
    driver.ensure(a_guest(), base, None)
    domain = outside.lookupByUUIDString(a_guest().id)
    domain.destroy()
    domain.create()
    driver.remove(a_guest().id, a_guest().name)
    driver.ensure(a_guest(), base, None)
    outside.lookupByUUIDString(a_guest().id).suspend()
    assert told.get(timeout=10) == (a_guest().id, Power.PAUSED)
    assert told.empty()


def test_domains_that_are_not_ours_are_not_told_of(driver, base, outside, told):
    driver.ensure(a_guest(), base, None)
    foreign = outside.lookupByName(FOREIGN)
    foreign.suspend()
    foreign.resume()
    outside.lookupByUUIDString(a_guest().id).suspend()
    assert told.get(timeout=10) == (a_guest().id, Power.PAUSED)
    assert told.empty()


def test_console_output_is_the_logs_end(driver, base, tmp_path):
    driver.ensure(a_guest(), base, None)
    (tmp_path / 'instances' / a_guest().id / 'console.log').write_bytes(b'one\ntwo\nthree\n')
    assert driver.output(a_guest().id, 2) == b'two\nthree\n'
    assert driver.output(a_guest().id) == b'one\ntwo\nthree\n'


def test_a_guest_that_is_not_here_has_no_console(driver):
    with pytest.raises(errors.NotFound):
        driver.output(str(uuid.uuid4()))
    with pytest.raises(errors.NotFound):
        driver.address(str(uuid.uuid4()), 'novnc')


@pytest.mark.parametrize('kind', ['serial', 'spice-html5', 'rdp-html5'])
def test_only_vnc_consoles_are_offered(driver, base, kind):
    driver.ensure(a_guest(), base, None)
    with pytest.raises(errors.NotImplementedHere):
        driver.address(a_guest().id, kind)


@pytest.mark.parametrize(('source', 'expected'), [('unique', a_guest().id), ('none', None)])
def test_the_serial_number_is_what_the_option_says(tmp_path, base, outside, source, expected):
    settings = some_settings(
        virt_type='test', connection_uri=URI, instances_path=str(tmp_path / 'instances'), serial_source=source
    )
    driver = LibvirtDriver(settings)
    try:
        driver.ensure(a_guest(), base, None)
        xml = outside.lookupByUUIDString(a_guest().id).XMLDesc()
        assert (f"<entry name='serial'>{expected}</entry>" in xml) is (expected is not None)
    finally:
        driver.remove(a_guest().id, None)
        driver.close()


def test_a_libvirt_that_is_away_is_trouble_and_no_crash(tmp_path):
    settings = some_settings(
        connection_uri=f'qemu+unix:///system?socket={tmp_path}/no-socket', instances_path=str(tmp_path / 'instances')
    )
    driver = LibvirtDriver(settings)
    assert not driver.connected()
    report = driver.report()
    assert 'cannot be reached' in report.trouble
    assert report.inventory.vcpus > 0
    assert report.inventory.memory_mb > 0
    with pytest.raises(errors.HostAway):
        driver.ensure(a_guest(), no_source, None)
    driver.close()


def test_a_closed_connection_stays_closed():
    connection = Connection(URI)
    assert connection.link.connected()
    connection.link.close()
    assert not connection.link.connected()


def test_connections_are_counted_and_kept():
    connection = Connection(URI)
    for _time in range(3):
        connection.powers()
    assert connection.link.generation == 1
    connection.link.close()


def test_a_running_guest_can_be_measured(driver, base, outside):
    driver.ensure(a_guest(), base, None)
    found = driver.diagnose(a_guest().id)
    assert (found.driver, found.hypervisor) == ('libvirt', 'test')
    outside.lookupByUUIDString(a_guest().id).destroy()
    with pytest.raises(errors.Conflict, match='does not run'):
        driver.diagnose(a_guest().id)
    with pytest.raises(errors.NotFound):
        driver.diagnose(str(uuid.uuid4()))
