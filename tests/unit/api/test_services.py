import datetime
import uuid

import pytest

from nova import errors
from nova.db.stores import aggregates, host_mappings, hosts, services
from nova.domain.cell import Down
from tests.unit.api.cloud import NODE_ID
from tests.unit.api.servers.world import CELL_ID, NOW

WHICH = {'host': 'compute', 'binary': 'nova-compute'}


@pytest.fixture
def running(cloud):
    cloud.host_reports()
    cloud.daemons()
    return cloud


def change(cloud, what, body, version='2.11', status=200):
    return cloud.send('PUT', f'/os-services/{what}', body, version, token='admin', status=status)


def listed(cloud, query='', version='2.93'):
    return cloud.get(f'/os-services{query}', version, token='admin')['services']


@pytest.mark.parametrize(
    ('query', 'count'), [('', 3), ('?host=compute', 1), ('?binary=nova-scheduler', 1), ('?host=compute&binary=x', 0)]
)
def test_lists_are_filtered_by_host_and_binary(running, query, count):
    assert len(listed(running, query)) == count


def test_daemons_are_in_the_internal_zone_and_hosts_in_theirs(running):
    running.zone('east', 'compute')
    zones = {entry['binary']: entry['zone'] for entry in listed(running)}
    assert zones == {'nova-compute': 'east', 'nova-scheduler': 'internal', 'nova-conductor': 'internal'}


def test_a_daemon_is_down_when_it_is_silent_or_forced_down(running):
    assert {entry['state'] for entry in listed(running)} == {'up'}
    change(running, 'force-down', WHICH | {'forced_down': True})
    assert [entry['state'] for entry in listed(running, '?host=compute')] == ['down']
    object.__setattr__(running.services, 'clock', lambda: NOW + datetime.timedelta(seconds=61))
    assert {entry['state'] for entry in listed(running)} == {'down'}


def test_disabling_keeps_the_reason_until_enabled_again(running):
    change(running, 'disable-log-reason', WHICH | {'disabled_reason': 'repair'})
    (shown,) = listed(running, '?host=compute')
    assert (shown['status'], shown['disabled_reason']) == ('disabled', 'repair')
    change(running, 'enable', WHICH)
    (shown,) = listed(running, '?host=compute')
    assert (shown['status'], shown['disabled_reason']) == ('enabled', None)


@pytest.mark.parametrize(
    ('what', 'body', 'version', 'status'),
    [
        ('enable', {'host': 'compute'}, '2.1', 400),
        ('enable', WHICH | {'extra': 1}, '2.1', 400),
        ('enable', WHICH | {'host': 'none'}, '2.1', 404),
        ('enable', WHICH, '2.53', 404),
        ('disable-log-reason', WHICH, '2.1', 400),
        ('disable-log-reason', WHICH | {'disabled_reason': ' '}, '2.1', 400),
        ('force-down', WHICH | {'forced_down': True}, '2.10', 404),
        ('force-down', WHICH | {'forced_down': 'perhaps'}, '2.11', 400),
        ('nonsense', WHICH, '2.1', 404),
        ('not-a-uuid', {'status': 'enabled'}, '2.53', 400),
        (str(uuid.UUID(int=5)), {'status': 'enabled'}, '2.53', 404),
    ],
)
def test_wrong_changes_are_refused(running, what, body, version, status):
    assert running.fault('PUT', f'/os-services/{what}', body, version, token='admin')[0] == status


def test_changes_by_uuid_from_2_53(running):
    which = running.service().uuid
    shown = change(running, which, {'status': 'disabled', 'disabled_reason': 'repair'}, '2.53')['service']
    assert (shown['id'], shown['status'], shown['disabled_reason']) == (which, 'disabled', 'repair')
    shown = change(running, which, {'forced_down': True}, '2.53')['service']
    assert (shown['status'], shown['forced_down'], shown['state']) == ('disabled', True, 'down')
    for wrong in ({}, {'disabled_reason': 'x'}, {'status': 'enabled', 'disabled_reason': 'x'}, {'status': 'off'}):
        assert running.fault('PUT', f'/os-services/{which}', wrong, '2.53', token='admin')[0] == 400


