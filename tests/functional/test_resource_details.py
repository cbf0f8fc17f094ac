"""What holds for flavors, key pairs, quotas and their like, however many change them at once."""

import collections
import concurrent.futures
import json

import pytest
import webob

from tests.unit.api.cloud import PUBLIC_KEY

AT_ONCE = 6


def at_once(cloud, method, path, bodies, token='member', version=None):
    """Send requests to as many API processes at the same time; how often each status was answered."""
    callers = [cloud.api(token, cloud.new_app()) for _body in bodies]
    with concurrent.futures.ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(lambda caller, body: caller.ask(method, path, body, version), callers, bodies))
    return collections.Counter(answer.status_int for answer in answers)


def keypair(name):
    return {'keypair': {'name': name, 'public_key': PUBLIC_KEY}}


@pytest.mark.every_database
def test_a_user_gets_no_more_key_pairs_than_they_may(cloud):
    cloud.api('admin').put('/os-quota-sets/demo', {'quota_set': {'key_pairs': 2}})
    bodies = [keypair(f'key-{number}') for number in range(AT_ONCE)]
    assert at_once(cloud, 'POST', '/os-keypairs', bodies) == {200: 2, 403: AT_ONCE - 2}
    assert len(cloud.api().get('/os-keypairs')['keypairs']) == 2


@pytest.mark.every_database
def test_a_project_gets_no_more_server_groups_than_it_may(cloud):
    cloud.api('admin').put('/os-quota-sets/demo', {'quota_set': {'server_groups': 2}})
    bodies = [{'server_group': {'name': 'web', 'policies': ['affinity']}}] * AT_ONCE
    assert at_once(cloud, 'POST', '/os-server-groups', bodies) == {200: 2, 403: AT_ONCE - 2}


@pytest.mark.every_database
@pytest.mark.parametrize(
    ('path', 'body'),
    [
        ('/flavors', {'flavor': {'name': 'rare', 'ram': 1, 'vcpus': 1, 'disk': 1}}),
        ('/os-keypairs', keypair('rare')),
        ('/os-aggregates', {'aggregate': {'name': 'rare'}}),
    ],
)
def test_a_name_is_given_once(cloud, path, body):
    assert at_once(cloud, 'POST', path, [body] * AT_ONCE, 'admin') == {200: 1, 409: AT_ONCE - 1}


@pytest.mark.every_database
@pytest.mark.parametrize(
    ('path', 'wrapper'),
    [
        ('/os-quota-sets/demo', 'quota_set'),
        ('/os-quota-sets/demo?user_id=alice', 'quota_set'),
        ('/os-quota-class-sets/default', 'quota_class_set'),
    ],
)
def test_of_many_who_set_a_limit_one_is_the_last(cloud, path, wrapper):
    admin, limits = cloud.api('admin'), range(1, AT_ONCE + 1)
    bodies = [{wrapper: {'cores': limit, 'ram': limit}} for limit in limits]
    assert at_once(cloud, 'PUT', path, bodies, 'admin') == {200: AT_ONCE}
    found = admin.get(path)[wrapper]
    assert found['cores'] in limits
    assert found['ram'] in limits


@pytest.mark.every_database
@pytest.mark.parametrize(
    ('method', 'path', 'body', 'status'),
    [
        ('POST', '/flavors', {'flavor': {'name': 'é' * 255, 'id': 'f' * 255, 'ram': 1, 'vcpus': 1, 'disk': 1}}, 200),
        ('PUT', '/flavors/small', {'flavor': {'description': '日' * 30_000}}, 200),
        ('POST', '/os-keypairs', keypair('k' * 255), 201),
        ('POST', '/os-keypairs', {'keypair': {'name': 'long', 'public_key': PUBLIC_KEY + ' ' + '日' * 21_000}}, 201),
        ('POST', '/os-keypairs', {'keypair': {'name': 'long', 'public_key': PUBLIC_KEY + ' ' + '日' * 22_000}}, 400),
        ('PUT', f'/os-quota-sets/{"p" * 255}', {'quota_set': {'cores': 1}}, 200),
        ('PUT', f'/os-quota-sets/{"p" * 256}', {'quota_set': {'cores': 1}}, 400),
        ('PUT', f'/os-quota-sets/demo?user_id={"u" * 255}', {'quota_set': {'cores': 1}}, 200),
        ('PUT', f'/os-quota-sets/demo?user_id={"u" * 256}', {'quota_set': {'cores': 1}}, 400),
        ('PUT', f'/os-quota-class-sets/{"c" * 255}', {'quota_class_set': {'cores': 1}}, 200),
        ('PUT', f'/os-quota-class-sets/{"c" * 256}', {'quota_class_set': {'cores': 1}}, 400),
    ],
)
def test_the_longest_texts_fit_and_longer_ones_are_refused(cloud, method, path, body, status):
    headers = {'X-Auth-Token': 'admin', 'Content-Type': 'application/json', 'OpenStack-API-Version': 'compute 2.60'}
    # Not in ASCII, in which it would be too long to be read.
    raw = json.dumps(body, ensure_ascii=False).encode()
    answer = webob.Request.blank(f'/v2.1{path}', method=method, headers=headers, body=raw).get_response(cloud.app)
    assert answer.status_int == status, answer.text
