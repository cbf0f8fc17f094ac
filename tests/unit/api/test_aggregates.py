import pytest

from tests.unit.api.servers.world import IMAGE_ID


@pytest.fixture
def zoned(cloud):
    cloud.host_reports()
    cloud.zone('london', 'compute')
    cloud.zone('paris')
    return cloud


def test_aggregates_are_listed_with_their_hosts(zoned):
    found = zoned.get('/os-aggregates', '2.40', token='admin')['aggregates']
    assert [(entry['name'], entry['availability_zone'], entry['hosts']) for entry in found] == [
        ('london', 'london', ['compute']),
        ('paris', 'paris', []),
    ]
    assert zoned.get('/os-aggregates/2', '2.40', token='admin')['aggregate'] == found[1]


@pytest.mark.parametrize(('version', 'shown'), [('2.40', False), ('2.41', True)])
def test_the_uuid_is_shown_since_2_41(zoned, version, shown):
    assert ('uuid' in zoned.get('/os-aggregates/1', version, token='admin')['aggregate']) is shown


@pytest.mark.parametrize(('which', 'status'), [('3', 404), ('london', 400), ('%D9%A1', 400), ('99999999999', 400)])
def test_an_aggregate_that_is_not_there(zoned, which, status):
    assert zoned.fault('GET', f'/os-aggregates/{which}', token='admin')[0] == status


def act(cloud, number, action, fields, status=200, version='2.41'):
    answer = cloud.send(
        'POST', f'/os-aggregates/{number}/action', {action: fields}, version, token='admin', status=status
    )
    return answer['aggregate'] if status == 200 else next(iter(answer.values()))['message']


def make(cloud, name='new', status=200, **fields):
    body = {'aggregate': {'name': name} | fields}
    answer = cloud.send('POST', '/os-aggregates', body, '2.41', token='admin', status=status)
    return answer['aggregate'] if status == 200 else next(iter(answer.values()))['message']


def change(cloud, number, status=200, **fields):
    answer = cloud.send('PUT', f'/os-aggregates/{number}', {'aggregate': fields}, '2.41', token='admin', status=status)
    return answer['aggregate'] if status == 200 else next(iter(answer.values()))['message']


def test_an_aggregate_is_made_with_a_zone_or_without(cloud):
    made = make(cloud, 'one', availability_zone='london')
    assert made['availability_zone'] == 'london'
    assert 'hosts' not in made
    assert 'metadata' not in made
    shown = cloud.get(f'/os-aggregates/{made["id"]}', token='admin')['aggregate']
    assert shown['metadata'] == {'availability_zone': 'london'}
    assert make(cloud, 'two', availability_zone=None)['availability_zone'] is None
    assert make(cloud, 'three')['availability_zone'] is None
    assert make(cloud, 'one', status=409) == 'Aggregate one already exists.'


@pytest.mark.parametrize(
    'fields',
    [
        {'name': ''},
        {'name': 'x' * 256},
        {'name': ' x'},
        {'name': None},
        {'name': 'x', 'availability_zone': 'a:b'},
        {'name': 'x', 'availability_zone': ''},
        {'name': 'x', 'availability_zone': 'z' * 256},
        {'name': 'x', 'metadata': {}},
        {'availability_zone': 'x'},
    ],
)
def test_what_no_aggregate_can_be(cloud, fields):
    assert cloud.fault('POST', '/os-aggregates', {'aggregate': fields}, token='admin')[0] == 400


def test_name_and_zone_change(zoned):
    changed = change(zoned, 2, name='oslo', availability_zone='oslo')
    assert (changed['name'], changed['availability_zone']) == ('oslo', 'oslo')
    assert changed['updated_at'] is not None
    assert change(zoned, 2, availability_zone=None)['metadata'] == {}
    assert change(zoned, 2, status=409, name='london') == 'Aggregate london already exists.'
    assert change(zoned, 2, status=400)
    assert zoned.fault('PUT', '/os-aggregates/9', {'aggregate': {'name': 'x'}}, token='admin') == (
        404,
        'Aggregate 9 could not be found.',
    )


def test_metadata_is_added_changed_and_removed(zoned):
    assert act(zoned, 2, 'set_metadata', {'metadata': {'ssd': 'true', 'empty': ''}})['metadata'] == {
        'availability_zone': 'paris',
        'ssd': 'true',
        'empty': '',
    }
    changed = act(zoned, 2, 'set_metadata', {'metadata': {'ssd': None, 'none': None, 'empty': 'no'}})
    assert changed['metadata'] == {'availability_zone': 'paris', 'empty': 'no'}
    assert act(zoned, 2, 'set_metadata', {'metadata': {'availability_zone': None}})['availability_zone'] is None


@pytest.mark.parametrize(
    'metadata',
    [{'k' * 256: 'x'}, {'k': 'v' * 256}, {'k': 1}, {'bad/key': 'x'}, {'availability_zone': ''}]
    + [{'availability_zone': 'a:b'}, None, 'x'],
)
def test_what_no_metadata_can_be(zoned, metadata):
    act(zoned, 2, 'set_metadata', {'metadata': metadata}, status=400)


