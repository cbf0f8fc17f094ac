"""Images of real guests: taken while they run, are held, or are off, and given back to new ones."""

import base64
import dataclasses
import shutil
import subprocess

import pytest

from nova import errors
from nova.domain.image import Image
from nova.domain.lifecycle import Power
from nova.domain.snapshot import Quiesce, Snapshot
from tests.integration.real_guests import NEEDS_A_HOST, a_guest, wait_for_words

pytestmark = NEEDS_A_HOST

GIB = 1 << 30
PLACE = 900 << 20
MARK = b'written by the guest'
META_DATA = b'{"hostname": "guest-of-the-test"}'


def drive(script: str) -> dict[str, bytes]:
    """What a config drive holds whose guest runs this when it has booted."""
    text = f'#!/bin/sh\n{script}\nsync\necho THE-GUEST-HAS-WRITTEN\n'
    return {'openstack/latest/meta_data.json': META_DATA, 'openstack/latest/user_data': text.encode()}


def put(data: bytes, offset: int) -> str:
    encoded = base64.b64encode(data).decode()
    return f'echo {encoded} | base64 -d | dd of=/dev/vda bs=512 seek={offset // 512} conv=notrunc'


def booted(driver, image, number, script, **properties):
    guest = a_guest(number, **properties)
    assert driver.ensure(guest, image, drive(script)) is Power.RUNNING
    said = wait_for_words(driver, guest, b'GUEST-READY')
    assert 'THE-GUEST-HAS-WRITTEN' in said
    return guest


def read(path, kind, offset, length, directory) -> bytes:
    """What the disk in an image holds, as QEMU reads it."""
    part = directory / 'part'
    part.unlink(missing_ok=True)
    copy = ['qemu-img', 'dd', '-f', kind, '-O', 'raw', f'if={path}', f'of={part}']
    begin, count = offset // 512, -(-(offset + length) // 512)
    subprocess.run([*copy, 'bs=512', f'skip={begin}', f'count={count}'], check=True, capture_output=True)
    return part.read_bytes()[:length]


def leads_nowhere(path) -> bool:
    told = subprocess.run(['qemu-img', 'info', '-f', 'qcow2', path], check=True, capture_output=True, text=True)
    return 'backing' not in told.stdout


def left_by_snapshots(host):
    place = host.instances / 'snapshots'
    return sorted(path.name for path in place.rglob('*') if path.is_file()) if place.exists() else []


def test_an_image_of_a_guest_in_whatever_state_has_its_disk_and_makes_another_guest(driver_with, host, image, tmp_path):
    driver = driver_with()
    guest = booted(driver, image, 1, put(MARK, PLACE))
    new = None
    try:
        domain = host.virsh('domid', guest.name)
        taken = driver.take_snapshot(guest.id, 'live', Quiesce.TRY)
        path = driver.snapshot_file(guest.id, 'live')
        assert (taken.disk_format, taken.virtual_size) == ('qcow2', GIB)
        assert read(path, 'qcow2', PLACE, len(MARK), tmp_path) == MARK
        assert leads_nowhere(path)
        # The guest has not noticed, and nothing is left but the image.
        assert (driver.observe(guest.id).power, host.virsh('domid', guest.name)) == (Power.RUNNING, domain)
        assert 'mirror' not in host.virsh('dumpxml', guest.name)
        assert guest.name in host.virsh('list', '--all', '--persistent', '--name').split()
        assert left_by_snapshots(host) == ['live.qcow2']
        # Once made, it is not made again.
        changed = host.instances / 'snapshots' / guest.id / 'live.qcow2'
        before = changed.stat().st_mtime_ns
        assert driver.take_snapshot(guest.id, 'live', Quiesce.NO) == taken
        assert changed.stat().st_mtime_ns == before
        kept = shutil.copy(path, tmp_path / 'kept.qcow2')
        driver.discard_snapshot(guest.id, 'live')
        driver.discard_snapshot(guest.id, 'live')
        assert left_by_snapshots(host) == []

        driver.pause(guest.id)
        assert read_mark(driver, guest, 'held', tmp_path) == MARK
        assert driver.observe(guest.id).power is Power.PAUSED
        driver.unpause(guest.id)
        driver.stop(guest.id, 0)
        assert read_mark(driver, guest, 'off', tmp_path) == MARK
        assert driver.observe(guest.id).power is Power.SHUTDOWN

        # As when it is shelved: a disk that needs nothing of the image, which goes.
        driver.remove(guest.id, guest.name)
        new = dataclasses.replace(a_guest(2), image=Image('kept', disk_format='qcow2'), image_stays=False)
        driver.ensure(new, lambda _image: str(kept), drive('true'))
        assert 'backing' not in host.run('qemu-img', 'info', '-U', str(host.instances / new.id / 'disk')).stdout
        (tmp_path / 'kept.qcow2').unlink()
        wait_for_words(driver, new, b'GUEST-READY')
        driver.stop(new.id, 0)
        assert driver.ensure(new, forbidden, None) is Power.RUNNING
        assert read_mark(driver, new, 'again', tmp_path) == MARK
    finally:
        driver.remove(guest.id, guest.name)
        if new:
            driver.remove(new.id, new.name)
    assert left_by_snapshots(host) == []


