"""What a resized server has, must not lose, and takes of quotas."""

import pytest

from nova import errors
from nova.domain import record, resize
from nova.domain.block_device import BlockDevice
from nova.domain.flavor import Flavor
from nova.domain.lifecycle import Power, State
from nova.domain.resize import UNLIMITED, Allowance, Kept
from nova.domain.usage import Usage


def a_flavor(vcpus=1, memory_mb=128, disk_gb=1, **fields):
    return Flavor('1', 'm1.some', vcpus, memory_mb, disk_gb, **fields)


def ephemeral(size):
    return BlockDevice('blank', 'local', size=size, delete_on_termination=True)


def swap(size):
    return BlockDevice('blank', 'local', size=size, guest_format='swap', delete_on_termination=True)


ROOT = BlockDevice('image', 'local', boot_index=0, image_id='an-image')
VOLUME = BlockDevice('volume', 'volume', volume_id='a-volume')


@pytest.mark.parametrize(
    ('devices', 'old', 'new', 'expected'),
    [
        ((ROOT,), {}, {'ephemeral_gb': 2, 'swap_mb': 8}, (ROOT, ephemeral(2), swap(8))),
        ((ROOT, ephemeral(2), VOLUME), {'ephemeral_gb': 2}, {'ephemeral_gb': 5}, (ROOT, VOLUME, ephemeral(5))),
        ((ROOT, swap(8)), {'swap_mb': 8}, {}, (ROOT,)),
        ((ROOT, swap(8)), {'swap_mb': 8}, {'swap_mb': 4}, (ROOT, swap(4))),
        # What the user chose to be smaller than the flavor allows.
        ((ROOT, swap(2)), {'swap_mb': 8}, {'swap_mb': 16}, (ROOT, swap(2))),
        ((ROOT, swap(6)), {'swap_mb': 8}, {'swap_mb': 4}, (ROOT, swap(4))),
        ((ephemeral(1), ephemeral(2)), {'ephemeral_gb': 4}, {'ephemeral_gb': 9}, (ephemeral(1), ephemeral(2))),
        # A server that was made before its disks were noted.
        ((), {'ephemeral_gb': 1}, {'ephemeral_gb': 2}, ()),
    ],
)
def test_the_disks_that_the_host_makes_follow_the_flavor(devices, old, new, expected):
    assert resize.resized(devices, a_flavor(**old), a_flavor(**new)) == expected


@pytest.mark.parametrize(
    ('old', 'new', 'root_on_host', 'lost'),
    [
        ({'disk_gb': 2}, {'disk_gb': 1}, True, 'the root disk from 2 GB to 1 GB'),
        ({'disk_gb': 2}, {'disk_gb': 1}, False, None),
        ({'disk_gb': 0}, {'disk_gb': 1}, True, None),
        ({'ephemeral_gb': 3}, {'ephemeral_gb': 2}, False, 'the ephemeral disk from 3 GB to 2 GB'),
        ({'swap_mb': 8}, {}, True, None),
    ],
)
def test_no_disk_with_data_shrinks(old, new, root_on_host, lost):
    if lost is None:
        resize.refuse_loss(a_flavor(**old), a_flavor(**new), root_on_host)
        return
    with pytest.raises(errors.Invalid, match=lost):
        resize.refuse_loss(a_flavor(**old), a_flavor(**new), root_on_host)


@pytest.mark.parametrize(
    ('allowance', 'old', 'new', 'refused'),
    [
        (Allowance(8, 512), (1, 128), (4, 128), None),
        (Allowance(7, 512), (1, 128), (4, 128), 'cores: Requested 3, but already used 5 of 7 cores'),
        (Allowance(8, 511), (1, 128), (1, 256), 'ram: Requested 128, but already used 384 of 511 ram'),
        (Allowance(UNLIMITED, UNLIMITED), (1, 128), (4, 256), None),
        # Who is over the limit already may become smaller.
        (Allowance(2, 128), (4, 256), (1, 128), None),
    ],
)
def test_only_growth_is_measured_by_the_quota(allowance, old, new, refused):
    used = Usage(3, 8, 512)
    if refused is None:
        allowance.refuse_excess(used, a_flavor(*old), a_flavor(*new))
        return
    with pytest.raises(errors.OverQuota, match=refused):
        allowance.refuse_excess(used, a_flavor(*old), a_flavor(*new))


def test_the_larger_of_each_is_counted_meanwhile():
    assert resize.larger(a_flavor(4, 128), a_flavor(1, 256)) == (4, 256)


@pytest.mark.parametrize(
    ('power', 'before', 'after'),
    [
        (Power.RUNNING, State.ACTIVE, State.ACTIVE),
        (Power.SHUTDOWN, State.ACTIVE, State.STOPPED),
        (Power.SHUTDOWN, State.STOPPED, State.STOPPED),
        (Power.NOSTATE, State.ACTIVE, State.ACTIVE),
    ],
)
def test_a_guest_that_went_off_meanwhile_is_off(power, before, after):
    assert resize.state_after(power, before) is after


def test_what_is_kept_survives_being_stored():
    kept = Kept(a_flavor(extra_specs={'a': 'b'}), State.STOPPED, 'AUTO', (swap(8),))
    assert record.load(Kept, record.dump(kept)) == kept