def test_only_computes_are_changed_by_uuid(running):
    which = running.service('nova-scheduler', 'controller').uuid
    status, message = running.fault('PUT', f'/os-services/{which}', {'status': 'disabled'}, '2.53', token='admin')
    assert status == 400
    assert 'Only nova-compute services can be updated' in message


class Placement:
    def __init__(self):
        self.removed = []

    def remove_provider(self, provider_id):
        self.removed.append(provider_id)


def test_a_host_that_is_deleted_leaves_nothing_behind(running):
    placement = Placement()
    object.__setattr__(running.services, 'placement', placement)
    running.zone('east', 'compute')
    running.send('DELETE', f'/os-services/{running.service().uuid}', None, '2.53', token='admin', status=204)
    assert placement.removed == [NODE_ID]
    assert running.service() is None
    with running.databases.cell(CELL_ID).reading() as tx:
        assert hosts.listing(tx) == []
    with running.databases.api.reading() as tx:
        assert host_mappings.find(tx, 'compute') is None
        assert aggregates.zones(tx) == {}


def test_a_host_with_servers_is_not_deleted(running):
    running.server()
    which = running.service()
    assert running.fault('DELETE', f'/os-services/{which.uuid}', version='2.53', token='admin')[0] == 409
    assert running.fault('DELETE', f'/os-services/{which.id}', version='2.52', token='admin')[0] == 409


@pytest.mark.parametrize(('status', 'refused'), [('running', True), ('finished', True), ('confirmed', False)])
def test_a_host_that_servers_leave_or_reach_is_not_deleted(running, status, refused):
    running.server(host='elsewhere')
    running.migration(source_compute='elsewhere', dest_compute='compute', status=status)
    path = f'/os-services/{running.service().uuid}'
    if not refused:
        running.send('DELETE', path, None, '2.53', token='admin', status=204)
        return
    assert running.fault('DELETE', path, version='2.53', token='admin') == (
        409,
        'Unable to delete compute service that has in-progress migrations. Complete the migrations first.',
    )


def test_a_host_that_placement_does_not_let_go_can_be_deleted_later(running):
    placement = Placement()
    placement.remove_provider = lambda provider_id: away()

    def away():
        raise errors.ServiceDown('Placement does not answer.')

    object.__setattr__(running.services, 'placement', placement)
    path = f'/os-services/{running.service().uuid}'
    assert running.fault('DELETE', path, version='2.53', token='admin')[0] == 503
    object.__setattr__(running.services, 'placement', Placement())
    running.send('DELETE', path, None, '2.53', token='admin', status=204)


@pytest.mark.parametrize(('which', 'version', 'status'), [('99', '2.52', 404), ('x', '2.52', 400), ('1', '2.53', 400)])
def test_deleting_what_is_not_there(running, which, version, status):
    assert running.fault('DELETE', f'/os-services/{which}', version=version, token='admin')[0] == status


def test_hosts_of_a_cell_that_is_away_are_unknown_from_2_69(running):
    answer = running.databases.across_cells

    def without_cell1(work, timeout=60.0, cells=None):
        found = answer(work, timeout, cells)
        return {cell: Down(cell, 'away') if cell.id == CELL_ID else items for cell, items in found.items()}

    running.databases.across_cells = without_cell1
    assert listed(running) == [{'binary': 'nova-compute', 'host': 'compute', 'status': 'UNKNOWN'}]
    assert listed(running, version='2.68') == []


def test_the_same_number_in_two_cells_names_neither(running):
    with running.databases.cell0.writing() as tx:
        services.alive(tx, 'stray', 'nova-conductor', 'conductor', at=NOW)
    status, message = running.fault('DELETE', '/os-services/1', version='2.52', token='admin')
    assert status == 400
    assert '2.53' in message


