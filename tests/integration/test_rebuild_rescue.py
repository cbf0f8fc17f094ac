"""Rebuild and rescue real guests, with all that a host has between the bus and QEMU; what they find is what they say."""

import base64
import contextlib
import dataclasses
import subprocess

import pytest

from nova import errors
from nova.clients.image import ImageClient
from nova.compute.guests import Guests
from nova.compute.images import ImageCache, source_of
from nova.compute.rebuild import Rebuilds
from nova.compute.rescue import Rescues
from nova.context import admin_context
from nova.domain.guest import Guest
from nova.domain.lifecycle import Power, State
from nova.virt.libvirt.driver import LibvirtDriver
from nova.virt.libvirt.settings import Settings
from nova.virt.libvirt.storage import Storage
from tests.fakes.hostile_images import HOSTILE, qcow2
from tests.fakes.image import FakeGlance
from tests.integration import hosts, real_guests
from tests.integration.real_guests import NEEDS_A_HOST, wait_for_words

pytestmark = NEEDS_A_HOST

# Far behind what the image holds. Each boot tells of every disk whether a former one has been there, and marks the first.
FILES = ['console.log', 'disk', 'disk.config', 'disk.info']
LOOK = """#!/bin/sh
for disk in vda vdb; do
    [ -b /dev/$disk ] || continue
    if dd if=/dev/$disk bs=512 skip=1048576 count=1 2>/dev/null | grep -q MARK; then echo "$disk is marked"
    else echo "$disk is unmarked"; fi
    if dd if=/dev/$disk bs=512 count=1 2>/dev/null | grep -q QFI; then echo "$disk pretends"; fi
done
"""
# Takes an emulated guest longer than all the rest: an overlay of the secret's size would fill the first MiB.
LOOK_FOR_SECRET = """
for disk in vda vdb; do
    if dd if=/dev/$disk bs=64k count=32 2>/dev/null | grep -q TOP-SECRET; then echo "$disk betrays"; fi
done
"""
MARK = 'echo MARK | dd of=/dev/vda bs=512 seek=1048576 conv=notrunc 2>/dev/null; sync; echo now marked\n'


def encoded(script: str) -> str:
    return base64.b64encode(script.encode()).decode()


@dataclasses.dataclass
class Compute:
    """What nova-compute has on one host."""

    host: hosts.TestHost
    driver: LibvirtDriver
    glance: FakeGlance
    guests: Guests
    rebuilds: Rebuilds
    rescues: Rescues

    def image(self, data, disk_format='qcow2', **fields):
        return ImageClient(self.glance).get(admin_context(), self.glance.add(data, disk_format, **fields))

    def said(self, guest: Guest, words: str) -> str:
        """What the guest has said, once these words are among it."""
        return wait_for_words(self.driver, guest, words)

    def files(self, guest: Guest) -> list[str]:
        return sorted(path.name for path in (self.host.instances / guest.id).iterdir())

    def cached(self) -> list[str]:
        return sorted(path.name for path in (self.host.instances / '_base').glob('*') if path.is_file())


class Hearing:
    """A conductor that takes note of nothing."""

    def guest_described(self, context, host, server_id, description):
        pass


def compute_on(host, settings, **options) -> Compute:
    driver = LibvirtDriver(dataclasses.replace(settings, **options), settle=0.5)
    glance = FakeGlance()
    images = ImageCache(str(host.instances / '_base'), ImageClient(glance))
    guests = Guests(driver, images, Hearing(), host.name)
    rescues = Rescues(driver, guests, images, shutdown_timeout=20)
    return Compute(host, driver, glance, guests, Rebuilds(driver, guests, images), rescues)


@pytest.fixture(scope='module', params=['qcow2', 'raw'])
def compute(request, host, settings):
    made = compute_on(host, settings, disk_format=request.param)
    yield made
    made.driver.close()


@pytest.fixture(scope='module')
def data(tiny):
    """What is in the tiny guest's image."""
    return tiny.read_bytes()


@pytest.fixture(scope='module')
def kept(compute):
    """The guest that tests have one after the other, if the last one left it as it found it."""
    found = []
    yield found
    for guest in found:
        remove(compute, guest)


@pytest.fixture
def guest(compute, data, kept):
    """A guest that has booted and marked its disk."""
    if kept and not is_as_made(compute, kept[0]):
        remove(compute, kept.pop())
    if not kept:
        kept.append(a_guest(compute.image(data), LOOK + MARK))
        compute.guests.ensure(kept[0])
        assert 'vda is unmarked' in compute.said(kept[0], 'now marked')
    return kept[0]


