"""What was done to a server, as its journals tell it."""

import dataclasses

import pytest

from nova.db.stores import operations
from nova.domain import record
from nova.domain.operation import DONE, OperationRow
from nova.domain.server import Server
from nova.saga.journal import Entry
from tests.unit.api.servers.world import CELL_ID, NOW

DID = Entry('step', 1, NOW.timestamp(), NOW.timestamp() + 1, 'did')


@pytest.fixture
def done(world):
    """Note an operation with these steps on a new server; its address."""

    def call(*entries, parameters=None, **fields):
        server = world.server(**fields)
        row = OperationRow(
            'op', 'reboot', server.id, CELL_ID, request_id='req-1', status=DONE, created_at=NOW,
            parameters=parameters or {}, steps=record.dump(list(entries)),
        )  # fmt: skip
        with world.databases.cell(CELL_ID).writing() as tx:
            operations.start(tx, row)
        return f'/servers/{server.id}/os-instance-actions'

    return call


def hosts(world, path, token='owner'):
    events = world.get(f'{path}/req-1', '2.62', token)['instanceAction']['events']
    return [(event.get('host'), event['hostId']) for event in events]


def host_id(host, project_id='demo'):
    return dataclasses.replace(Server('', '', '', project_id, '', None, None), host=host).host_id


class TestHosts:
    def test_a_step_was_on_the_host_that_the_server_had_then(self, world, done):
        path = done(DID, parameters={'host': 'before'}, host='now')
        assert hosts(world, path) == [('before', host_id('before'))]

    def test_each_attempt_was_on_the_host_that_was_chosen_for_it(self, world, done):
        reserve = dataclasses.replace(DID, name='reserve_room')
        entries = [
            dataclasses.replace(reserve, result={'host': 'first'}),
            DID,
            dataclasses.replace(reserve, attempt=2, result={'host': 'second'}),
            dataclasses.replace(DID, attempt=2),
            dataclasses.replace(reserve, attempt=3, error='No valid host was found.'),
        ]
        path = done(*entries, host=None)
        assert [name for name, _hashed in hosts(world, path)] == ['first', 'first', 'second', 'second', None]
        assert hosts(world, path)[-1] == (None, '')

    def test_users_see_no_more_than_that_hosts_differ(self, world, done):
        path = done(DID, parameters={'host': 'before'})
        assert hosts(world, path, 'member') == [(None, host_id('before'))]


class TestTimes:
    @pytest.mark.parametrize(
        ('query', 'version', 'message'),
        [
            ('changes-since=bad', '2.58', 'Invalid filter field: changes-since.'),
            ('changes-before=bad', '2.66', 'Invalid filter field: changes-before.'),
            (
                'changes-since=2026-01-02&changes-before=2026-01-01',
                '2.66',
                'The value of changes-since must be less than or equal to changes-before.',
            ),
        ],
    )
    def test_what_is_wrong_is_refused_even_if_nothing_was_done(self, world, query, version, message):
        path = f'/servers/{world.server().id}/os-instance-actions?{query}'
        assert world.fault('GET', path, version=version) == (400, message)

    @pytest.mark.parametrize(
        ('query', 'found'),
        [
            ('changes-since=2026-01-02T03:04:05', 1),
            ('changes-since=2026-01-02T03:04:06', 0),
            ('changes-before=2026-01-02T03:04:06', 1),
            ('changes-before=2026-01-02T03:04:05', 0),
            ('changes-since=2026-01-02&changes-before=2026-01-03', 1),
        ],
    )
    def test_operations_are_found_by_when_they_changed(self, world, done, query, found):
        """It changed last at five seconds and a fraction."""
        assert len(world.get(f'{done(DID)}?{query}', '2.66')['instanceActions']) == found
