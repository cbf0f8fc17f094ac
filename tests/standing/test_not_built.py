"""Which routes still answer 501, and that whatever a verb refuses, it refuses before that."""

import pytest

from nova.api import routes
from nova.domain.lifecycle import TRANSITIONS, Activity
from tests.standing.verb_calls import CALLS, LIVING, entries_of

TABLE = routes.collect()
# The same calls under a second path.
ALIAS = '/os-volumes_boot/'

# Each line goes when an operation stands behind the route. The list only gets shorter.
NOT_BUILT = {
    'DELETE /os-assisted-volume-snapshots/{snapshot_id}',
    'DELETE /servers/{server_id}/migrations/{migration_id}',
    'DELETE /servers/{server_id}/os-volume_attachments/{volume_id}',
    'POST /os-assisted-volume-snapshots',
    'POST /servers/{server_id}/action evacuate',
    'POST /servers/{server_id}/action migrate',
    'POST /servers/{server_id}/action os-migrateLive',
    'POST /servers/{server_id}/migrations/{migration_id}/action force_complete',
    'POST /servers/{server_id}/os-volume_attachments',
    'PUT /servers/{server_id}/os-volume_attachments/{volume_id}',
}


def not_built(entry):
    return 'not_built' in entry.handler.__code__.co_names


def test_the_list_is_exact():
    marked = {entry.name for entry in TABLE if not_built(entry)}
    assert {name for name in marked if ALIAS not in name} == NOT_BUILT
    assert {name.replace(ALIAS, '/servers/') for name in marked if ALIAS in name} <= NOT_BUILT


@pytest.mark.parametrize('verb', CALLS)
def test_what_passes_all_checks_and_is_not_built_is_501_with_a_sentence(ask, verb):
    (name,) = {entry.name for entry in entries_of(verb)}
    state = next(state for state in LIVING if state in TRANSITIONS[verb].allowed)
    status, message = ask(verb, state=state)
    assert (status == 501) == (name in NOT_BUILT)
    if status == 501:
        assert message.endswith(' is not offered by this cloud yet.')


@pytest.mark.parametrize(
    ('method', 'path', 'body', 'action'),
    [('DELETE', '', None, 'abort live migration'), ('POST', '/action', {'force_complete': None}, 'force_complete')],
)
def test_only_a_migration_under_way_is_changed(world, next_number, method, path, body, action):
    idle = world.server(next_number())
    moving = world.server(next_number(), activity=Activity.MIGRATING, operation_id='held')
    answer = world.fault(method, f'/servers/{idle.id}/migrations/1{path}', body, '2.96', 'manager')
    assert answer == (409, f"Cannot '{action}' instance {idle.id} while it is in task_state None")
    assert world.fault(method, f'/servers/{moving.id}/migrations/1{path}', body, '2.96', 'manager')[0] == 501
