"""Choosing hosts and claiming their room, on a Placement in memory."""

import dataclasses

import pytest

from nova import errors
from nova.clients.placement import PlacementClient
from nova.domain.placement import Claim
from nova.scheduler import filters
from nova.scheduler.choose import Chooser, Rules
from nova.scheduler.hosts import Hosts
from nova.scheduler.room import MAX_AGE, Room
from nova.scheduler.weighers.ram import RAM
from tests.fakes.hosts import NOW, HostSource, a_host, a_request
from tests.fakes.placement import Consumer, FakePlacement
from tests.unit.scheduler.test_hosts import Clock


class Cloud:
    """Hosts, a Placement that has them as providers, and a chooser."""

    def __init__(self, **sizes):
        self.clock, self.placement = Clock(), FakePlacement()
        self.source = HostSource()
        self.client = PlacementClient(self.placement)
        for name, vcpus in sizes.items():
            self.add(name, vcpus)
        self.hosts = Hosts(self.source, clock=self.clock)
        self.hosts.refresh()
        settings = filters.Settings(now=lambda: NOW)
        rules = Rules(filters.build(['ComputeFilter'], settings), (RAM(1.0),))
        self.room = Room(self.client, clock=self.clock)
        self.chooser = Chooser(self.client, self.hosts, self.room, rules, self.clock)

    def add(self, name, vcpus=4, **fields):
        host = a_host(name, vcpus=vcpus, memory_mb=1000 * vcpus, **fields)
        self.source.hosts[host.node_id] = host
        self.placement.add_host(host.node_id, name, vcpu=vcpus, memory_mb=1000 * vcpus, disk_gb=100)

    def choose(self, *selects):
        return self.chooser.choose(selects)

    def one(self, request):
        ((choice,),) = self.choose((request,))
        return choice

    def host_of(self, request):
        choice = self.one(request)
        return choice.selection and choice.selection.host

    def count(self, method, path):
        return sum(verb == method and place.startswith(path) for verb, place in self.placement.requests)


def small(server_id, **fields):
    return a_request(server_id, resources={'VCPU': 1, 'MEMORY_MB': 1000}, **fields)


def test_the_best_host_is_chosen_and_claimed():
    cloud = Cloud(small=2, large=8)
    choice = cloud.one(small('s'))
    assert dataclasses.asdict(choice.selection) == {
        'server_id': 's', 'host': 'large', 'node': 'large', 'node_id': 'large-id', 'cell_id': 'cell',
        'availability_zone': 'nova',
    }  # fmt: skip
    assert cloud.placement.consumers['s'].allocations == {'large-id': {'VCPU': 1, 'MEMORY_MB': 1000}}


def test_a_boot_costs_at_most_two_requests_and_one_in_a_row_of_them():
    cloud = Cloud(host=100)
    cloud.one(small('first'))
    assert cloud.placement.requests[0][1].startswith('/allocation_candidates?')
    assert len(cloud.placement.requests) == 2
    for number in range(20):
        cloud.one(small(f's{number}'))
    assert len(cloud.placement.requests) == 22
    cloud.clock.now += MAX_AGE + 1
    cloud.one(small('later'))
    assert len(cloud.placement.requests) == 24


def test_many_requests_are_one_claim_and_spread():
    cloud = Cloud(a=8, b=8)
    ((*choices,),) = cloud.choose(tuple(small(f's{number}') for number in range(6)))
    assert sorted(choice.selection.host for choice in choices) == ['a', 'a', 'a', 'b', 'b', 'b']
    assert len(cloud.placement.requests) == 2


def test_selects_that_come_together_share_requests():
    cloud = Cloud(a=8, b=8)
    results = cloud.choose(*((small(f's{number}'),) for number in range(10)))
    assert all(choices[0].selection for choices in results)
    assert (cloud.count('GET', '/allocation_candidates'), cloud.count('POST', '/allocations')) == (1, 1)


