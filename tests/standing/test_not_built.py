"""Which routes still answer 501, and that whatever a verb refuses, it refuses before that."""

import itertools

import pytest

from nova.api import routes
from nova.db.stores import operations
from nova.domain.lifecycle import TRANSITIONS, Activity, State
from nova.domain.operation import OperationRow
from tests.unit.api.servers.world import CELL_ID, IMAGE_ID, NOW, PORT, World, make_template

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

VOLUME_ID = 'a07f71dc-8151-4e7d-a0cc-cd24a3f11113'
_VOLUME, _VOLUMES = {'volumeAttachment': {'volumeId': VOLUME_ID}}, '/os-volume_attachments'
# For each verb: a call that nothing but the server's state can be wrong with, and who makes it.
CALLS = {
    'stop': ('POST', '/action', {'os-stop': None}, 'member'),
    'start': ('POST', '/action', {'os-start': None}, 'member'),
    'reboot': ('POST', '/action', {'reboot': {'type': 'SOFT'}}, 'member'),
    'reboot_hard': ('POST', '/action', {'reboot': {'type': 'HARD'}}, 'member'),
    'pause': ('POST', '/action', {'pause': None}, 'member'),
    'unpause': ('POST', '/action', {'unpause': None}, 'member'),
    'suspend': ('POST', '/action', {'suspend': None}, 'member'),
    'resume': ('POST', '/action', {'resume': None}, 'member'),
    'rescue': ('POST', '/action', {'rescue': None}, 'member'),
    'unrescue': ('POST', '/action', {'unrescue': None}, 'member'),
    'rebuild': ('POST', '/action', {'rebuild': {'imageRef': IMAGE_ID}}, 'member'),
    'resize': ('POST', '/action', {'resize': {'flavorRef': 'big'}}, 'member'),
    'confirm_resize': ('POST', '/action', {'confirmResize': None}, 'member'),
    'revert_resize': ('POST', '/action', {'revertResize': None}, 'member'),
    'migrate': ('POST', '/action', {'migrate': None}, 'manager'),
    'live_migrate': ('POST', '/action', {'os-migrateLive': {'host': None, 'block_migration': 'auto'}}, 'manager'),
    'evacuate': ('POST', '/action', {'evacuate': {}}, 'admin'),
    'shelve': ('POST', '/action', {'shelve': None}, 'member'),
    'shelve_offload': ('POST', '/action', {'shelveOffload': None}, 'admin'),
    'unshelve': ('POST', '/action', {'unshelve': None}, 'member'),
    'create_image': ('POST', '/action', {'createImage': {'name': 'an image'}}, 'member'),
    'create_backup': (
        'POST',
        '/action',
        {'createBackup': {'name': 'a backup', 'backup_type': 'daily', 'rotation': 1}},
        'member',
    ),
    'change_password': ('POST', '/action', {'changePassword': {'adminPass': 'secret'}}, 'member'),
    'attach_interface': ('POST', '/os-interface', {'interfaceAttachment': {}}, 'member'),
    'detach_interface': ('DELETE', f'/os-interface/{PORT.id}', None, 'member'),
    'attach_volume': ('POST', _VOLUMES, _VOLUME, 'member'),
    'detach_volume': ('DELETE', f'{_VOLUMES}/{VOLUME_ID}', None, 'member'),
    'swap_volume': ('PUT', f'{_VOLUMES}/{IMAGE_ID}', _VOLUME, 'admin'),
    'trigger_crash_dump': ('POST', '/action', {'trigger_crash_dump': None}, 'member'),
    'inject_network_info': ('POST', '/action', {'injectNetworkInfo': None}, 'admin'),
    'restore': ('POST', '/action', {'restore': None}, 'member'),
}
# What has routes of its own kind, or none.
ELSEWHERE = {'create', 'delete', 'soft_delete', 'power_off', 'power_on'}
LIVING = [state for state in State if state is not State.DELETED]
# Servers of one world differ in their numbers.
NUMBERS = itertools.count(1)


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

    def call(verb, token=None, activity=None, **fields):
        number = next(NUMBERS)
        operation = None
        if activity:
            operation = fields['operation_id'] = f'operation-{number}'
        server = world.server(number, activity=activity, **fields)
        if operation:
            row = OperationRow(operation, 'reboot', server.id, CELL_ID, deadline_at=NOW, created_at=NOW)
            with world.databases.cell(CELL_ID).writing() as tx:
                operations.start(tx, row)
        method, path, body, caller = CALLS[verb]
        answer = world.request(method, f'/servers/{server.id}{path}', body, '2.96', token or caller)
        if answer.status_int < 400:
            return answer.status_int, ''
        (particulars,) = answer.json.values()
        return answer.status_int, particulars['message'].replace(server.id, 'X')

    return call