def test_only_an_empty_aggregate_is_deleted(zoned):
    assert zoned.fault('DELETE', '/os-aggregates/1', token='admin') == (
        400,
        'Cannot remove aggregate 1. Reason: Host aggregate is not empty.',
    )
    act(zoned, 1, 'remove_host', {'host': 'compute'})
    zoned.send('DELETE', '/os-aggregates/1', token='admin', status=200)
    assert zoned.fault('DELETE', '/os-aggregates/1', token='admin') == (404, 'Aggregate 1 could not be found.')


def test_hosts_join_and_leave(cloud):
    number = make(cloud)['id']
    assert act(cloud, number, 'add_host', {'host': 'compute'})['hosts'] == ['compute']
    again = act(cloud, number, 'add_host', {'host': 'compute'}, status=409)
    assert again == f'Aggregate {number} already has host compute.'
    unknown = act(cloud, number, 'add_host', {'host': 'nowhere'}, status=404)
    assert unknown == 'Compute host nowhere could not be found.'
    act(cloud, number, 'add_host', {'host': 'no host'}, status=400)
    assert act(cloud, number, 'remove_host', {'host': 'compute'})['hosts'] == []
    assert act(cloud, number, 'remove_host', {'host': 'compute'}, status=404)
    act(cloud, 99, 'add_host', {'host': 'compute'}, status=404)
    act(cloud, 99, 'remove_host', {'host': 'compute'}, status=404)


def test_a_host_is_in_one_zone_only(zoned):
    refusal = "Reason: One or more hosts already in availability zone(s) ['london']."
    message = act(zoned, 2, 'add_host', {'host': 'compute'}, status=409)
    assert message == f'Cannot add host to aggregate 2. {refusal}'
    other = make(zoned)['id']
    act(zoned, other, 'add_host', {'host': 'compute'})
    assert change(zoned, other, status=400, availability_zone='rome') == f'Cannot update aggregate {other}. {refusal}'
    metadata = {'metadata': {'availability_zone': 'rome'}}
    message = act(zoned, other, 'set_metadata', metadata, status=400)
    assert message == f'Cannot update metadata of aggregate {other}. {refusal}'
    assert change(zoned, other, availability_zone='london')['availability_zone'] == 'london'
    assert change(zoned, other, availability_zone=None)['availability_zone'] is None


def test_servers_do_not_change_their_zone_with_their_host(zoned):
    zoned.server()
    refusal = 'Reason: One or more hosts contain instances in this zone.'
    for zone in ('rome', None):
        assert change(zoned, 1, status=400, availability_zone=zone) == f'Cannot update aggregate 1. {refusal}'
    message = act(zoned, 1, 'remove_host', {'host': 'compute'}, status=409)
    assert message == f'Cannot remove host from aggregate 1. {refusal}'
    assert change(zoned, 1, availability_zone='london', name='big')['name'] == 'big'
    assert zoned.get('/os-aggregates/1', token='admin')['aggregate']['hosts'] == ['compute']


def test_a_host_with_servers_joins_where_its_zone_stays(cloud):
    cloud.server()
    number = make(cloud, availability_zone='rome')['id']
    message = act(cloud, number, 'add_host', {'host': 'compute'}, status=409)
    assert message.endswith('Reason: One or more hosts contain instances in this zone.')
    # The default zone is where the host was anyway.
    assert act(cloud, make(cloud, 'a', availability_zone='nova')['id'], 'add_host', {'host': 'compute'})['hosts']
    assert act(cloud, make(cloud, 'b')['id'], 'add_host', {'host': 'compute'})['hosts']


def test_images_are_sent_to_the_hosts_of_the_aggregate(zoned):
    body = {'cache': [{'id': IMAGE_ID}]}
    zoned.send('POST', '/os-aggregates/1/images', body, '2.81', token='admin', status=202)
    zoned.send('POST', '/os-aggregates/2/images', body, '2.81', token='admin', status=202)
    assert zoned.bus.cached == [(('compute',), (IMAGE_ID,))]
    assert zoned.fault('POST', '/os-aggregates/1/images', body, '2.80', token='admin')[0] == 404
    assert zoned.fault('POST', '/os-aggregates/9/images', body, '2.81', token='admin')[0] == 404
    assert zoned.fault('POST', '/os-aggregates/1/images', body, '2.81')[0] == 403


@pytest.mark.parametrize(
    'cache',
    [[], [{'id': 'x'}], [{}], None, [{'id': IMAGE_ID}] * 2, [{'id': '00000000-0000-4000-8000-000000000009'}]],
)
def test_images_that_cannot_be_fetched_are_refused(zoned, cache):
    assert zoned.fault('POST', '/os-aggregates/1/images', {'cache': cache}, '2.81', token='admin')[0] == 400
    assert zoned.bus.cached == []


def test_a_list_costs_the_same_however_many_aggregates_there_are(zoned):
    def cost():
        before = zoned.databases.statements.value
        zoned.get('/os-aggregates', token='admin')
        return zoned.databases.statements.value - before

    few = cost()
    for number in range(5):
        make(zoned, f'more {number}')
    assert cost() == few
