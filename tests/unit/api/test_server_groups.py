import pytest

from nova.domain.flavor import Flavor

NAMED = {'name': 'web'}


def make(cloud, version='2.64', token='member', **fields):
    body = {'server_group': NAMED | {'policy': 'anti-affinity'} | fields}
    return cloud.send('POST', '/os-server-groups', body, version, token, status=200)['server_group']


def names(cloud, query='', token='member', version='2.64'):
    return [group['name'] for group in cloud.get(f'/os-server-groups{query}', version, token)['server_groups']]


@pytest.mark.parametrize(
    ('version', 'fields', 'accepted'),
    [
        ('2.1', {'policies': ['affinity']}, True),
        ('2.1', {'policies': ['anti-affinity']}, True),
        ('2.14', {'policies': ['soft-affinity']}, False),
        ('2.15', {'policies': ['soft-affinity']}, True),
        ('2.63', {'policies': ['soft-anti-affinity']}, True),
        ('2.63', {'policies': ['affinity', 'anti-affinity']}, False),
        ('2.63', {'policies': []}, False),
        ('2.63', {'policies': 'affinity'}, False),
        ('2.63', {'policies': ['legacy']}, False),
        ('2.63', {'policy': 'affinity'}, False),
        ('2.64', {'policies': ['affinity']}, False),
        ('2.64', {'policy': 'affinity'}, True),
        ('2.64', {'policy': 'affinity', 'rules': {}}, True),
        ('2.64', {'policy': 'affinity', 'rules': {'max_server_per_host': 2}}, False),
        ('2.64', {'policy': 'soft-anti-affinity', 'rules': {'max_server_per_host': 2}}, False),
        ('2.64', {'policy': 'anti-affinity', 'rules': {'max_server_per_host': 2}}, True),
        ('2.64', {'policy': 'anti-affinity', 'rules': {'max_server_per_host': '2'}}, True),
        ('2.64', {'policy': 'anti-affinity', 'rules': {'max_server_per_host': 0}}, False),
        ('2.64', {'policy': 'anti-affinity', 'rules': {'max_server_per_host': '0'}}, False),
        ('2.64', {'policy': 'anti-affinity', 'rules': {'other': 2}}, False),
        ('2.64', {'policy': 'anti-affinity', 'name': ' '}, False),
        ('2.64', {'policy': 'anti-affinity', 'name': 'x' * 256}, False),
    ],
)
def test_what_a_group_may_be_asked_to_be(cloud, version, fields, accepted):
    body = {'server_group': NAMED | fields}
    cloud.send('POST', '/os-server-groups', body, version, status=200 if accepted else 400)


def test_rules_are_numbers_and_shown_with_the_policy(cloud):
    made = make(cloud, rules={'max_server_per_host': '3'})
    shown = cloud.get(f'/os-server-groups/{made["id"]}', '2.64')['server_group']
    assert shown == made
    assert shown == {
        'id': made['id'],
        'name': 'web',
        'policy': 'anti-affinity',
        'rules': {'max_server_per_host': 3},
        'members': [],
        'project_id': 'demo',
        'user_id': 'alice',
    }


@pytest.mark.parametrize(
    ('version', 'keys'),
    [
        ('2.12', {'policies', 'metadata'}),
        ('2.13', {'policies', 'metadata', 'project_id', 'user_id'}),
        ('2.63', {'policies', 'metadata', 'project_id', 'user_id'}),
        ('2.64', {'policy', 'rules', 'project_id', 'user_id'}),
    ],
)
def test_what_is_shown_at_each_version(cloud, version, keys):
    made = make(cloud)
    shown = cloud.get(f'/os-server-groups/{made["id"]}', version)['server_group']
    assert set(shown) == keys | {'id', 'name', 'members'}
    assert shown.get('policies', ['anti-affinity']) == ['anti-affinity']


def test_only_living_servers_are_members(cloud):
    made = make(cloud)
    first, second = (cloud.server(number).id for number in (1, 2))
    cloud.join_group(made['id'], second, first)
    path = f'/os-server-groups/{made["id"]}'
    assert cloud.get(path)['server_group']['members'] == [first, second]
    cloud.forget(first)
    assert cloud.get(path)['server_group']['members'] == [second]
    assert cloud.get('/os-server-groups')['server_groups'][0]['members'] == [second]