def not_built(entry):
    return 'not_built' in entry.handler.__code__.co_names


def test_the_list_is_exact():
    marked = {entry.name for entry in TABLE if not_built(entry)}
    assert {name for name in marked if ALIAS not in name} == NOT_BUILT
    assert {name.replace(ALIAS, '/servers/') for name in marked if ALIAS in name} <= NOT_BUILT


def test_every_verb_has_a_call_here():
    assert CALLS.keys() | ELSEWHERE == TRANSITIONS.keys()


@pytest.mark.parametrize('verb', CALLS)
def test_a_verb_begins_where_the_table_lets_it(ask, verb):
    rule = TRANSITIONS[verb]
    for state in LIVING:
        status, message = ask(verb, state=state)
        if state in rule.allowed:
            assert status != 409, (state, message)
        else:
            why = f"Cannot '{rule.action}' instance X while it is in vm_state {state.value}"
            assert (status, message) == (409, why)


@pytest.mark.parametrize('verb', CALLS)
def test_a_locked_server_refuses_all_but_what_leaves_it_as_it_is(ask, verb):
    rule = TRANSITIONS[verb]
    for state in LIVING:
        status, message = ask(verb, state=state, locked=True)
        if CALLS[verb][3] == 'admin' or rule.when_locked:
            assert (status == 409) == (state not in rule.allowed), message
        else:
            assert (status, message) == (409, 'Instance X is locked')
        assert 'locked' not in ask(verb, 'owner', state=state, locked=True)[1]


@pytest.mark.parametrize('verb', CALLS)
def test_a_verb_waits_for_what_is_being_done_unless_it_may_interrupt_that(ask, verb):
    rule = TRANSITIONS[verb]
    state = next(state for state in LIVING if state in rule.allowed)
    for activity in Activity:
        status, message = ask(verb, state=state, activity=activity)
        if activity in rule.interrupts:
            assert status != 409, (activity, message)
        else:
            why = f"Cannot '{rule.action}' instance X while it is in task_state {activity.value}"
            assert (status, message) == (409, why)


@pytest.mark.parametrize('verb', [verb for verb, call in CALLS.items() if call[3] == 'member'])
def test_a_strangers_server_is_not_found_whatever_its_state(ask, verb):
    for state in (State.ACTIVE, State.BUILDING):
        assert ask(verb, 'stranger', state=state, locked=True) == (404, 'Instance X could not be found.')


@pytest.mark.parametrize('verb', [verb for verb in CALLS if State.ERROR in TRANSITIONS[verb].allowed])
def test_a_server_that_never_ran_has_nothing_to_act_on(ask, verb):
    why = f"Cannot '{TRANSITIONS[verb].action}' instance X while it has never been active"
    assert ask(verb, state=State.ERROR, launched_at=None) == (409, why)


@pytest.mark.parametrize('verb', CALLS)
def test_what_passes_all_checks_and_is_not_built_is_501_with_a_sentence(ask, verb):
    method, path, body, _caller = CALLS[verb]
    action = next(iter(body)) if path == '/action' else None
    shape = path.replace(PORT.id, '{port_id}').replace(VOLUME_ID, '{volume_id}').replace(IMAGE_ID, '{volume_id}')
    name = f'{method} /servers/{{server_id}}{shape}' + (f' {action}' if action else '')
    state = next(state for state in LIVING if state in TRANSITIONS[verb].allowed)
    status, message = ask(verb, state=state)
    assert (status == 501) == (name in NOT_BUILT)
    if status == 501:
        assert message.endswith(' is not offered by this cloud yet.')


@pytest.mark.parametrize(
    ('method', 'path', 'body', 'action'),
    [('DELETE', '', None, 'abort live migration'), ('POST', '/action', {'force_complete': None}, 'force_complete')],
)
def test_only_a_migration_under_way_is_changed(world, method, path, body, action):
    idle = world.server(next(NUMBERS))
    moving = world.server(next(NUMBERS), activity=Activity.MIGRATING, operation_id='held')
    answer = world.fault(method, f'/servers/{idle.id}/migrations/1{path}', body, '2.96', 'manager')
    assert answer == (409, f"Cannot '{action}' instance {idle.id} while it is in task_state None")
    assert world.fault(method, f'/servers/{moving.id}/migrations/1{path}', body, '2.96', 'manager')[0] == 501
