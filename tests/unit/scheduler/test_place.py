"""Ordering hosts."""

import pytest

from nova import errors
from nova.domain.host import Inventory
from nova.scheduler import weighers
from nova.scheduler.place import place
from nova.scheduler.weighers.cpu import CPU
from nova.scheduler.weighers.disk import Disk
from nova.scheduler.weighers.hypervisor_version import HypervisorVersion
from nova.scheduler.weighers.num_instances import NumInstances
from nova.scheduler.weighers.ram import RAM
from tests.fakes.hosts import a_host, a_request


class Named:
    """Rejects hosts by name."""

    def __init__(self, *names, always=False):
        self._names, self.always = names, always

    def reject(self, host, request):
        return f'It is {host.name}.' if host.name in self._names else None


def names(ranking):
    return [item.host.name for item in ranking.fitting]


def test_each_host_fits_or_has_a_reason():
    ranking = place(a_request(), [a_host('a'), a_host('b'), a_host('c')], [Named('b'), Named('b', 'c')], [])
    assert names(ranking) == ['a']
    assert ranking.rejected == {'b': 'It is b.', 'c': 'It is c.'}


def test_a_forced_request_heeds_only_the_rules_that_always_hold():
    hosts = [a_host('a'), a_host('b')]
    ranking = place(a_request(forced=True), hosts, [Named('a'), Named('b', always=True)], [])
    assert names(ranking) == ['a']


@pytest.mark.parametrize(
    ('weigher', 'best_first'),
    [
        (RAM(1.0), ['much', 'some', 'little']),
        (RAM(-1.0), ['little', 'some', 'much']),
        (CPU(1.0), ['little', 'some', 'much']),
        (Disk(1.0), ['some', 'little', 'much']),
        (NumInstances(1.0), ['much', 'little', 'some']),
        (HypervisorVersion(1.0), ['some', 'much', 'little']),
        (RAM(0.0), ['little', 'much', 'some']),
    ],
)
def test_weighers_order_hosts(weigher, best_first):
    hosts = [
        a_host('little', vcpus=9, memory_mb=1, disk_gb=5, servers=2, hypervisor_version=1),
        a_host('some', vcpus=5, memory_mb=2, disk_gb=9, servers=1, hypervisor_version=3),
        a_host('much', vcpus=1, memory_mb=3, disk_gb=1, servers=3, hypervisor_version=2),
    ]
    assert names(place(a_request(), hosts, [], [weigher])) == best_first


def test_what_is_claimed_counts():
    hosts = [a_host('claimed', memory_mb=4096, claimed_memory_mb=3000), a_host('free', memory_mb=2048)]
    assert names(place(a_request(), hosts, [], [RAM(1.0)])) == ['free', 'claimed']


def test_overcommitment_counts():
    plain = Inventory(4, 1, 1, cpu_ratio=1.0)
    hosts = [a_host('plain', inventory=plain), a_host('over', inventory=Inventory(4, 1, 1, cpu_ratio=4.0))]
    assert names(place(a_request(), hosts, [], [CPU(1.0)])) == ['over', 'plain']


def test_measures_are_comparable():
    """A preference for memory does not win over one for processors only because megabytes are many."""
    hosts = [a_host('cpu', vcpus=16, memory_mb=1000), a_host('ram', vcpus=1, memory_mb=1_000_000)]
    assert names(place(a_request(), hosts, [], [RAM(1.0), CPU(2.0)])) == ['cpu', 'ram']


def test_an_aggregate_has_a_multiplier_of_its_own_and_the_lowest_counts():
    aggregates = ({'ram_weight_multiplier': '-3.0'}, {'ram_weight_multiplier': '5'}, {'ram_weight_multiplier': 'much'})
    hosts = [a_host('big', memory_mb=9000, aggregates=aggregates), a_host('small', memory_mb=1000)]
    ranking = place(a_request(), hosts, [], [RAM(1.0)])
    assert [(item.host.name, item.weight) for item in ranking.fitting] == [('small', 0.0), ('big', -3.0)]


def test_all_weighers_are_built_by_default_and_unknown_ones_refused():
    multipliers = {kind.name: 1.0 for kind in weighers.WEIGHERS.values()}
    assert len(weighers.build([weighers.ALL], multipliers)) == len(weighers.WEIGHERS)
    assert [type(one) for one in weighers.build(['nova.scheduler.weights.ram.RAMWeigher'], multipliers)] == [RAM]
    with pytest.raises(errors.Invalid, match='weight_classes.*names my.Weigher, which is not known'):
        weighers.build(['my.Weigher'], multipliers)
