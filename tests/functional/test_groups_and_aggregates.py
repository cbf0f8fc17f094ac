"""Groups of servers and of hosts: what the API, the scheduler, the hosts and Placement make of them."""

import concurrent.futures

import pytest

from nova.conductor.reconcilers import untold_memberships
from nova.db.stores import aggregates
from tests.functional.client import body_of


class Aggregates:
    """An administrator who arranges hosts."""

    def __init__(self, cloud, app=None):
        self.cloud, self.api = cloud, cloud.api('admin', app)

    def make(self, name, zone=None):
        body = {'aggregate': {'name': name, 'availability_zone': zone}}
        return self.api.post('/os-aggregates', body, '2.41', 200)['aggregate']

    def act(self, aggregate, action, **fields):
        return self.api.ask('POST', f'/os-aggregates/{aggregate["id"]}/action', {action: fields}, '2.41')

    def add(self, aggregate, host):
        answer = self.act(aggregate, 'add_host', host=host)
        assert answer.status_int == 200, answer.text

    def remove(self, aggregate, host):
        answer = self.act(aggregate, 'remove_host', host=host)
        assert answer.status_int == 200, answer.text

    def in_placement(self, host):
        return sorted(self.cloud.placement.providers[self.cloud.node_id(host)].aggregates)


@pytest.fixture
def arranged(cloud):
    return Aggregates(cloud)


@pytest.mark.every_database
def test_hosts_are_arranged_and_placement_follows(cloud, arranged):
    shared = '00000000-0000-4000-8000-0000000000aa'
    cloud.placement.providers[cloud.node_id('h1')].aggregates = [shared]
    east, ssd = arranged.make('east', 'east'), arranged.make('ssd')
    for aggregate, host in ((east, 'h1'), (ssd, 'h1'), (ssd, 'h2')):
        arranged.add(aggregate, host)
    assert arranged.in_placement('h1') == sorted([shared, east['uuid'], ssd['uuid']])
    assert arranged.in_placement('h2') == [ssd['uuid']]
    answer = arranged.act(ssd, 'set_metadata', metadata={'ssd': 'true'})
    assert answer.json['aggregate']['metadata'] == {'ssd': 'true'}
    found = arranged.api.get('/os-aggregates')['aggregates']
    assert [(entry['name'], entry['hosts']) for entry in found] == [('east', ['h1']), ('ssd', ['h1', 'h2'])]
    zones = cloud.api().get('/os-availability-zone')['availabilityZoneInfo']
    assert [zone['zoneName'] for zone in zones if zone['zoneState']['available']] == ['east', 'nova']
    arranged.remove(ssd, 'h1')
    arranged.remove(east, 'h1')
    assert arranged.in_placement('h1') == [shared]
    arranged.api.delete(f'/os-aggregates/{east["id"]}', status=200)
    assert arranged.api.fault('DELETE', f'/os-aggregates/{ssd["id"]}')[0] == 400


def test_what_placement_missed_while_it_was_away_it_is_told_later(cloud, arranged):
    east = arranged.make('east', 'east')
    cloud.placement.away = True
    arranged.add(east, 'h1')
    arranged.add(east, 'h2')
    arranged.remove(east, 'h2')
    cloud.placement.away = False
    assert arranged.in_placement('h1') == []
    untold_memberships.repair(cloud.means)
    assert arranged.in_placement('h1') == [east['uuid']]
    assert arranged.in_placement('h2') == []
    before = len(cloud.placement.requests)
    untold_memberships.repair(cloud.means)
    assert len(cloud.placement.requests) == before


def test_a_host_that_placement_does_not_know_yet_is_told_once_it_does(cloud, arranged):
    east = arranged.make('east')
    provider = cloud.placement.providers.pop(cloud.node_id('h1'))
    arranged.add(east, 'h1')
    cloud.placement.providers[cloud.node_id('h1')] = provider
    untold_memberships.repair(cloud.means)
    assert arranged.in_placement('h1') == [east['uuid']]