def test_pages_are_cut_by_limit_and_offset(cloud):
    for name in 'abcd':
        make(cloud, name=name)
    assert names(cloud) == ['a', 'b', 'c', 'd']
    assert names(cloud, '?limit=2') == ['a', 'b']
    assert names(cloud, '?limit=2&offset=1') == ['b', 'c']
    assert names(cloud, '?offset=3') == ['d']
    assert names(cloud, '?offset=9') == []


@pytest.mark.parametrize('query', ['limit=-1', 'limit=x', 'offset=-1', 'offset=x', 'offset=9999999999'])
def test_a_wrong_parameter_is_refused(cloud, query):
    assert cloud.fault('GET', f'/os-server-groups?{query}')[0] == 400


@pytest.mark.parametrize(('version', 'status'), [('2.74', 200), ('2.75', 400)])
def test_unknown_parameters_are_refused_from_2_75(cloud, version, status):
    cloud.get('/os-server-groups?unknown=1', version, status=status)


def test_a_project_sees_its_own_and_administrators_all(cloud):
    make(cloud, name='mine')
    make(cloud, name='theirs', token='stranger')
    assert names(cloud) == names(cloud, token='reader') == ['mine']
    assert names(cloud, token='stranger') == ['theirs']
    assert names(cloud, token='admin') == []
    assert names(cloud, '?all_projects', token='admin') == names(cloud, '?all_projects=1', token='admin')
    assert names(cloud, '?all_projects=True', token='admin') == ['mine', 'theirs']
    status, message = cloud.fault('GET', '/os-server-groups?all_projects=True')
    assert status == 403
    assert 'os_compute_api:os-server-groups:index:all_projects' in message


def test_groups_of_other_projects_are_for_administrators(cloud):
    path = f'/os-server-groups/{make(cloud)["id"]}'
    assert cloud.fault('GET', path, token='stranger')[0] == 403
    assert cloud.fault('DELETE', path, token='stranger')[0] == 403
    assert cloud.fault('DELETE', path, token='reader')[0] == 403
    cloud.get(path, token='reader')
    cloud.get(path, token='admin')
    cloud.send('DELETE', path, token='admin', status=204)


def test_a_deleted_group_is_gone_and_its_servers_are_not(cloud):
    made = make(cloud)
    server = cloud.server()
    cloud.join_group(made['id'], server.id)
    path = f'/os-server-groups/{made["id"]}'
    cloud.send('DELETE', path, status=204)
    missing = (404, f'Instance group {made["id"]} could not be found.')
    assert cloud.fault('GET', path) == cloud.fault('DELETE', path) == missing
    assert cloud.get(f'/servers/{server.id}', '2.71')['server']['server_groups'] == []


def test_the_number_of_groups_is_limited(cloud):
    limit = {'quota_set': {'server_groups': 2}}
    cloud.send('PUT', '/os-quota-sets/demo', limit, token='admin', status=200)
    make(cloud)
    make(cloud)
    refused = (403, 'Quota exceeded, too many server groups.')
    assert cloud.fault('POST', '/os-server-groups', {'server_group': NAMED | {'policies': ['affinity']}}) == refused
    used = cloud.get('/os-quota-sets/demo/detail', token='admin')['quota_set']['server_groups']
    assert used == {'limit': 2, 'in_use': 2, 'reserved': 0}
    # Another project has room of its own.
    make(cloud, token='stranger')


def test_one_user_of_a_project_may_have_fewer_groups(cloud):
    limit = {'quota_set': {'server_groups': 1}}
    cloud.send('PUT', '/os-quota-sets/demo?user_id=alice', limit, token='admin', status=200)
    make(cloud, token='manager')
    make(cloud)
    assert cloud.fault('POST', '/os-server-groups', {'server_group': NAMED | {'policies': ['affinity']}})[0] == 403
    make(cloud, token='manager')


def test_a_list_costs_the_same_however_many_groups_there_are(cloud):
    def cost():
        before = cloud.databases.statements.value
        assert cloud.get('/os-server-groups')['server_groups']
        return cloud.databases.statements.value - before

    make(cloud)
    one = cost()
    for number in range(1, 6):
        made = make(cloud)
        cloud.join_group(made['id'], cloud.server(number, flavor=Flavor('1', 'm1.tiny', 1, 512, 1)).id)
    assert cost() == one
