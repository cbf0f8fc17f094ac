"""A small cloud that verbs are asked of."""

import itertools

import pytest

from nova.db.stores import operations
from nova.domain.operation import OperationRow
from tests.standing.verb_calls import call_of
from tests.unit.api.servers.world import CELL_ID, NOW, World, make_template

# Servers of one world differ in their numbers.
NUMBERS = itertools.count(1)


@pytest.fixture
def next_number():
    return lambda: next(NUMBERS)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    template = make_template(tmp_path_factory.mktemp('databases'))
    made = World(
        tmp_path_factory.mktemp('cloud'),
        template,
        quota_driver='nova.quota.NoopQuotaDriver',
        interface_attach_timeout=0.0,
    )
    made.network.add_network('demo')
    made.network.add_network('admin-project')
    yield made
    made.databases.close()


@pytest.fixture
def ask(world):
    """Make a verb's call to a server as described; the status, and the message of a refusal."""

    def call(verb, token=None, activity=None, version='2.96', **fields):
        number = next(NUMBERS)
        operation = None
        if activity:
            operation = fields['operation_id'] = f'operation-{number}'
        server = world.server(number, activity=activity, **fields)
        if operation:
            row = OperationRow(operation, 'reboot', server.id, CELL_ID, deadline_at=NOW, created_at=NOW)
            with world.databases.cell(CELL_ID).writing() as tx:
                operations.start(tx, row)
        method, path, body, caller = call_of(verb, version)
        answer = world.request(method, f'/servers/{server.id}{path}', body, version, token or caller)
        if answer.status_int < 400:
            return answer.status_int, ''
        (particulars,) = answer.json.values()
        return answer.status_int, particulars['message'].replace(server.id, 'X')

    return call