def test_a_server_finds_the_zone_that_was_made_a_moment_ago(cloud, arranged):
    member = cloud.api()
    assert member.ask('POST', '/servers', body_of(availability_zone='east'), '2.37').status_int == 400
    east = arranged.make('east', 'east')
    arranged.add(east, 'h2')
    server_id = member.post('/servers', body_of(availability_zone='east'), '2.37')['server']['id']
    server = cloud.api('owner').wait(server_id)
    assert (server['status'], server['OS-EXT-SRV-ATTR:host']) == ('ACTIVE', 'h2')
    assert server['OS-EXT-AZ:availability_zone'] == 'east'
    # Where servers are, the zone stays.
    assert arranged.act(east, 'remove_host', host='h2').status_int == 409
    assert arranged.act(east, 'set_metadata', metadata={'availability_zone': 'west'}).status_int == 400
    member.delete(f'/servers/{server_id}')
    assert member.wait(server_id) is None
    arranged.remove(east, 'h2')


@pytest.mark.every_database
def test_a_host_comes_into_one_zone_however_many_want_it(cloud, arranged):
    rivals = [Aggregates(cloud, cloud.new_app()) for _number in range(4)]
    wanted = [rival.make(f'zone-{number}', f'zone-{number}') for number, rival in enumerate(rivals)]
    with concurrent.futures.ThreadPoolExecutor(len(rivals)) as pool:
        answers = list(
            pool.map(lambda pair: pair[0].act(pair[1], 'add_host', host='h1'), zip(rivals, wanted, strict=True))
        )
    assert sorted(answer.status_int for answer in answers) == [200, 409, 409, 409]
    holders = [entry for entry in arranged.api.get('/os-aggregates')['aggregates'] if entry['hosts']]
    assert len(holders) == 1


@pytest.mark.every_database
def test_a_group_shows_its_living_servers(cloud):
    member = cloud.api()
    body = {'server_group': {'name': 'web', 'policy': 'anti-affinity', 'rules': {'max_server_per_host': 1}}}
    group = member.post('/os-server-groups', body, '2.64', 200)['server_group']
    path = f'/os-server-groups/{group["id"]}'
    ids = [member.create(hints={'group': group['id']}) for _number in range(2)]
    assert {member.wait(server_id)['status'] for server_id in ids} == {'ACTIVE'}
    assert sorted(member.get(path)['server_group']['members']) == sorted(ids)
    hosts = {cloud.api('owner').server(server_id)['OS-EXT-SRV-ATTR:host'] for server_id in ids}
    assert hosts == {'h1', 'h2'}
    member.delete(f'/servers/{ids[0]}')
    assert member.wait(ids[0]) is None
    assert member.get(path)['server_group']['members'] == ids[1:]
    member.delete(path)
    assert member.server(ids[1], '2.71')['server_groups'] == []


def test_hosts_of_an_aggregate_fetch_images_ahead_of_time(make_cloud):
    cloud = make_cloud(host_names=('h1', 'h2', 'h3'))
    arranged = Aggregates(cloud)
    image_id = cloud.glance.add(b'\x55' * 4096)
    group = arranged.make('group')
    for host in ('h1', 'h2'):
        arranged.add(group, host)
    cloud.stop_host('h1')
    cache = {'cache': [{'id': image_id}]}
    arranged.api.post(f'/os-aggregates/{group["id"]}/images', cache, '2.81', 202)
    cloud.until(lambda: _cached(cloud, 'h2'))
    assert _cached(cloud, 'h1') == []
    cloud.start_host('h1')
    arranged.api.post(f'/os-aggregates/{group["id"]}/images', cache, '2.81', 202)
    cloud.until(lambda: _cached(cloud, 'h1'))
    cloud.until(lambda: cloud.outside.sent.count(('compute', 'cache_images', 'call')) == 4)
    assert _cached(cloud, 'h3') == []
    assert cloud.glance.count(f'/v2/images/{image_id}/file') == 2


def _cached(cloud, host):
    directory = cloud.directory / host / '_base'
    return [path.name for path in directory.glob('*') if path.is_file() and path.suffix != '.part']


def test_of_a_host_that_is_forgotten_nothing_remains_to_be_told(cloud, arranged):
    east = arranged.make('east', 'east')
    arranged.add(east, 'h1')
    cloud.stop_host('h1')
    (daemon,) = arranged.api.get('/os-services?host=h1&binary=nova-compute', '2.53')['services']
    arranged.api.delete(f'/os-services/{daemon["id"]}', '2.53')
    untold_memberships.repair(cloud.means)
    with cloud.databases.api.reading() as tx:
        assert aggregates.untold(tx) == []
    assert arranged.api.get(f'/os-aggregates/{east["id"]}')['aggregate']['hosts'] == []
