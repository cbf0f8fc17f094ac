import datetime

import pytest

from tests.unit.api.servers.world import NOW

LONG_AGO = NOW - datetime.timedelta(hours=1)


def zones(cloud, token='member'):
    found = cloud.get('/os-availability-zone', token=token)['availabilityZoneInfo']
    assert all(zone['hosts'] is None for zone in found)
    return {zone['zoneName']: zone['zoneState']['available'] for zone in found}


def detail(cloud):
    found = cloud.get('/os-availability-zone/detail', token='admin')['availabilityZoneInfo']
    return {zone['zoneName']: zone for zone in found}


def test_hosts_that_no_aggregate_places_are_in_the_default_zone(cloud):
    cloud.host()
    assert zones(cloud) == zones(cloud, token='roleless') == {'nova': True}
    cloud.zone('london', 'compute')
    cloud.zone('empty')
    assert zones(cloud) == {'london': True}


def test_a_zone_is_available_while_one_of_its_hosts_is_enabled(cloud):
    cloud.host(enabled=False)
    assert zones(cloud) == {'nova': False}
    cloud.compute_daemon('second')
    assert zones(cloud) == {'nova': True}


def test_controllers_are_in_the_internal_zone_which_only_the_detail_shows(cloud):
    cloud.host()
    cloud.daemons()
    assert zones(cloud) == {'nova': True}
    found = detail(cloud)
    assert list(found) == ['internal', 'nova']
    assert found['internal']['hosts']['controller'].keys() == {'nova-conductor', 'nova-scheduler'}


def test_the_detail_tells_whether_daemons_are_enabled_and_alive(cloud):
    cloud.host(enabled=False)
    cloud.compute_daemon('silent', at=LONG_AGO)
    cloud.compute_daemon('alive')
    hosts = detail(cloud)['nova']['hosts']
    states = {host: (known['active'], known['available']) for host, entry in hosts.items() for known in entry.values()}
    assert states == {'compute': (False, True), 'silent': (True, False), 'alive': (True, True)}
    assert hosts['alive']['nova-compute']['updated_at'] == '2026-01-02T03:04:05.678901'


@pytest.mark.parametrize(('token', 'status'), [('admin', 200), ('manager', 403), ('member', 403)])
def test_the_detail_is_for_administrators(cloud, token, status):
    cloud.get('/os-availability-zone/detail', token=token, status=status)


@pytest.mark.parametrize('path', ['/os-availability-zone', '/os-availability-zone/detail'])
def test_zones_cost_the_same_however_many_there_are(cloud, path):
    def cost():
        before = cloud.databases.statements.value
        cloud.get(path, token='admin')
        return cloud.databases.statements.value - before

    cloud.host()
    cloud.zone('first', 'compute')
    cost()
    few = cost()
    for number in range(5):
        cloud.compute_daemon(f'host-{number}')
        cloud.zone(f'zone-{number}', f'host-{number}')
    assert cost() == few
