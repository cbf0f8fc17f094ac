"""Requests that are sent twice, by many at once, on each kind of database."""

import concurrent.futures
import json

import pytest
import webob

from tests.functional.client import body_of

pytestmark = pytest.mark.every_database


def post(app, key, body, path='/servers', token='member'):
    asked = webob.Request.blank(f'/v2.1{path}', method='POST')
    asked.headers.update({'X-Auth-Token': token, 'OpenStack-API-Version': 'compute 2.37', 'Idempotency-Key': key})
    asked.content_type, asked.body = 'application/json', json.dumps(body).encode()
    return asked.get_response(app)


def test_of_many_at_once_one_is_carried_out_and_all_learn_of_it(cloud):
    body, others = body_of(), cloud.new_app()

    def send(number):
        return post(others if number % 2 else cloud.app, 'the same', body)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.status_int for answer in answers} <= {202, 409}
    made = {answer.json['server']['id'] for answer in answers if answer.status_int == 202}
    assert len(made) == 1
    assert all(answer.headers['Retry-After'] for answer in answers if answer.status_int == 409)
    again = post(others, 'the same', body)
    assert (again.status_int, again.json['server']['id']) == (202, made.pop())
    assert len(cloud.api().get('/servers')['servers']) == 1


def test_another_body_is_refused_and_another_key_is_another_server(cloud):
    assert post(cloud.app, 'a', body_of()).status_int == 202
    assert post(cloud.app, 'a', body_of(name='other')).status_int == 422
    assert post(cloud.app, 'b', body_of()).status_int == 202
    assert len(cloud.api().get('/servers')['servers']) == 2


def test_a_verb_is_begun_once(cloud):
    server_id = post(cloud.app, 'create', body_of()).json['server']['id']
    cloud.api().wait(server_id)
    path = f'/servers/{server_id}/action'
    first, second = (post(cloud.app, 'stop', {'os-stop': None}, path) for _ in range(2))
    assert (first.status_int, second.status_int) == (202, 202)
    assert second.headers['Idempotency-Replayed'] == 'true'
    cloud.api().wait(server_id)
    actions = cloud.api().get(f'/servers/{server_id}/os-instance-actions')['instanceActions']
    assert [action['action'] for action in actions].count('stop') == 1
