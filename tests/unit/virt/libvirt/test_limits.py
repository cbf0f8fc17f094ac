"""A host that cannot keep a guest to its limits says so, and lets no guest run without them."""

import dataclasses

import pytest

from nova import errors
from nova.domain.flavor import Flavor
from nova.domain.guest import Guest
from nova.domain.image import Image
from nova.domain.lifecycle import State
from nova.domain.server import Server
from nova.virt.libvirt import limits

MANY = {'quota:cpu_shares': '20000'}
SHARE, RATE = {'quota:cpu_quota': '10000'}, {'quota:vif_inbound_average': '1000'}
NO_SFQ = (
    'libvirt says: internal error: Child process (tc qdisc add dev tap0 parent 1:1 handle 2: sfq perturb 10) '
    'unexpected exit status 2: Error: Specified qdisc kind is unknown.'
)
NO_TC = "libvirt says: Cannot find 'tc' in path: No such file or directory."
TOO_MANY = (
    "libvirt says: Unable to write to '/sys/fs/cgroup/machine/qemu-2-kept.libvirt-qemu/cpu.weight': "
    'Numerical result out of range.'
)
NO_BRIDGE = "libvirt says: Cannot get interface MTU on 'br-tc': No such device."


def a_guest(extra_specs) -> Guest:
    flavor = Flavor('1', 'm1.kept', vcpus=1, memory_mb=128, disk_gb=1, extra_specs=extra_specs)
    server = Server('the-guest', 'kept', 'kept', 'p', 'u', flavor, State.BUILDING)
    return Guest('kept', server, Image('i', 'tiny', disk_format='qcow2'), ())


@dataclasses.dataclass
class Libvirt:
    """Answers whether it shares processors with `answers`, the last of them for ever."""

    answers: list[bool]
    ended: list[str] = dataclasses.field(default_factory=list)

    def shares_processors(self, guest_id):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def end(self, guest_id):
        self.ended.append(guest_id)


@pytest.mark.parametrize(
    ('extra_specs', 'answers'),
    [(SHARE, [True]), (SHARE, [False, False, True]), ({}, [False])],
)
def test_a_guest_that_is_kept_to_its_share_or_has_none_runs_on(extra_specs, answers):
    libvirt = Libvirt(answers)
    limits.check_processors(libvirt, a_guest(extra_specs))
    assert libvirt.ended == []


def test_a_guest_that_is_not_kept_to_its_share_is_ended():
    libvirt = Libvirt([False])
    with pytest.raises(errors.HostFailed, match='cgroup_controllers'):
        limits.check_processors(libvirt, a_guest(SHARE))
    assert libvirt.ended == ['the-guest']


@pytest.mark.parametrize('text', [NO_SFQ, NO_TC])
def test_rates_that_the_kernel_does_not_know_are_told_in_a_sentence(text):
    with (
        pytest.raises(errors.HostFailed, match=r'the-guest has network rates \(quota:vif_\*\)') as told,
        limits.explaining(a_guest(RATE)),
    ):
        raise errors.HostFailed(text)
    assert 'libvirt says' not in str(told.value)


def test_more_shares_than_the_kernel_takes_are_told_in_a_sentence():
    with (
        pytest.raises(errors.HostFailed, match='has 20000 shares .* takes from 1 to 10000'),
        limits.explaining(a_guest(MANY)),
    ):
        raise errors.HostFailed(TOO_MANY)


@pytest.mark.parametrize(('extra_specs', 'text'), [(RATE, NO_BRIDGE), ({}, NO_SFQ), (SHARE, TOO_MANY)])
def test_other_failures_stay_what_they_are(extra_specs, text):
    with pytest.raises(errors.HostFailed) as told, limits.explaining(a_guest(extra_specs)):
        raise errors.HostFailed(text)
    assert str(told.value) == text