def test_no_more_is_planned_than_fits():
    cloud = Cloud(a=2, b=1)
    results = cloud.choose(*((small(f's{number}'),) for number in range(5)))
    assert [bool(choices[0].selection) for choices in results] == [True, True, True, False, False]
    assert len(cloud.placement.consumers) == 3
    assert cloud.count('POST', '/allocations') == 1


def test_a_host_that_filled_up_meanwhile_is_followed_by_the_next():
    cloud = Cloud(small=2, large=8)
    cloud.room.find(next(iter(wanted_by(cloud))))
    cloud.client.claim([Claim('theirs', 'p', 'u', {'large-id': {'VCPU': 8}})])
    assert cloud.host_of(small('s')) == 'small'
    assert cloud.chooser.counts['lost_claims'] == 1


def wanted_by(cloud):
    """Let the chooser learn what Placement has room for."""
    cloud.one(small('probe'))
    cloud.client.release('probe')
    return list(cloud.room._answers)


def test_a_batch_that_loses_its_claim_is_chosen_anew():
    cloud = Cloud(small=3, large=8)
    wanted_by(cloud)
    cloud.client.claim([Claim('theirs', 'p', 'u', {'large-id': {'VCPU': 7}})])
    results = cloud.choose(*((small(f's{number}'),) for number in range(4)))
    assert all(choices[0].selection for choices in results)
    assert cloud.placement.used('large-id', 'VCPU') == 8
    assert cloud.placement.used('small-id', 'VCPU') == 3


def test_a_provider_that_is_gone_is_followed_by_the_next():
    cloud = Cloud(small=3, large=8)
    wanted_by(cloud)
    del cloud.placement.providers['large-id']
    assert cloud.host_of(small('s')) == 'small'


def test_room_that_became_free_is_seen_before_anybody_is_refused():
    cloud = Cloud(host=1)
    assert cloud.host_of(small('first')) == 'host'
    assert cloud.host_of(small('second')) is None
    cloud.client.release('first')
    cloud.clock.now += 0.1
    assert cloud.host_of(small('third')) == 'host'


def test_a_new_host_is_seen_before_anybody_is_refused():
    cloud = Cloud(host=1)
    cloud.one(small('first'))
    cloud.add('new', 4)
    cloud.clock.now += 1
    cloud.hosts.refresh()
    assert cloud.host_of(small('second')) == 'new'


def test_a_refusal_says_why_for_each_host():
    cloud = Cloud(full=1, tiny=1)
    cloud.add('off', 8, enabled=False)
    cloud.add('odd', 8)
    cloud.placement.providers['odd-id'].traits = ['COMPUTE_STATUS_DISABLED']
    cloud.hosts.refresh(whole=True)
    cloud.one(small('first', host='full'))
    choice = cloud.one(a_request('second', resources={'VCPU': 2, 'MEMORY_MB': 1000}, excluding=('tiny',)))
    assert choice.selection is None
    assert choice.rejected == {
        'full': 'It has too little room: 0 virtual processors free, 2 asked for; 0 MB of memory free, 1000 asked for.',
        'tiny': 'It has failed to make this guest already.',
        'off': 'It is disabled.',
        'odd': 'Placement has no room for the server on it, or it lacks a trait that is asked for.',
    }
    assert 'second' not in cloud.placement.consumers


def test_a_server_that_has_a_claim_keeps_it():
    cloud = Cloud(small=2, large=8)
    cloud.client.claim([Claim('s', 'project', 'user', {'small-id': {'VCPU': 1, 'MEMORY_MB': 1000}})])
    assert cloud.host_of(small('s')) == 'small'
    assert cloud.placement.consumers['s'].generation == 1


@pytest.mark.parametrize('change', [{'excluding': ('small',)}, {'host': 'large'}])
def test_a_claim_that_is_not_right_any_more_is_moved(change):
    cloud = Cloud(small=2, large=8)
    cloud.client.claim([Claim('s', 'project', 'user', {'small-id': {'VCPU': 1, 'MEMORY_MB': 1000}})])
    assert cloud.host_of(small('s', **change)) == 'large'
    assert cloud.placement.used('small-id', 'VCPU') == 0


