"""Real guests under options that tests of single verbs leave as they are: waiting for ports, saved snapshots, kernels."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from nova import errors
from nova.clients.image import ImageClient
from nova.compute.guests import Guests
from nova.compute.images import ImageCache
from nova.compute.plugging import Plugging
from nova.compute.rescue import Rescues
from nova.context import admin_context
from nova.domain.image import Image
from nova.domain.lifecycle import Power, State
from nova.domain.snapshot import Quiesce
from nova.virt.libvirt import block_copy
from nova.virt.libvirt.driver import LibvirtDriver
from tests.fakes.image import FakeGlance
from tests.integration import hosts
from tests.integration.real_guests import BOOT_TIMEOUT, NEEDS_A_HOST, a_guest, said, until, uptimes
from tests.integration.test_snapshots import MARK, PLACE, drive, put, read

pytestmark = NEEDS_A_HOST

# Says every second for how long it is up.
ALIVE = '( while sleep 1; do echo "ALIVE up=$(cut -d. -f1 /proc/uptime)"; done ) &'
# A daemon that dies while it reads the disk of a guest that it has saved.
DIES = """
    import json, os, signal, sys
    from nova.domain.snapshot import Quiesce
    from nova.virt.libvirt.driver import LibvirtDriver
    from nova.virt.libvirt.settings import Settings

    driver = LibvirtDriver(Settings(**json.loads(sys.argv[1])))
    driver._snapshots._flatten = lambda *_arguments: os.kill(os.getpid(), signal.SIGKILL)
    driver.take_snapshot(sys.argv[2], 'killed', Quiesce.NO)
