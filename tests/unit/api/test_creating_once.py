"""What is created in one transaction is created once for each Idempotency-Key."""

import json

import pytest
import webob

from tests.unit.api.cloud import PUBLIC_KEY


def send(cloud, path, body, key):
    headers = {
        'X-Auth-Token': 'owner',
        'Content-Type': 'application/json',
        'OpenStack-API-Version': 'compute 2.91',
        'Idempotency-Key': key,
    }
    asked = webob.Request.blank(f'/v2.1{path}', method='POST', headers=headers, body=json.dumps(body).encode())
    return asked.get_response(cloud.app)


@pytest.mark.parametrize(
    ('path', 'body'),
    [
        ('/flavors', {'flavor': {'name': 'once', 'ram': 1, 'vcpus': 1, 'disk': 1}}),
        ('/os-aggregates', {'aggregate': {'name': 'once'}}),
        ('/os-keypairs', {'keypair': {'name': 'once', 'public_key': PUBLIC_KEY}}),
        ('/os-keypairs', {'keypair': {'name': 'once'}}),
        ('/os-server-groups', {'server_group': {'name': 'once', 'policy': 'affinity'}}),
    ],
    ids=['flavor', 'aggregate', 'imported key', 'generated key', 'server group'],
)
def test_the_same_request_again_gets_the_first_answer(cloud, path, body):
    first, second = send(cloud, path, body, 'one'), send(cloud, path, body, 'one')
    assert first.status_int in (200, 201)
    assert (second.status_int, second.json) == (first.status_int, first.json)
    listed = [name for name in str(cloud.get(path, token='owner')).split("'") if name == 'once']
    assert len(listed) == 1
