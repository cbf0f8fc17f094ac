"""The QEMU guest agent itself, in real guests: it holds file systems still, changes passwords, and shuts down."""

import ctypes
import re
import subprocess

import pytest

from nova import errors
from nova.domain.lifecycle import Power
from nova.domain.snapshot import Quiesce
from nova.virt.libvirt import agent
from tests.integration import hosts
from tests.integration.real_guests import BOOT_TIMEOUT, META_DATA, NEEDS_A_HOST, a_guest, until, wait_for_words
from tests.integration.test_snapshots import left_by_snapshots, read

pytestmark = NEEDS_A_HOST

WISHES = {'hw_qemu_guest_agent': 'yes', 'os_require_quiesce': 'yes'}
FILE_SYSTEM_BYTES = 8 << 20
# The guest lives in memory; a file system takes its disk's place. Nothing is written there unless somebody asks for it.
KEEPS_BACK = b"""#!/bin/sh
echo 0 > /proc/sys/vm/dirty_writeback_centisecs
mke2fs /dev/vda 8192 > /dev/null && mount -t ext2 /dev/vda /mnt && sync
echo 'known to the guest alone' > /mnt/mark
(
    number=0
    while sleep 1; do
        number=$((number + 1))
        echo $number > /mnt/count && echo "WROTE $number"
    done
) &
"""


@pytest.fixture(scope='module')
def image(request):
    path = hosts.agent_image(request.config.cache.mkdir('guest-image'))
    if path is None:
        pytest.skip('apt has no qemu-guest-agent for the image')
    return lambda _image: str(path)


@pytest.fixture(scope='module')
def guest(driver, image):
    """A guest whose agent listens, for tests that leave it so."""
    made = booted(driver, image, 1, KEEPS_BACK)
    yield made
    driver.remove(made.id, made.name)


@pytest.fixture
def short_lived(driver, image):
    made = booted(driver, image, 2)
    yield made
    driver.remove(made.id, made.name)


def booted(driver, image, number, user_data=b''):
    made = a_guest(number, **WISHES)
    drive = {'openstack/latest/meta_data.json': META_DATA, 'openstack/latest/user_data': user_data}
    assert driver.ensure(made, image, drive) is Power.RUNNING
    assert 'GUEST-AGENT /dev/vport' in wait_for_words(driver, made, b'GUEST-READY')
    until(lambda: listens(driver, made))
    return made


def listens(driver, guest):
    """Whether libvirt has heard of the agent, which is a moment after the guest has started it."""
    try:
        driver.check_password_change(guest.id)
    except errors.Conflict:
        return False
    return True


def do(driver, host, guest, command, done):
    """Type a command at the shell on the guest's serial console, and wait until it is `done`.

    The shell hears nothing before it asks, and QEMU looks only now and then whether somebody holds the console's end.
    """
    wait_for_words(driver, guest, b'/ # ')
    with open(host.virsh('ttyconsole', guest.name).strip(), 'wb', buffering=0) as console:
        console.write(f'{command}\n'.encode())
        until(done, lambda: driver.output(guest.id)[-500:])


def written(driver, guest):
    return [int(number) for number in re.findall(rb'WROTE (\d+)', driver.output(guest.id))]


def files_in(driver, guest, image_id, directory):
    """The file system in the image that was made of a guest: as a file of its own."""
    path = driver.snapshot_file(guest.id, image_id)
    found = directory / image_id
    found.write_bytes(read(path, 'qcow2', 0, FILE_SYSTEM_BYTES, directory))
    driver.discard_snapshot(guest.id, image_id)
    return found


def content(file_system, name):
    return subprocess.run(['debugfs', '-R', f'cat {name}', file_system], capture_output=True, text=True).stdout


def hashed(password: bytes, salt: str) -> str:
    crypt = ctypes.CDLL('libcrypt.so.1').crypt
    crypt.restype = ctypes.c_char_p
    return crypt(password, salt.encode()).decode()