"""


@pytest.fixture(scope='module')
def built(tiny):
    return tiny.parent


def boots(driver, guest, words='GUEST-UP'):
    until(lambda: words in said(driver, guest), lambda: said(driver, guest)[-1000:])


class Hearing:
    """A conductor that takes note of nothing."""

    def guest_described(self, context, host, server_id, description):
        pass


class Images:
    """One image, which is here already."""

    def __init__(self, path):
        self._path = path

    def as_kept(self, image):
        return image

    def path(self, image, disk_gb=0, guest_id=None):
        return self._path


class Starting:
    """A guest that is started in a thread of its own."""

    def __init__(self, driver, image, timeout, fatal=True):
        self.driver, self.plugging = driver, Plugging(timeout, fatal)
        self.guests = Guests(driver, Images(image(None)), Hearing(), 'h', plugging=self.plugging)
        self.failure = None

    def start(self, guest):
        self.thread = threading.Thread(target=self._ensure, args=(guest,))
        self.thread.start()
        until(lambda: self.power(guest) is Power.PAUSED or not self.thread.is_alive())
        assert self.thread.is_alive(), self.failure

    def _ensure(self, guest):
        try:
            self.guests.ensure(guest)
        except errors.NovaError as failure:
            self.failure = failure

    def power(self, guest):
        seen = self.driver.observe(guest.id)
        return seen and seen.power

    def end(self):
        self.thread.join(BOOT_TIMEOUT)


def test_a_guest_executes_nothing_before_its_port_is_wired(driver_with, image):
    starting, guest = Starting(driver_with(), image, BOOT_TIMEOUT), a_guest(1)
    try:
        starting.start(guest)
        assert said(starting.driver, guest) == ''
        assert starting.power(guest) is Power.PAUSED
        starting.plugging.heard(guest.id, guest.ports[0].id, 'completed')
        starting.end()
        assert starting.power(guest) is Power.RUNNING
        boots(starting.driver, guest)
        # As after a crash of the daemon: it runs, so nothing is waited for.
        starting.guests.ensure(guest)
    finally:
        starting.driver.remove(guest.id, guest.name)


def test_a_guest_whose_port_is_not_wired_is_off_and_starts_when_it_is(driver_with, image):
    starting, guest = Starting(driver_with(), image, 1.0), a_guest(2)
    try:
        with pytest.raises(errors.HostFailed, match='Virtual Interface creation failed'):
            starting.guests.ensure(guest)
        assert starting.power(guest) is Power.SHUTDOWN
        works = dataclasses.replace(guest, ports=(dataclasses.replace(guest.ports[0], active=True),))
        assert starting.guests.ensure(works) is Power.RUNNING
        boots(starting.driver, guest)
    finally:
        starting.driver.remove(guest.id, guest.name)


def test_a_suspended_guest_whose_port_is_not_wired_keeps_its_memory(driver_with, image):
    driver, guest = driver_with(), a_guest(3)
    try:
        driver.ensure(guest, image, drive(ALIVE))
        until(lambda: uptimes(driver, guest), lambda: said(driver, guest)[-1000:])
        before = uptimes(driver, guest)[-1]
        driver.suspend(guest.id)
        suspended = dataclasses.replace(guest, server=dataclasses.replace(guest.server, state=State.SUSPENDED))
        with pytest.raises(errors.HostFailed):
            Starting(driver, image, 1.0).guests.ensure(suspended)
        assert driver.observe(guest.id).power is Power.SHUTDOWN
        assert driver.ensure(guest, image, None) is Power.RUNNING
        until(lambda: uptimes(driver, guest))
        assert uptimes(driver, guest)[-1] >= before
        assert 'GUEST-UP' not in said(driver, guest)
    finally:
        driver.remove(guest.id, guest.name)


def marked(driver, image, number):
    """A guest that has written to its disk."""
    guest = a_guest(number)
    driver.ensure(guest, image, drive(f'{put(MARK, PLACE)}\n{ALIVE}'))
    boots(driver, guest, 'THE-GUEST-HAS-WRITTEN')
    until(lambda: uptimes(driver, guest))
    return guest


def has_gone_on(driver, guest, before):
    """It says more, and has not booted anew: its log has begun anew, its system has not."""
    until(lambda: uptimes(driver, guest), lambda: said(driver, guest)[-1000:])
    return uptimes(driver, guest)[-1] >= before and 'GUEST-UP' not in said(driver, guest)


def test_a_guest_that_is_not_copied_while_it_runs_goes_on_afterwards(driver_with, host, image, tmp_path):
    driver = driver_with(live_snapshots=False)
    told = []
    guest = marked(driver, image, 4)
    driver.listen(lambda *what: told.append(what))
    try:
        before, domain = uptimes(driver, guest)[-1], host.virsh('domid', guest.name)
        driver.take_snapshot(guest.id, 'saved', Quiesce.NO)
        assert read(driver.snapshot_file(guest.id, 'saved'), 'qcow2', PLACE, len(MARK), tmp_path) == MARK
        assert driver.observe(guest.id).power is Power.RUNNING
        # It was off meanwhile, which was our doing and nobody's news.
        assert host.virsh('domid', guest.name) != domain
        assert has_gone_on(driver, guest, before)
        assert [what for what in told if what[0] == guest.id] == []
        driver.pause(guest.id)
        driver.take_snapshot(guest.id, 'paused', Quiesce.NO)
        assert driver.observe(guest.id).power is Power.PAUSED
        driver.unpause(guest.id)
        assert has_gone_on(driver, guest, before)
        driver._snapshots._flatten = fails
        with pytest.raises(errors.HostFailed):
            driver.take_snapshot(guest.id, 'failed', Quiesce.NO)
        assert driver.observe(guest.id).power is Power.RUNNING
        assert has_gone_on(driver, guest, before)
        assert driver.saved_for_snapshots() == []
    finally:
        driver.remove(guest.id, guest.name)


def fails(*_arguments):
    raise errors.HostFailed('no room')


def test_a_guest_that_libvirt_cannot_copy_while_it_runs_is_saved(driver_with, host, image, tmp_path, monkeypatch):
    driver = driver_with()
    guest = marked(driver, image, 5)

    def refuse(*_arguments):
        raise block_copy.Impossible('not this one')

    monkeypatch.setattr(block_copy, 'begin', refuse)
    try:
        before = uptimes(driver, guest)[-1]
        driver.take_snapshot(guest.id, 'saved', Quiesce.TRY)
        assert read(driver.snapshot_file(guest.id, 'saved'), 'qcow2', PLACE, len(MARK), tmp_path) == MARK
        assert has_gone_on(driver, guest, before)
    finally:
        driver.remove(guest.id, guest.name)


def test_a_guest_goes_on_after_the_daemon_that_saved_it_was_killed(driver_with, host, image):
    driver = driver_with(live_snapshots=False)
    guest = marked(driver, image, 6)
    try:
        before = uptimes(driver, guest)[-1]
        settings = dataclasses.asdict(driver._settings)
        killed = run_and_die(settings, guest)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert driver.observe(guest.id).power is Power.SHUTDOWN
        next_one = driver_with(live_snapshots=False)
        assert next_one.saved_for_snapshots() == [guest.id]
        next_one.discard_all_snapshots()
        assert next_one.observe(guest.id).power is Power.RUNNING
        assert has_gone_on(next_one, guest, before)
        assert next_one.saved_for_snapshots() == []
    finally:
        driver.remove(guest.id, guest.name)


def run_and_die(settings, guest):
    plain = {name: value for name, value in settings.items() if isinstance(value, str | int | bool | None)}
    command = [sys.executable, '-c', textwrap.dedent(DIES), json.dumps(plain), guest.id]
    return subprocess.run(command, capture_output=True, text=True, timeout=BOOT_TIMEOUT, cwd=hosts.REPOSITORY)


@dataclasses.dataclass
class Amazon:
    """A host whose image service has a disk without a boot loader, and what starts it."""

    driver: LibvirtDriver
    guests: Guests
    rescues: Rescues
    images: ImageCache
    client: ImageClient
    disk: Image
    # A disk with a boot loader of its own.
    whole: Image


@pytest.fixture
def amazon(driver_with, host, built):
    driver, glance = driver_with(), FakeGlance()
    client = ImageClient(glance)
    images = ImageCache(str(host.instances / '_base'), client)
    guests = Guests(driver, images, Hearing(), host.name)

    def kept(data, disk_format, **properties):
        return client.get(admin_context(), glance.add(data, disk_format, **properties))

    kernel = kept((built / 'vmlinuz').read_bytes(), 'aki')
    ramdisk = kept((built / 'initrd.gz').read_bytes(), 'ari')
    disk = kept(bytes(1 << 20), 'ami', kernel_id=kernel.id, ramdisk_id=ramdisk.id)
    whole = kept((built / 'tiny.qcow2').read_bytes(), 'qcow2')
    plain = kept(bytes(1 << 20), 'raw')
    rescues = Rescues(
        driver, guests, images, client, plain.id, shutdown_timeout=0, kernel_id=kernel.id, ramdisk_id=ramdisk.id
    )
    return Amazon(driver, guests, rescues, images, client, disk, whole)


def test_a_guest_starts_from_the_kernel_and_the_ramdisk_of_its_image(amazon, host):
    guest = dataclasses.replace(a_guest(7), image=amazon.disk)
    try:
        assert amazon.guests.ensure(guest) is Power.RUNNING
        boots(amazon.driver, guest)
        assert 'root=/dev/vda' in said(amazon.driver, guest)
        xml = host.virsh('dumpxml', guest.name)
        assert f'{guest.id}/disk.kernel</kernel>' in xml
        assert f'{guest.id}/disk.ramdisk</initrd>' in xml
        # The cached copies may go: it starts again from what it has.
        for name in ('kernel_id', 'ramdisk_id'):
            kept = amazon.client.get(admin_context(), amazon.disk.properties[name])
            os.unlink(amazon.images.path(kept))
        amazon.driver.stop(guest.id, 0)
        assert amazon.guests.ensure(guest) is Power.RUNNING
        boots(amazon.driver, guest)
    finally:
        amazon.driver.remove(guest.id, guest.name)


def test_a_guest_is_rescued_with_the_operators_kernel_and_starts_from_its_own_disk_again(amazon, host):
    guest = dataclasses.replace(a_guest(8), image=amazon.whole)
    try:
        amazon.guests.ensure(guest)
        assert amazon.rescues.rescue(guest, None, 0) is Power.RUNNING
        rescued = dataclasses.replace(guest, server=dataclasses.replace(guest.server, state=State.RESCUED))
        # Started again while it is rescued, as by another process.
        amazon.driver.stop(guest.id, 0)
        assert amazon.guests.ensure(rescued) is Power.RUNNING
        assert 'disk.kernel.rescue' in host.virsh('dumpxml', guest.name)
        boots(amazon.driver, guest)
        assert amazon.rescues.unrescue(rescued, True) is Power.RUNNING
        assert '<kernel>' not in host.virsh('dumpxml', guest.name)
        boots(amazon.driver, guest)
        files = sorted(path.name for path in (host.instances / guest.id).iterdir())
        assert files == ['console.log', 'disk', 'disk.info']
    finally:
        amazon.driver.remove(guest.id, guest.name)


def test_a_guest_with_a_kernel_is_rescued_from_a_whole_disk(amazon, host):
    guest = dataclasses.replace(a_guest(9), image=amazon.disk)
    try:
        amazon.guests.ensure(guest)
        assert amazon.rescues.rescue(guest, amazon.whole, 0) is Power.RUNNING
        assert '<kernel>' not in host.virsh('dumpxml', guest.name)
        boots(amazon.driver, guest)
    finally:
        amazon.driver.remove(guest.id, guest.name)