def read_mark(driver, guest, image_id, directory):
    driver.take_snapshot(guest.id, image_id, Quiesce.TRY)
    found = read(driver.snapshot_file(guest.id, image_id), 'qcow2', PLACE, len(MARK), directory)
    driver.discard_snapshot(guest.id, image_id)
    return found


def forbidden(_image):
    raise AssertionError('the image is gone, and was asked for')


@pytest.mark.parametrize('running', [True, False])
def test_a_guest_that_writes_a_header_of_its_own_gets_no_file_of_the_host(driver_with, host, image, tmp_path, running):
    secret = tmp_path / 'secret'
    secret.write_bytes(b'a secret of the host'.ljust(1 << 20, b'.'))
    header = tmp_path / 'header'
    made = ['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', secret, header]
    subprocess.run(made, check=True, capture_output=True)
    written = header.read_bytes()[:1024]
    driver = driver_with(disk_format='raw', snapshot_format='qcow2')
    guest = booted(driver, image, 3, put(written, 0))
    try:
        if not running:
            driver.stop(guest.id, 0)
        driver.take_snapshot(guest.id, 'evil', Quiesce.NO)
        path = driver.snapshot_file(guest.id, 'evil')
        assert leads_nowhere(path)
        # It is what the guest wrote, as data.
        assert read(path, 'qcow2', 0, len(written), tmp_path) == written
        with open(path, 'rb') as file:
            assert b'a secret of the host' not in file.read()
    finally:
        driver.remove(guest.id, guest.name)


def test_a_guest_without_an_agent_is_copied_unless_it_must_be_quiesced(driver_with, host, image):
    driver = driver_with(snapshot_format='raw')
    guests = [a_guest(4), a_guest(5, hw_qemu_guest_agent='yes')]
    sentences = ['QEMU guest agent is not enabled', 'QEMU guest agent is not connected; see that it runs in the guest.']
    try:
        for guest, sentence in zip(guests, sentences, strict=True):
            driver.ensure(guest, image, None)
            with pytest.raises(errors.Conflict, match=sentence):
                driver.take_snapshot(guest.id, 'quiet', Quiesce.REQUIRE)
            assert left_by_snapshots(host) == []
            with pytest.raises(errors.Conflict, match=sentence):
                driver.set_password(guest.id, 'root', 'secret')
            with pytest.raises(errors.Conflict, match=sentence):
                driver.check_password_change(guest.id)
            assert driver.take_snapshot(guest.id, 'loud', Quiesce.TRY) == Snapshot('raw', GIB, GIB)
            driver.discard_snapshot(guest.id, 'loud')
            assert 'mirror' not in host.virsh('dumpxml', guest.name)
    finally:
        for guest in guests:
            driver.remove(guest.id, guest.name)


def test_what_a_killed_process_was_copying_is_given_up_at_the_next_start(driver_with, host, image):
    driver = driver_with()
    guest = a_guest(6)
    driver.ensure(guest, image, None)
    place = host.instances / 'snapshots' / guest.id
    try:
        place.mkdir(parents=True)
        disk = host.instances / guest.id / 'disk'
        host.run('qemu-img', 'create', '-q', '-f', 'qcow2', str(place / 'copy'), '1G')
        host.virsh(
            'blockcopy', guest.name, str(disk), str(place / 'copy'), '--reuse-external', '--transient-job', '--format', 'qcow2'
        )  # fmt: skip
        assert 'mirror' in host.virsh('dumpxml', guest.name)
        (place / 'frozen').touch()
        driver_with().discard_all_snapshots()
        assert 'mirror' not in host.virsh('dumpxml', guest.name)
        assert not place.exists()
        assert driver.observe(guest.id).power is Power.RUNNING
    finally:
        driver.remove(guest.id, guest.name)