def is_as_made(compute, guest: Guest) -> bool:
    seen = compute.driver.observe(guest.id)
    if seen is None or seen.power is not Power.RUNNING or compute.files(guest) != FILES:
        return False
    said = real_guests.said(compute.driver, guest)
    return f'GUEST-HOSTNAME {guest.server.hostname}' in said and 'now marked' in said


def remove(compute, guest: Guest) -> None:
    compute.guests.remove(guest.id, guest.name, True)
    assert compute.driver.leftovers() == ()


def a_guest(image, script: str, number: int = 7) -> Guest:
    made = dataclasses.replace(real_guests.a_guest(number), image=image)
    return changed(made, hostname='first-name', state=State.ACTIVE, user_data=encoded(script), config_drive=True)


def changed(guest: Guest, **fields) -> Guest:
    return dataclasses.replace(guest, server=dataclasses.replace(guest.server, **fields))


def test_a_rescued_guest_finds_its_disk_second_and_gets_it_back(compute, settings, guest, data):
    rescuing = changed(guest, user_data=encoded(LOOK + 'echo looked\n'))
    image = compute.image(data)
    assert compute.rescues.rescue(rescuing, image, None) is Power.RUNNING
    said = compute.said(guest, 'looked')
    assert 'vda is unmarked' in said
    assert 'vdb is marked' in said
    # Asked again, as after a crash: it goes on.
    number = compute.host.virsh('domid', guest.name)
    assert compute.rescues.rescue(rescuing, image, None) is Power.RUNNING
    assert compute.host.virsh('domid', guest.name) == number
    # Another process of nova-compute has to start it again.
    compute.host.virsh('destroy', guest.name)
    other = compute_on(compute.host, settings)
    assert other.guests.ensure(changed(rescuing, state=State.RESCUED)) is Power.RUNNING
    other.driver.close()
    assert 'vdb is marked' in compute.said(guest, 'looked')
    assert compute.rescues.unrescue(changed(guest, state=State.RESCUED), True) is Power.RUNNING
    said = compute.said(guest, 'now marked')
    assert 'vda is marked' in said
    assert 'vdb is' not in said
    assert compute.files(guest) == FILES


@pytest.mark.parametrize('properties', [{'hw_rescue_bus': 'virtio'}, {'hw_rescue_device': 'cdrom'}], ids=str)
def test_a_rescue_image_that_says_how_leaves_the_disks_where_they_were(compute, guest, data, properties):
    rescuing = changed(guest, user_data=encoded(LOOK + 'echo looked\n'))
    compute.rescues.rescue(rescuing, compute.image(data, **properties), 0)
    xml = compute.host.virsh('dumpxml', guest.name)
    assert 0 < xml.index("/disk'") < xml.index("/disk.rescue'")
    assert "<boot order='1'/>" in xml
    if 'hw_rescue_bus' in properties:
        said = compute.said(guest, 'looked')
        assert 'vda is marked' in said
        assert 'vdb is unmarked' in said
    assert compute.rescues.unrescue(changed(guest, state=State.RESCUED), False) is Power.SHUTDOWN
    assert 'disk.rescue' not in compute.host.virsh('dumpxml', guest.name)
    assert compute.guests.ensure(guest) is Power.RUNNING
    assert 'vda is marked' in compute.said(guest, 'now marked')


def test_a_guest_whose_server_is_not_rescued_any_more_is_itself_again(compute, guest, data):
    """A hard reboot after a rescue that went wrong."""
    compute.rescues.rescue(changed(guest, user_data=encoded(LOOK + 'echo looked\n')), compute.image(data), 0)
    compute.host.virsh('destroy', guest.name)
    assert compute.guests.ensure(changed(guest, state=State.ERROR)) is Power.RUNNING
    assert 'vda is marked' in compute.said(guest, 'now marked')
    assert 'disk.rescue' not in compute.files(guest)


def test_a_rebuilt_guest_has_a_new_disk_and_new_data(compute, guest, data):
    new = changed(dataclasses.replace(guest, image=compute.image(data)), hostname='second-name')
    compute.rebuilds.prepare(new)
    assert compute.driver.observe(guest.id).power is Power.RUNNING
    for _time in range(2):
        assert compute.rebuilds.replace(new) is Power.SHUTDOWN
        assert compute.driver.observe(guest.id).power is Power.SHUTDOWN
    assert compute.guests.ensure(new) is Power.RUNNING
    said = compute.said(new, 'now marked')
    assert 'vda is unmarked' in said
    assert 'GUEST-HOSTNAME second-name' in said
    assert compute.files(guest) == FILES
    shown = compute.host.run('ip', '-o', 'link', 'show', 'master', hosts.BRIDGE).stdout
    assert guest.ports[0].devname in shown