def test_one_repeated_select_does_not_harm_the_others_of_its_batch():
    cloud = Cloud(a=8, b=8)
    cloud.one(small('again'))
    before = cloud.placement.consumers['again'].allocations
    results = cloud.choose((small('new'),), (small('again'),), (small('newer'),))
    assert all(choices[0].selection for choices in results)
    assert cloud.placement.consumers['again'].allocations == before
    assert len(cloud.placement.consumers) == 3


def test_one_impossible_request_does_not_harm_the_others_of_its_batch():
    cloud = Cloud(a=8)
    impossible = small('bad', extra_specs={'trait:CUSTOM_UNHEARD_OF': 'required'})
    good, bad = cloud.choose((small('good'),), (impossible,))
    assert good[0].selection.host == 'a'
    assert isinstance(bad, errors.Invalid)


def test_a_named_host_is_looked_for_by_its_tree():
    cloud = Cloud(a=2, b=8)
    assert cloud.host_of(small('s', host='a')) == 'a'
    assert 'in_tree=a-id' in cloud.placement.requests[0][1]
    assert cloud.host_of(small('t', host='nowhere')) is None


def test_a_forced_host_need_not_satisfy_the_filters():
    cloud = Cloud(a=2)
    cloud.add('forced', 2, enabled=False)
    cloud.hosts.refresh(whole=True)
    assert cloud.host_of(small('s', host='forced')) is None
    assert cloud.host_of(small('s', host='forced', forced=True)) == 'forced'


def test_an_absent_placement_is_told_to_each():
    cloud = Cloud(a=2)
    cloud.placement.away = True
    with pytest.raises(errors.ServiceDown):
        cloud.choose((small('s'),), (small('t'),))
    (failure,) = cloud.choose((small('s'),))
    assert isinstance(failure, errors.ServiceDown)


def test_a_consumer_that_was_left_without_claims_is_taken_over():
    """Placement makes the consumer before it checks the claim; a crash in between leaves it with generation 0."""
    cloud = Cloud(a=2)
    cloud.placement.consumers['s'] = Consumer('project', 'user', 'INSTANCE', 0, {})
    assert cloud.host_of(small('s')) == 'a'
    assert cloud.placement.consumers['s'].generation == 1


def test_a_claim_costs_the_same_however_many_servers_a_host_has():
    cloud = Cloud(host=100)
    costs = []
    for number in range(50):
        before = len(cloud.placement.requests)
        cloud.one(small(f's{number}'))
        costs.append(len(cloud.placement.requests) - before)
    assert costs == [2] + [1] * 49


def test_a_server_that_stays_takes_more_room_and_no_other_servers_place():
    cloud = Cloud(host=8)
    cloud.one(small('s', host='host', stays=True))
    seen = cloud.hosts.view()['host-id']
    assert (seen.claimed_vcpus, seen.servers) == (1, 0)


def test_named_servers_are_looked_for_where_a_filter_wants_to_know():
    cloud, asked = Cloud(a=8, b=4), []

    def places(server_ids):
        asked.append(set(server_ids))
        return {'x': ('a',)}

    cloud.chooser._places = places
    apart = small('s', scheduler_hints={'different_host': ['x', 'y'], 'same_host': 'z'})
    assert cloud.host_of(apart) == 'a'
    assert asked == []
    rules = filters.build(['DifferentHostFilter'], filters.Settings(now=lambda: NOW))
    cloud.chooser.rules = dataclasses.replace(cloud.chooser.rules, filters=rules)
    assert cloud.host_of(dataclasses.replace(apart, server_id='t')) == 'b'
    assert asked[0] == {'x', 'y', 'z'}
    assert cloud.host_of(small('u')) == 'a'
    assert len(asked) == 1
