import pytest

from nova import errors
from nova.api import quota
from nova.db.stores import mappings
from nova.domain.flavor import Flavor
from tests.published import sample
from tests.unit.api.cloud import Cloud

OWN = '/os-quota-sets/demo'
DEFAULTS = {'cores': 20, 'instances': 10, 'ram': 51200}


def put(cloud, body, path=OWN, version='2.93', status=200):
    return cloud.send('PUT', path, {'quota_set': body}, version, token='admin', status=status)


def shown(cloud, path=OWN, version='2.93', token='member'):
    return cloud.get(path, version, token=token)['quota_set']


def test_project_stands_above_class_and_class_above_options(cloud):
    assert shown(cloud)['cores'] == 20
    body = {'quota_class_set': {'cores': 30}}
    cloud.send('PUT', '/os-quota-class-sets/default', body, '2.93', token='admin', status=200)
    assert shown(cloud)['cores'] == shown(cloud, f'{OWN}/defaults')['cores'] == 30
    put(cloud, {'cores': 40})
    assert (shown(cloud)['cores'], shown(cloud, f'{OWN}/defaults')['cores']) == (40, 30)
    put(cloud, {'cores': 5}, f'{OWN}?user_id=alice')
    assert (shown(cloud, f'{OWN}?user_id=alice')['cores'], shown(cloud)['cores']) == (5, 40)
    cloud.send('DELETE', f'{OWN}?user_id=alice', None, '2.93', token='admin', status=202)
    assert shown(cloud, f'{OWN}?user_id=alice')['cores'] == 40
    cloud.send('DELETE', OWN, None, '2.93', token='admin', status=202)
    assert shown(cloud)['cores'] == 30


def test_a_users_limit_is_not_above_the_projects(cloud):
    status, message = cloud.fault('PUT', f'{OWN}?user_id=alice', {'quota_set': {'cores': 21}}, '2.93', token='admin')
    assert (status, message) == (400, 'Quota limit 21 for cores must be less than or equal to 20.')


@pytest.mark.parametrize('limit', [-2, '-2', 'x', 1.5, None, 2147483648])
def test_a_limit_is_a_number_from_minus_one(cloud, limit):
    assert cloud.fault('PUT', OWN, {'quota_set': {'cores': limit}}, '2.93', token='admin')[0] == 400
    assert put(cloud, {'cores': '-1'})['quota_set']['cores'] == -1


@pytest.mark.parametrize(
    ('name', 'last'),
    [('fixed_ips', '2.35'), ('security_groups', '2.35'), ('injected_files', '2.56'), ('networks', '2.35')],
)
def test_what_was_limited_once(cloud, name, last):
    after = f'2.{int(last.partition(".")[2]) + 1}'
    put(cloud, {name: 5}, version=last)
    assert cloud.fault('PUT', OWN, {'quota_set': {name: 5}}, after, token='admin')[0] == 400
    assert name not in shown(cloud, version=after)


def test_a_limit_below_what_is_used_needs_force(cloud):
    cloud.server()
    status, message = cloud.fault('PUT', OWN, {'quota_set': {'instances': 0}}, '2.93', token='admin')
    assert status == 400
    assert 'instances must be greater than or equal to already used and reserved 1' in message
    assert put(cloud, {'instances': 0, 'force': True})['quota_set']['instances'] == 0


def test_detail_counts_servers_in_cells_and_on_the_way(cloud):
    cloud.server()
    with cloud.databases.api.writing() as tx:
        mappings.create_many(tx, [('00000000-0000-4000-8000-000000000099', 'demo', 'alice', 2, 2048)])
    used = {name: entry['in_use'] for name, entry in shown(cloud, f'{OWN}/detail').items() if name in DEFAULTS}
    assert used == {'instances': 2, 'cores': 3, 'ram': 2560}
    absolute = cloud.get('/limits', '2.93')['limits']['absolute']
    assert (absolute['totalInstancesUsed'], absolute['totalCoresUsed'], absolute['totalRAMUsed']) == (2, 3, 2560)


@pytest.mark.parametrize(
    ('method', 'path', 'token', 'status'),
    [
        ('GET', '/os-quota-sets/other', 'member', 403),
        ('GET', '/os-quota-sets/other', 'admin', 200),
        ('GET', '/os-quota-sets/other/detail', 'member', 403),
        ('GET', '/os-quota-sets/other/defaults', 'member', 200),
        ('GET', OWN, 'roleless', 403),
        ('PUT', OWN, 'manager', 403),
        ('DELETE', OWN, 'manager', 403),
        ('GET', '/os-quota-class-sets/default', 'member', 403),
        ('GET', '/limits?tenant_id=other', 'member', 403),
        ('GET', '/limits?tenant_id=other', 'admin', 200),
        ('GET', '/limits?tenant_id=demo', 'member', 200),
    ],
)
def test_who_may(cloud, method, path, token, status):
    cloud.request(method, path, {'quota_set': {}} if method == 'PUT' else None, '2.93', token, status)