def test_hostile_images_leave_a_guest_and_its_host_as_they_were(host, settings, data):
    compute = compute_on(host, settings)
    good, others = a_guest(compute.image(data), LOOK, 8), set(compute.driver.leftovers())
    compute.guests.ensure(good)
    try:
        number, files, cached = host.virsh('domid', good.name), compute.files(good), compute.cached()
        for image in HOSTILE:
            hostile = compute.image(image.data, image.disk_format, **image.fields)
            bad = dataclasses.replace(a_guest(hostile, LOOK), name='instance-00000bad')
            for attempt in (
                lambda hostile=hostile: compute.rebuilds.prepare(dataclasses.replace(good, image=hostile)),
                lambda hostile=hostile: compute.rescues.rescue(good, hostile, None),
                lambda bad=bad: compute.guests.ensure(bad),
            ):
                with pytest.raises(errors.ImageUnacceptable, match=image.says):
                    attempt()
                assert compute.files(good) == files
                assert compute.cached() == cached
            compute.guests.remove(bad.id, bad.name, True)
            assert set(compute.driver.leftovers()) == {good.id} | others
        assert host.virsh('domid', good.name) == number
    finally:
        compute.guests.remove(good.id, good.name, True)
        compute.driver.close()


def test_a_header_that_a_guest_writes_into_its_disk_leads_nowhere(host, settings, data, tmp_path):
    """From inside it makes its raw disk look like an overlay of a file of the host."""
    compute = compute_on(host, settings, disk_format='raw')
    secret = tmp_path / 'secret'
    secret.write_bytes(b'TOP-SECRET\n' * 100_000)
    header = base64.b64encode(qcow2(size=1 << 20, backing=str(secret))[:8192]).decode()
    script = f'{LOOK}echo {header} | base64 -d | dd of=/dev/vda conv=notrunc 2>/dev/null; sync; echo now marked\n'
    guest = a_guest(compute.image(data), script, 9)
    try:
        compute.guests.ensure(guest)
        compute.said(guest, 'now marked')
        # Its own disk does not boot any more: started again, it must still be the plain disk that it was.
        compute.driver.stop(guest.id, 0)
        compute.guests.ensure(guest)
        assert "type='raw'" in host.virsh('dumpxml', guest.name)
        assert str(secret) not in open_files(host, guest)
        looking = changed(guest, user_data=encoded(LOOK + LOOK_FOR_SECRET + 'echo looked\n'))
        compute.rescues.rescue(looking, compute.image(data), 0)
        said = compute.said(guest, 'looked')
        assert 'vdb pretends' in said
        assert 'betrays' not in said
        assert str(secret) not in open_files(host, guest)
        compute.rescues.unrescue(changed(guest, state=State.RESCUED), True)
        new = changed(dataclasses.replace(guest, image=compute.image(data)), user_data=encoded(LOOK + MARK))
        compute.rebuilds.prepare(new)
        compute.rebuilds.replace(new)
        compute.guests.ensure(new)
        assert 'pretends' not in compute.said(new, 'now marked')
    finally:
        compute.guests.remove(guest.id, guest.name, True)
        compute.driver.close()


def open_files(host, guest: Guest) -> str:
    pid = (host.root / 'run' / 'qemu' / f'{guest.name}.pid').read_text().strip()
    return host.run('ls', '-l', f'/proc/{pid}/fd').stdout


@pytest.fixture
def small(tmp_path):
    """A file system that is soon full."""
    place = tmp_path / 'small'
    place.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', place], check=True)
    yield place
    subprocess.run(['umount', place], check=True)


@pytest.mark.parametrize('disk_format', ['raw', 'qcow2'])
def test_a_full_disk_leaves_the_guests_disks_as_they_were(small, data, disk_format):
    settings = Settings(host='h', node='h', instances_path=str(small), disk_format=disk_format)
    storage, glance = Storage(settings), FakeGlance()
    client = ImageClient(glance)
    images = ImageCache(str(small / '_base'), client)
    image = client.get(admin_context(), glance.add(data, 'qcow2'))
    kept, source = source_of(images, a_guest(image, LOOK))
    storage.ensure(kept, source, {'a': b'b'})
    with open(small / 'filler', 'wb', buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(bytes(4096)):
            pass
    before = sorted(path for path in small.rglob('*') if path.is_file())
    with pytest.raises(errors.HostFailed):
        storage.prepare_exchange(kept, source, {'a': b'c' * 100_000})
    with pytest.raises(errors.HostFailed):
        storage.prepare_rescue(kept, kept.image, source, {'a': b'c' * 100_000})
    new = client.get(admin_context(), glance.add(data + b' ', 'qcow2'))
    with pytest.raises(errors.HostFailed):
        images.path(new, 1, kept.id)
    assert sorted(path for path in small.rglob('*') if path.is_file()) == before