def test_zones_are_listed_with_their_state(running):
    running.zone('east', 'compute')
    listed_zones = running.get('/os-availability-zone')['availabilityZoneInfo']
    assert listed_zones == [{'zoneName': 'east', 'zoneState': {'available': True}, 'hosts': None}]
    running.host(enabled=False)
    assert running.get('/os-availability-zone')['availabilityZoneInfo'][0]['zoneState'] == {'available': False}


def test_zones_in_detail_name_hosts_and_daemons(running):
    shown = running.get('/os-availability-zone/detail', token='admin')['availabilityZoneInfo']
    zones = {zone['zoneName']: zone['hosts'] for zone in shown}
    assert zones['nova'] == {
        'compute': {'nova-compute': {'active': True, 'available': True, 'updated_at': '2026-01-02T03:04:05.678901'}}
    }
    assert set(zones['internal']['controller']) == {'nova-scheduler', 'nova-conductor'}
    assert running.fault('GET', '/os-availability-zone/detail')[0] == 403


def test_a_database_that_is_away_is_503_with_a_sentence(running):
    def away():
        raise errors.ServiceDown('The database on db.example does not answer.')

    running.databases.cells = lambda *arguments, **options: away()
    answer = running.request('GET', '/os-services', token='admin')
    assert (answer.status_int, answer.headers['Retry-After']) == (503, '5')
    assert answer.json['serviceUnavailable']['message'] == 'The database on db.example does not answer.'
    assert 'db.example' not in running.request('GET', '/os-availability-zone').text


@pytest.mark.parametrize(
    ('path', 'body', 'version', 'asked'),
    [
        ('disable', WHICH, '2.1', ['compute']),
        ('enable', WHICH, '2.11', ['compute']),
        ('disable-log-reason', WHICH | {'disabled_reason': 'repair'}, '2.11', ['compute']),
        ('force-down', WHICH | {'forced_down': True}, '2.11', []),
        ('disable', {'host': 'controller', 'binary': 'nova-conductor'}, '2.1', []),
        ('{uuid}', {'status': 'disabled'}, '2.93', ['compute']),
        ('{uuid}', {'forced_down': True}, '2.93', []),
    ],
)
def test_a_host_that_is_enabled_or_disabled_is_asked_to_report(running, path, body, version, asked):
    change(running, path.format(uuid=running.service().uuid), body, version)
    assert running.bus.asked_hosts == asked


def test_a_host_is_disabled_though_the_bus_is_away(running):
    running.bus.away = True
    change(running, 'disable', WHICH)
    assert not running.service().enabled


UNKNOWN = '00000000-0000-4000-8000-0000000000ff'


@pytest.mark.parametrize(
    ('method', 'path', 'body', 'version'),
    [
        ('PUT', '/os-services/disable', {'host': 'far', 'binary': 'nova-compute'}, '2.1'),
        ('PUT', f'/os-services/{UNKNOWN}', {'status': 'disabled'}, '2.53'),
        ('DELETE', f'/os-services/{UNKNOWN}', None, '2.53'),
        ('DELETE', '/os-services/99', None, '2.1'),
        ('GET', f'/os-hypervisors/{UNKNOWN}', None, '2.53'),
        ('GET', '/os-hypervisors/99', None, '2.1'),
        ('GET', '/os-hypervisors/far/search', None, '2.1'),
        ('GET', '/os-console-auth-tokens/whatever', None, '2.31'),
    ],
)
def test_what_may_be_in_a_cell_that_is_away_is_not_said_to_be_missing(running, method, path, body, version):
    assert running.fault(method, path, body, version, token='admin')[0] == 404
    running.lost_cell('far')
    answer = running.request(method, path, body, version, 'admin', status=503)
    assert 'But cell lost does not answer.' in answer.json['serviceUnavailable']['message']
    assert answer.headers['Retry-After']
