"""What is published of each call is what it answers, at each version that changed it."""

import dataclasses
import re

import pytest

from nova.api import routes
from nova.db.stores import migrations, operations
from nova.domain import record
from nova.domain.migration import LIVE, Migration
from nova.domain.operation import OperationRow
from nova.saga.journal import Entry
from tests import published
from tests.unit.api.servers.world import CELL_ID, IMAGE_ID, NOW, PORT

# What lies below depends on the server, not on the version.
OF_SERVER = frozenset(
    {'metadata', 'meta', 'extra_specs', 'tags', 'server_groups', 'os-extended-volumes:volumes_attached', 'rules'}
)
OF_MANAGERS = frozenset({'rule:context_is_admin', 'rule:project_manager_or_admin'})
HERE = 'nova.api.resources.servers'
ROUTES = [route for route in routes.collect() if route.handler.__module__.startswith(HERE)]
ANSWERS = [
    pytest.param(route, sample, id=f'{route.name} {sample}')
    for route in ROUTES
    for sample in route.samples
    if route.method == 'GET'
]


def version_of(name):
    found = re.search(r'/v(2\.\d+)/', name)
    return found[1] if found else '2.1'


def of_admin(sample):
    """Whether a sample shows what only administrators see."""
    text = str(sample)
    return 'OS-EXT-SRV-ATTR:host' in text.replace('OS-EXT-SRV-ATTR:hostname', '') or 'traceback' in text


def stop_server(world, server):
    """What the journal of a finished operation holds."""
    entry = Entry('stop_guest', 1, NOW.timestamp(), NOW.timestamp() + 1, 'did')
    row = OperationRow(
        id='op-1',
        verb='stop',
        server_id=server.id,
        cell_id=CELL_ID,
        project_id='demo',
        user_id='alice',
        request_id='req-1',
        status='done',
        steps=record.dump([entry]),
        deadline_at=NOW,
        created_at=NOW,
        updated_at=NOW,
        finished_at=NOW,
    )
    with world.databases.cell(CELL_ID).writing() as tx:
        operations.start(tx, row)
        operations.start(tx, dataclasses.replace(row, id='op-2', request_id='req-2'))


def migrate_server(world, server):
    """A live migration that is under way."""
    with world.databases.cell(CELL_ID).writing() as tx:
        migrations.record(tx, Migration('move-1', server.id, LIVE, 'running', source_compute='compute'))


@pytest.mark.parametrize(('route', 'name'), ANSWERS)
def test_answers_have_the_keys_and_types_of_the_samples(world, route, name):
    sample, version = published.sample(name), version_of(name)
    group = world.network.add_security_group('demo', 'default')
    server = world.server(ports=(dataclasses.replace(PORT, security_groups=(group.id,)),))
    world.host()
    stop_server(world, server)
    migrate_server(world, server)
    token = 'admin' if of_admin(sample) or route.policy.check in OF_MANAGERS else 'member'
    path = route.path.format(
        server_id=server.id,
        label='private',
        key='foo',
        tag='a',
        port_id=PORT.id,
        request_id='req-1',
        migration_id=1,
        volume_id='none',
    )
    if name.endswith('server-metadata-resp.json'):
        path = path.replace('foo', 'My Server Name')
    query = [f'all_tenants={token == "admin"}'] if route.path in ('/servers', '/servers/detail') else []
    if 'servers_links' in sample:
        query.append('limit=1')
    answer = world.get(f'{path}?{"&".join(query)}', version, token)
    assert published.differences(answer, sample, OF_SERVER) == []


CREATE_REQUESTS = sorted(
    str(path.relative_to(published.DIRECTORY))
    for path in published.DIRECTORY.glob('servers/**/server-create-req*.json')
)


@pytest.mark.parametrize('name', CREATE_REQUESTS)
def test_published_requests_are_valid(name):
    (route,) = (route for route in ROUTES if route.name == 'POST /servers')
    sample, version = published.sample(name), version_of(name)
    number = int(version.split('.')[1])
    if '-v2' in name:
        number = int(name.split('-v2')[1].split('.')[0])
    if number >= 37 and 'networks' not in sample['server']:
        pytest.skip('published without what has been required since 2.37')
    if number >= 57 and 'personality' in sample['server']:
        pytest.skip('published with what was removed in 2.57')
    route.body.check(sample, routes.Version(2, number))


@pytest.mark.parametrize('name', ['servers/server-create-resp.json', 'servers/v2.74/server-create-resp.json'])
def test_the_answer_to_create(world, name):
    world.network.add_network('demo')
    body = {'name': 'a', 'imageRef': IMAGE_ID, 'flavorRef': '1', 'networks': 'auto'}
    version = version_of(name)
    if version == '2.1':
        del body['networks']
    answer = world.send('POST', '/servers', {'server': body}, version, status=202)
    assert published.differences(answer, published.sample(name)) == []


UPDATES = [sample for route in ROUTES if route.name == 'PUT /servers/{server_id}' for sample in route.samples]


@pytest.mark.parametrize('name', UPDATES)
def test_the_answer_to_update(world, name):
    sample, server = published.sample(name), world.server()
    world.host()
    token = 'admin' if of_admin(sample) else 'member'
    body = {'server': {'name': 'new'}}
    answer = world.send('PUT', f'/servers/{server.id}', body, version_of(name), token, status=200)
    assert published.differences(answer, sample, OF_SERVER) == []


def test_consoles(world):
    server = world.server()
    action = f'/servers/{server.id}/action'
    body = published.sample('os-console-output/console-output-post-req.json')
    answer = world.send('POST', action, body, status=200)
    assert answer == published.sample('os-console-output/console-output-post-resp.json')
    body = published.sample('os-remote-consoles/get-vnc-console-post-req.json')
    answer = world.send('POST', action, body, '2.5', status=200)
    assert published.differences(answer, published.sample('os-remote-consoles/get-vnc-console-post-resp.json')) == []
    body = published.sample('os-remote-consoles/v2.6/create-vnc-console-req.json')
    answer = world.send('POST', f'/servers/{server.id}/remote-consoles', body, '2.6', status=200)
    assert published.differences(answer, published.sample('os-remote-consoles/v2.6/create-vnc-console-resp.json')) == []