def test_a_project_that_keystone_does_not_know_gets_no_quota(cloud):
    class Identity:
        def project_exists(self, context, project_id):
            return project_id == 'demo'

    object.__setattr__(cloud.services, 'identity', Identity())
    put(cloud, {'cores': 1})
    put(cloud, {'cores': 1}, '/os-quota-sets/typo', status=400)


@pytest.mark.parametrize(
    ('used', 'deltas', 'text'),
    [
        ({'cores': 19, 'ram': 0}, {'cores': 1, 'ram': 51200}, None),
        (
            {'cores': 4, 'ram': 51000},
            {'cores': 17, 'ram': 512},
            'Quota exceeded for cores, ram: Requested 17, 512, but already used 4, 51000 of 20, 51200 cores, ram',
        ),
        ({'cores': 20, 'ram': 0}, {'cores': 0, 'ram': 1}, None),
        (
            {'cores': 20, 'ram': 0},
            {'cores': 1, 'ram': 1},
            'Quota exceeded for cores: Requested 1, but already used 20 of 20 cores',
        ),
    ],
)
def test_the_excess_is_named(used, deltas, text):
    if text is None:
        quota.refuse_excess(DEFAULTS, used, deltas)
        return
    with pytest.raises(errors.OverQuota) as refusal:
        quota.refuse_excess(DEFAULTS, used, deltas)
    assert str(refusal.value) == text


def test_nothing_is_exceeded_where_nothing_is_limited():
    quota.refuse_excess({'cores': -1}, {'cores': 1000}, {'cores': 1000})


def test_room_is_what_the_scarcest_limit_leaves(cloud):
    from types import SimpleNamespace

    request = SimpleNamespace(
        context=SimpleNamespace(project_id='demo', user_id='alice'),
        settings=cloud.services.settings,
    )
    with cloud.databases.api.writing() as tx:
        assert quota.room(tx, request, Flavor('f', 'f', 6, 1, 1), 1, 10) == 3
        with pytest.raises(errors.OverQuota, match='Requested 24'):
            quota.room(tx, request, Flavor('f', 'f', 6, 1, 1), 4, 9)


@pytest.fixture
def unlimited(tmp_path, template):
    made = Cloud(tmp_path, template, quota_driver='nova.quota.NoopQuotaDriver')
    yield made
    made.databases.close()


@pytest.mark.parametrize(
    ('method', 'path', 'body', 'name'),
    [
        ('GET', OWN, None, 'quotas-show-get-resp.json'),
        ('GET', f'{OWN}?user_id=alice', None, 'user-quotas-show-get-resp.json'),
        ('GET', f'{OWN}/defaults', None, 'quotas-show-defaults-get-resp.json'),
        ('GET', f'{OWN}/detail', None, 'quotas-show-detail-get-resp.json'),
        ('PUT', OWN, 'quotas-update-post-req.json', 'quotas-update-post-resp.json'),
        ('PUT', OWN, 'quotas-update-force-post-req.json', 'quotas-update-force-post-resp.json'),
        ('PUT', f'{OWN}?user_id=alice', 'user-quotas-update-post-req.json', 'user-quotas-update-post-resp.json'),
    ],
)
def test_where_nothing_is_limited_all_is_minus_one(unlimited, method, path, body, name):
    unlimited.server()
    asked = sample(f'os-quota-sets-noop/{body}') if body else None
    answer = unlimited.send(method, path, asked, '2.1', token='admin', status=200)
    published = sample(f'os-quota-sets-noop/{name}')
    if 'id' in published['quota_set']:
        published['quota_set']['id'] = 'demo'
    assert answer == published


def test_where_nothing_is_limited_nothing_is_counted(unlimited):
    unlimited.server()
    put(unlimited, {'cores': 1})
    absolute = unlimited.get('/limits', '2.93')['limits']['absolute']
    assert set(absolute.values()) == {-1}


def test_another_project_is_looked_up_before_its_limits_are_shown(cloud):
    class Identity:
        def project_exists(self, context, project_id):
            return project_id == 'other'

    object.__setattr__(cloud.services, 'identity', Identity())
    for path in ('', '/detail', '/defaults'):
        assert shown(cloud, f'{OWN}{path}')
        assert shown(cloud, f'/os-quota-sets/other{path}', token='admin')
        status, message = cloud.fault('GET', f'/os-quota-sets/typo{path}', token='admin')
        assert (status, message) == (400, 'Project ID typo is not a valid project.')
