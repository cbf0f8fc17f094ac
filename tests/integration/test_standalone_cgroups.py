"""The control groups of a standalone cloud: its guests are kept to their shares, and `down` leaves none behind."""

import os
import signal
import time
import uuid

import pytest

from nova.domain.flavor import Flavor
from nova.domain.guest import Guest
from nova.domain.image import Image
from nova.domain.lifecycle import Power, State
from nova.domain.server import Server
from nova.standalone import parts, private_cgroups, processes
from nova.standalone.cloud import Cloud
from nova.standalone.parts import libvirt
from nova.virt.libvirt.driver import LibvirtDriver
from nova.virt.libvirt.settings import Settings
from tests.integration import hosts
from tests.integration.neighbours import OFFSET
from tests.integration.real_guests import NEEDS_A_HOST

pytestmark = [
    *NEEDS_A_HOST,
    pytest.mark.skipif(not private_cgroups.hierarchies(), reason='no control groups for processors are mounted here'),
]

PATIENCE = 60.0
QUIET = open(os.devnull, 'w')  # noqa: SIM115 - as long as the tests run


@pytest.fixture
def cloud(tmp_path):
    """The hypervisor of a cloud, and nothing else of it."""
    with Cloud(tmp_path / 'state', port_offset=OFFSET + 300, driver='libvirt', parts={'libvirt'}) as cloud:
        yield cloud


@pytest.fixture
def driver(cloud, tmp_path):
    uri = libvirt.connection_uri(cloud.layout)
    made = LibvirtDriver(
        Settings('here', 'here', str(tmp_path / 'instances'), version='1', connection_uri=uri, virt_type='qemu')
    )
    yield made
    made.close()


@pytest.fixture
def image(request):
    path = hosts.guest_image(request.config.cache.mkdir('guest-image'))
    return lambda _image: str(path)


@pytest.fixture
def groups(cloud):
    """Files of guests' groups, by guest and name."""
    (part,) = parts.chosen(cloud.layout)
    tops = private_cgroups.Subtree(part.cgroups).tops

    def read(guest: Guest, names: tuple[str, ...] = ('cpu.shares', 'cpu.weight')) -> set[str]:
        found = (path for top in tops for name in names for path in top.glob(f'machine/*-{guest.name}.*/{name}'))
        return {path.read_text().strip() for path in found}

    read.tops = tops
    return read


def a_guest(number: int, shares: int) -> Guest:
    flavor = Flavor('1', 'm1.kept', vcpus=1, memory_mb=96, disk_gb=1, extra_specs={'quota:cpu_shares': str(shares)})
    server = Server(str(uuid.uuid4()), 'kept', 'kept', 'p', 'u', flavor, State.BUILDING)
    return Guest(f'kept-{number}', server, Image(str(uuid.uuid4()), 'tiny', disk_format='qcow2'), ())


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, 'it did not come to pass'
        time.sleep(0.05)
    return found


def kill_supervisor(cloud):
    os.kill(cloud.supervision.pid(), signal.SIGKILL)
    until(lambda: cloud.supervision.pid() is None)


def pid_of(cloud, name):
    return next(entry['pid'] for entry in cloud.supervision.status() if entry['name'] == name)


def test_guests_keep_their_shares_until_the_cloud_goes_down(cloud, driver, image, groups):
    first, second, third = a_guest(1, 512), a_guest(2, 2048), a_guest(3, 300)
    assert driver.ensure(first, image, None) is Power.RUNNING
    assert groups(first) == {'512'}

    old = pid_of(cloud, 'libvirtd')
    os.kill(old, signal.SIGKILL)
    until(lambda: pid_of(cloud, 'libvirtd') not in (old, None))
    until(driver.connected)
    assert driver.ensure(second, image, None) is Power.RUNNING
    assert (groups(first), groups(second)) == ({'512'}, {'2048'})

    kill_supervisor(cloud)
    cloud.up(output=QUIET)
    until(driver.connected)
    assert driver.observe(first.id).power is Power.RUNNING
    assert driver.ensure(third, image, None) is Power.RUNNING
    assert (groups(first), groups(third)) == ({'512'}, {'300'})
    # A guest that ends takes its groups with it.
    driver.remove(third.id, third.name)
    until(lambda: groups(third) == set())

    (part,) = parts.chosen(cloud.layout)
    guests = [(pid, processes.birth(pid)) for pid in private_cgroups.Subtree(part.cgroups).processes()]
    kill_supervisor(cloud)
    cloud.down()
    assert not any(top.exists() for top in groups.tops)
    assert not [pid for pid, born in guests if born and processes.birth(pid) == born]


def test_two_clouds_do_not_share_their_groups(cloud, groups, tmp_path):
    other = Cloud(tmp_path / 'other', port_offset=OFFSET + 400, driver='libvirt', parts={'libvirt'})
    (part,) = parts.chosen(other.layout)
    assert not set(private_cgroups.Subtree(part.cgroups).tops) & set(groups.tops)
    other.up(output=QUIET)
    assert other.down(purge=True)
    assert all(top.exists() for top in groups.tops)
    cloud.down()
    assert not any(top.exists() for top in groups.tops)