def test_an_image_of_a_quiesced_guest_has_what_it_had_not_written_yet(driver, guest, tmp_path):
    wait_for_words(driver, guest, b'WROTE 1')
    driver.take_snapshot(guest.id, 'loud', Quiesce.NO)
    assert content(files_in(driver, guest, 'loud', tmp_path), '/mark') == ''
    driver.take_snapshot(guest.id, 'quiet', Quiesce.REQUIRE)
    quiet = files_in(driver, guest, 'quiet', tmp_path)
    assert content(quiet, '/mark') == 'known to the guest alone\n'
    assert int(content(quiet, '/count')) in written(driver, guest)
    subprocess.run(['e2fsck', '-fn', quiet], check=True, capture_output=True)
    # It is let go of, and writes again.
    before = written(driver, guest)[-1]
    wait_for_words(driver, guest, f'WROTE {before + 2}'.encode())


def test_a_password_is_changed_in_the_guest(driver, guest):
    password = 'pässwörd: with $signs'
    driver.check_password_change(guest.id)
    driver.set_password(guest.id, 'root', password)
    wait_for_words(driver, guest, b'GUEST-SHADOW root:')
    kept = re.search(rb'GUEST-SHADOW root:(\S+)', driver.output(guest.id)).group(1).decode()
    assert kept.startswith('$6$')
    assert hashed(password.encode(), kept) == kept
    for user, unfit in (('nobody-here', 'a secret'), ('root', 'two\nlines')):
        with pytest.raises(errors.Conflict, match=f'Failed to set admin password on {guest.id}') as refused:
            driver.set_password(guest.id, user, unfit)
        assert unfit not in str(refused.value)


def test_it_shuts_the_guest_down(driver, short_lived):
    assert driver.stop(short_lived.id, BOOT_TIMEOUT) is Power.SHUTDOWN
    said = driver.output(short_lived.id).decode(errors='replace')
    before, asked, _after = said.partition('GUEST-SHUTDOWN -h -P +0')
    assert asked
    # A guest that takes its time is asked again, when its agent has ended: then by its power button.
    assert 'GUEST-POWEROFF' not in before


def test_one_that_keeps_silent_is_told_and_the_guest_is_stopped_without_it(driver, host, short_lived, monkeypatch):
    monkeypatch.setattr(agent, 'PATIENCE', 2)
    halt = "kill -STOP $(cat /run/qemu-ga.pid) && echo THE-AGENT-''HALTS"
    do(driver, host, short_lived, halt, lambda: b'THE-AGENT-HALTS' in driver.output(short_lived.id))
    driver.check_password_change(short_lived.id)
    with pytest.raises(errors.Conflict, match=f'Failed to set admin password on {short_lived.id}: .*not responding'):
        driver.set_password(short_lived.id, 'root', 'a secret')
    with pytest.raises(errors.Conflict, match=f'The file systems of guest {short_lived.id} could not be quiesced: .*'):
        driver.take_snapshot(short_lived.id, 'quiet', Quiesce.REQUIRE)
    assert left_by_snapshots(host) == []
    assert driver.take_snapshot(short_lived.id, 'loud', Quiesce.TRY).disk_format == 'qcow2'
    driver.discard_snapshot(short_lived.id, 'loud')
    assert 'mirror' not in host.virsh('dumpxml', short_lived.name)
    assert driver.stop(short_lived.id, BOOT_TIMEOUT) is Power.SHUTDOWN
    assert 'GUEST-POWEROFF' in driver.output(short_lived.id).decode(errors='replace')


def test_one_that_has_ended_is_missed(driver, host, short_lived):
    end = 'kill -KILL $(cat /run/qemu-ga.pid)'
    do(driver, host, short_lived, end, lambda: "state='connected'" not in host.virsh('dumpxml', short_lived.name))
    for refused in (
        lambda: driver.check_password_change(short_lived.id),
        lambda: driver.set_password(short_lived.id, 'root', 'a secret'),
        lambda: driver.take_snapshot(short_lived.id, 'quiet', Quiesce.REQUIRE),
    ):
        with pytest.raises(errors.Conflict, match='QEMU guest agent is not connected; see that it runs in the guest.'):
            refused()
    assert left_by_snapshots(host) == []
