"""The picture of the hosts."""

import dataclasses

import pytest

from nova import errors
from nova.scheduler.hosts import SETTLED_AFTER, Hosts
from tests.fakes.hosts import HostSource, a_host

AMOUNTS = {'VCPU': 2, 'MEMORY_MB': 100, 'DISK_GB': 5}


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def source():
    return HostSource(a_host('a'), a_host('b', cell_id='other'))


@pytest.fixture
def hosts(source, clock):
    made = Hosts(source, full_every=60.0, clock=clock)
    made.refresh()
    return made


def claimed_vcpus(hosts, name='a'):
    return hosts.view()[f'{name}-id'].claimed_vcpus


def test_a_claim_counts_at_once(hosts):
    hosts.claimed('a-id', AMOUNTS)
    hosts.claimed('a-id', AMOUNTS)
    host = hosts.view()['a-id']
    assert (host.claimed_vcpus, host.claimed_memory_mb, host.claimed_disk_gb, host.servers) == (4, 200, 10, 2)
    assert claimed_vcpus(hosts, 'b') == 0


def test_a_claim_counts_once_when_the_record_shows_it(hosts, source):
    hosts.claimed('a-id', AMOUNTS)
    hosts.claimed('a-id', AMOUNTS)
    source.news = [a_host('a', claimed_vcpus=2, servers=1)]
    hosts.refresh()
    assert claimed_vcpus(hosts) == 4
    source.news = [a_host('a', claimed_vcpus=4, servers=2)]
    hosts.refresh()
    assert claimed_vcpus(hosts) == 4
    assert hosts.view()['a-id'].servers == 2


def test_what_a_server_takes_more_on_its_host_counts_once_when_the_record_shows_it(hosts, source):
    source.news = [a_host('a', claimed_vcpus=1, claimed_memory_mb=50, claimed_disk_gb=5, servers=1)]
    hosts.refresh()
    hosts.claimed('a-id', AMOUNTS, servers=0)
    assert (claimed_vcpus(hosts), hosts.view()['a-id'].servers) == (3, 1)
    # The record of another one first, then that of the claim.
    source.news = [a_host('a', claimed_vcpus=2, claimed_memory_mb=100, claimed_disk_gb=10, servers=2)]
    hosts.refresh()
    assert claimed_vcpus(hosts) == 4
    source.news = [a_host('a', claimed_vcpus=4, claimed_memory_mb=200, claimed_disk_gb=15, servers=2)]
    hosts.refresh()
    assert (claimed_vcpus(hosts), hosts.view()['a-id'].servers) == (4, 2)


def test_claims_of_both_kinds_are_told_apart_when_one_record_shows_them(hosts, source):
    hosts.claimed('a-id', AMOUNTS, servers=0)
    hosts.claimed('a-id', AMOUNTS)
    source.news = [a_host('a', claimed_vcpus=4, claimed_memory_mb=200, claimed_disk_gb=10, servers=1)]
    hosts.refresh()
    assert (claimed_vcpus(hosts), hosts.view()['a-id'].servers) == (4, 1)


def test_a_claim_that_is_never_recorded_is_forgotten(hosts, clock):
    hosts.claimed('a-id', AMOUNTS)
    clock.now += SETTLED_AFTER + 1
    hosts.refresh()
    assert claimed_vcpus(hosts) == 0


def test_only_news_is_read_until_a_minute_has_passed(hosts, source, clock):
    hosts.refresh()
    assert source.reads == 1
    clock.now += 61
    hosts.refresh()
    assert source.reads == 2
    hosts.refresh(whole=True)
    assert source.reads == 3


def test_a_host_that_is_gone_is_dropped_but_not_one_whose_cell_is_silent(hosts, source):
    del source.hosts['a-id']
    source.silent = ['other']
    hosts.refresh(whole=True)
    assert set(hosts.view()) == {'b-id'}


def test_what_was_known_stays_when_nothing_can_be_read(hosts, source):
    def away():
        raise errors.ServiceDown('The database is away.')

    source.changed = away
    with pytest.raises(errors.ServiceDown):
        hosts.refresh()
    assert set(hosts.view()) == {'a-id', 'b-id'}


def test_a_view_is_the_callers_own(hosts):
    view = hosts.view()
    view['a-id'] = dataclasses.replace(view['a-id'], servers=99)
    assert hosts.view()['a-id'].servers == 0
