import datetime

import pytest

from nova.domain.flavor import Flavor
from tests.unit.api.servers.world import NOW


@pytest.fixture
def running(cloud):
    cloud.host_reports()
    cloud.daemons()
    return cloud


def listed(cloud, query=''):
    return {
        (entry['host_name'], entry['service'], entry['zone'])
        for entry in cloud.get(f'/os-hosts{query}', token='admin')['hosts']
    }


def test_hosts_are_listed_with_what_runs_on_them(running):
    compute = ('compute', 'compute', 'nova')
    daemons = {('controller', 'scheduler', 'internal'), ('controller', 'conductor', 'internal')}
    assert listed(running) == {compute} | daemons
    assert listed(running, '?zone=internal') == daemons
    assert listed(running, '?zone=nova&service=compute') == {compute}
    assert listed(running, '?service=scheduler') == {('controller', 'scheduler', 'internal')}


def test_a_host_shows_what_it_has_and_what_each_project_takes(running):
    running.server(1)
    running.server(2, project_id='other', flavor=Flavor('big', 'm1.big', 2, 2048, 20))
    shown = [entry['resource'] for entry in running.get('/os-hosts/compute', token='admin')['host']]
    assert {entry['host'] for entry in shown} == {'compute'}
    assert [(entry['project'], entry['cpu'], entry['memory_mb'], entry['disk_gb']) for entry in shown] == [
        ('(total)', 2, 8192, 1028),
        ('(used_now)', 3, 3072, 21),
        ('(used_max)', 3, 2560, 21),
        ('demo', 1, 512, 1),
        ('other', 2, 2048, 20),
    ]


@pytest.mark.parametrize(
    ('method', 'path', 'body', 'status', 'text'),
    [
        ('PUT', '', {'status': 'enable'}, 501, 'Virt driver does not implement host disabled status.'),
        ('PUT', '', {'maintenance_mode': 'disable'}, 501, 'Virt driver does not implement host maintenance mode.'),
        ('PUT', '', {}, 400, None),
        ('PUT', '', {'status': 'on'}, 400, None),
        ('PUT', '', {'status': 'enable', 'more': 1}, 400, None),
        ('GET', '/reboot', None, 501, 'Virt driver does not implement host power management.'),
        ('GET', '/shutdown', None, 501, 'Virt driver does not implement host power management.'),
        ('GET', '/startup', None, 501, 'Virt driver does not implement host power management.'),
    ],
)
def test_hosts_are_not_switched_from_here(running, method, path, body, status, text):
    found, message = running.fault(method, f'/os-hosts/compute{path}', body, token='admin')
    assert found == status
    assert text in (None, message)


@pytest.mark.parametrize('path', ['', '/reboot'])
def test_what_is_no_compute_host_is_not_found(running, path):
    for name in ('controller', 'none'):
        status, message = running.fault('GET', f'/os-hosts/{name}{path}', token='admin')
        assert (status, message) == (404, f'Compute host {name} could not be found.')


def test_a_host_that_is_away_cannot_be_asked(running):
    object.__setattr__(running.services, 'clock', lambda: NOW + datetime.timedelta(seconds=61))
    status, message = running.fault('GET', '/os-hosts/compute/reboot', token='admin')
    assert (status, message) == (400, 'Compute service of compute is unavailable at this time.')


@pytest.mark.parametrize('path', ['/os-hosts', '/os-hosts/compute', '/os-hosts/compute/reboot'])
def test_hosts_ended_with_2_43(running, path):
    assert running.fault('GET', path, version='2.43', token='admin')[0] == 404
    assert running.fault('GET', path, version='2.42', token='member')[0] == 403
