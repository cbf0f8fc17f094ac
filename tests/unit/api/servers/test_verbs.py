"""What verbs refuse besides the state of the server, and what is done to a server at once."""

import dataclasses

import pytest

from nova.api.resources.servers import evacuate, rebuild
from nova.db.stores import operations, servers
from nova.domain.image import Image
from nova.domain.lifecycle import Activity, State
from nova.domain.operation import FAILED, RUNNING, STUCK, OperationRow
from tests import published
from tests.unit.api.servers.test_samples import OF_SERVER, of_admin, version_of
from tests.unit.api.servers.world import CELL_ID, IMAGE_ID, NOW, PORT

UNKNOWN = '00000000-0000-4000-8000-00000000dead'


@pytest.fixture
def act(world):
    """Send an action to a new server; the status, and the message of a refusal."""

    def call(action, value, version='2.96', token='member', **fields):
        server = world.server(**fields)
        answer = world.request('POST', f'/servers/{server.id}/action', {action: value}, version, token)
        if answer.status_int < 300:
            return answer.status_int, ''
        (particulars,) = answer.json.values()
        return answer.status_int, particulars['message'].replace(server.id, 'X')

    return call


class TestArguments:
    @pytest.mark.parametrize(
        ('flavor', 'status', 'message'),
        [
            ('1', 400, 'When resizing, instances must change flavor!'),
            ('nonsense', 400, 'Flavor nonsense could not be found.'),
            ('secret', 400, 'Flavor secret could not be found.'),
            ('none', 400, 'Resize to zero disk flavor is not allowed.'),
            ('http://example.org/flavors/big', 202, ''),
        ],
    )
    def test_resize(self, act, flavor, status, message):
        assert act('resize', {'flavorRef': flavor}) == (status, message)

    def test_resize_beyond_the_quota(self, world):
        world.services.settings.quotas['cores'] = 3
        server = world.server()
        try:
            answer = world.fault('POST', f'/servers/{server.id}/action', {'resize': {'flavorRef': 'big'}})
        finally:
            world.services.settings.quotas['cores'] = 20
        assert answer == (403, 'Quota exceeded for cores: Requested 3, but already used 1 of 3 cores')

    @pytest.mark.parametrize(
        ('body', 'status', 'message'),
        [
            ({'imageRef': UNKNOWN}, 400, f'Image {UNKNOWN} could not be found.'),
            ({'imageRef': 'nonsense'}, 400, 'Invalid imageRef provided.'),
            ({'key_name': 'nonsense'}, 400, 'Invalid key_name provided.'),
            ({'key_name': 'mykey'}, 202, None),
            (
                {'preserve_ephemeral': True},
                400,
                'The current driver does not support preserving ephemeral partitions.',
            ),
            ({'metadata': {f'k{number}': '' for number in range(129)}}, 403, None),
        ],
    )
    def test_rebuild(self, act, body, status, message):
        answer = act('rebuild', {'imageRef': IMAGE_ID} | body)
        assert answer[0] == status
        assert message in (None, answer[1])

    def test_rebuild_from_an_image_that_does_not_fit(self, world, act):
        world.images.kept[UNKNOWN] = Image(UNKNOWN, 'large', min_memory_mb=1024)
        assert act('rebuild', {'imageRef': UNKNOWN}) == (400, "Flavor's memory is too small for requested image.")

    def test_rescue_from_an_image_that_there_is_not(self, act):
        assert act('rescue', {'rescue_image_ref': UNKNOWN}) == (400, f'Image {UNKNOWN} could not be found.')

    @pytest.mark.parametrize(
        ('value', 'token', 'status', 'message'),
        [
            ({'host': 'compute'}, 'admin', 400, "The target host can't be the same one."),
            ({'host': 'nonsense'}, 'admin', 400, 'Compute host nonsense could not be found.'),
            ({'host': 'other'}, 'manager', 403, None),
            ({'host': None}, 'manager', 501, None),
            (None, 'member', 403, None),
        ],
    )
    def test_migrate(self, act, value, token, status, message):
        answer = act('migrate', value, token=token)
        assert answer[0] == status
        assert message in (None, answer[1])

    @pytest.mark.parametrize(
        ('body', 'version', 'token', 'status', 'message'),
        [
            ({'host': 'compute'}, '2.96', 'admin', 400, 'Unable to migrate instance (X) to current host (compute).'),
            ({'host': 'nonsense'}, '2.96', 'admin', 400, 'Compute host nonsense could not be found.'),
            ({'host': 'other'}, '2.96', 'manager', 403, None),
            ({'host': None, 'force': True}, '2.30', 'admin', 400, "Can't force to a non-provided destination"),
            ({'host': None}, '2.96', 'manager', 501, None),
        ],
    )
    def test_live_migrate(self, act, body, version, token, status, message):
        answer = act('os-migrateLive', {'block_migration': 'auto'} | body, version, token)
        assert answer[0] == status
        assert message in (None, answer[1])

    @pytest.mark.parametrize(
        ('body', 'version', 'status', 'message'),
        [
            ({'host': 'compute'}, '2.96', 400, "The target host can't be the same one."),
            ({'host': 'nonsense'}, '2.96', 400, 'Compute host nonsense could not be found.'),
            ({'force': True}, '2.29', 400, "Can't force to a non-provided destination"),
            (
                {'onSharedStorage': True, 'adminPass': 'x'},
                '2.13',
                400,
                "admin password can't be changed on existing disk",
            ),
            ({}, '2.96', 501, None),
        ],
    )
    def test_evacuate(self, act, body, version, status, message):
        answer = act('evacuate', body, version, 'admin')
        assert answer[0] == status
        assert message in (None, answer[1])

    def test_only_a_host_that_is_down_is_evacuated(self, world, act):
        world.host()
        assert act('evacuate', {}, token='admin') == (400, 'Compute service of compute is still in use.')
        world.host(forced_down=True)
        assert act('evacuate', {}, token='admin', number=2)[0] == 501

    @pytest.mark.parametrize(
        ('value', 'state', 'token', 'status'),
        [
            ({'availability_zone': 'nova'}, State.SHELVED, 'member', 409),
            ({'availability_zone': 'nova'}, State.SHELVED_OFFLOADED, 'member', 202),
            ({'availability_zone': None}, State.SHELVED_OFFLOADED, 'member', 202),
            ({'availability_zone': 'nonsense'}, State.SHELVED_OFFLOADED, 'member', 400),
            ({'host': 'compute'}, State.SHELVED_OFFLOADED, 'member', 403),
            ({'host': 'compute'}, State.SHELVED_OFFLOADED, 'admin', 202),
            ({'host': 'nonsense'}, State.SHELVED_OFFLOADED, 'admin', 400),
        ],
    )
    def test_unshelve(self, act, value, state, token, status):
        assert act('unshelve', value, token=token, state=state)[0] == status

    def test_images_have_the_metadata_that_the_version_lets_them(self, act):
        body = {'name': 'x', 'metadata': {f'k{number}': '' for number in range(129)}}
        assert act('createImage', body, '2.38')[0] == 403
        assert act('createImage', body, '2.39', number=2)[0] == 202
        assert act('createBackup', body | {'backup_type': 'daily', 'rotation': 1}, '2.38', number=3)[0] == 403

    def test_a_server_without_an_image_has_no_backups(self, act):
        body = {'name': 'x', 'backup_type': 'daily', 'rotation': 1}
        assert act('createBackup', body, image_id=None)[0] == 400

    @pytest.mark.parametrize(
        ('body', 'status', 'message'),
        [
            ({'net_id': UNKNOWN, 'port_id': UNKNOWN}, 400, 'Must not input both network_id and port_id'),
            ({'fixed_ips': [{'ip_address': '10.0.0.1'}]}, 400, 'Must input network_id when request IP address'),
            ({'net_id': UNKNOWN}, 404, f'Network {UNKNOWN} could not be found.'),
            ({'port_id': UNKNOWN}, 404, f'Port id {UNKNOWN} could not be found.'),
            ({}, 400, None),
        ],
    )
    def test_attach_interface(self, world, body, status, message):
        server = world.server()
        answer = world.fault('POST', f'/servers/{server.id}/os-interface', {'interfaceAttachment': body})
        assert answer[0] == status
        assert message in (None, answer[1])

    def test_detach_interface(self, world):
        server = world.server()
        path = f'/servers/{server.id}/os-interface'
        assert world.fault('DELETE', f'{path}/{UNKNOWN}')[0] == 404
        world.send('DELETE', f'{path}/{PORT.id}', status=202)

    @pytest.mark.parametrize('state', [State.SHELVED, State.SHELVED_OFFLOADED])
    def test_volumes_come_to_shelved_servers_since_2_20(self, world, state):
        server = world.server(state=state)
        path, body = f'/servers/{server.id}/os-volume_attachments', {'volumeAttachment': {'volumeId': UNKNOWN}}
        why = f"Cannot 'attach_volume' instance {server.id} while it is in vm_state {state.value}"
        assert world.fault('POST', path, body, '2.19') == (409, why)
        assert world.fault('DELETE', f'{path}/{UNKNOWN}', version='2.19')[0] == 409
        assert world.fault('POST', path, body, '2.20')[0] == 501
        tagged = {'volumeAttachment': {'volumeId': UNKNOWN, 'tag': 'a'}}
        assert world.fault('POST', path, tagged, '2.49')[0] == (501 if state is State.SHELVED else 400)

    @pytest.mark.parametrize(
        ('change', 'version', 'token', 'status'),
        [
            ({'volumeId': UNKNOWN}, '2.84', 'member', 403),
            ({'volumeId': UNKNOWN}, '2.84', 'admin', 501),
            ({'volumeId': UNKNOWN}, '2.85', 'member', 403),
            ({'volumeId': UNKNOWN}, '2.85', 'admin', 501),
            ({'delete_on_termination': True}, '2.85', 'member', 501),
            ({'delete_on_termination': True}, '2.85', 'reader', 403),
            ({}, '2.85', 'member', 400),
            ({'delete_on_termination': True, 'id': UNKNOWN}, '2.85', 'member', 400),
        ],
    )
    def test_change_of_a_volume(self, world, change, version, token, status):
        server = world.server()
        path = f'/servers/{server.id}/os-volume_attachments/{IMAGE_ID}'
        body = {'volumeAttachment': {'volumeId': IMAGE_ID} | change}
        assert world.fault('PUT', path, body, version, token)[0] == status


class TestAnswers:
    """What is answered once operations stand behind the routes."""

    @pytest.mark.parametrize('name', rebuild.SAMPLES)
    def test_rebuild(self, world, name):
        world.host()
        server, sample = world.server(), published.sample(name)
        body = {'rebuild': {'imageRef': IMAGE_ID, 'adminPass': 'seekr3t'}}
        token = 'admin' if of_admin(sample) else 'member'
        answer = world.request('POST', f'/servers/{server.id}/action', body, version_of(name), token, 202)
        assert answer.json['server']['adminPass'] == 'seekr3t'
        assert answer.headers['Location'].endswith(f'/servers/{server.id}')
        assert published.differences(answer.json, sample, OF_SERVER) == []

    def test_rescue(self, world):
        server = world.server()
        answer = world.send('POST', f'/servers/{server.id}/action', {'rescue': {'adminPass': 'MySecretPass'}}, '2.87')
        assert answer == published.sample('os-rescue/server-rescue.json')
        server = world.server(2)
        assert len(world.send('POST', f'/servers/{server.id}/action', {'rescue': None})['adminPass']) == 12

    def test_evacuate(self, world, monkeypatch):
        monkeypatch.setattr(evacuate, 'not_built', lambda what: None)
        server = world.server()
        path, body = f'/servers/{server.id}/action', {'adminPass': 'MySecretPass', 'onSharedStorage': 'False'}
        answer = world.send('POST', path, {'evacuate': body}, '2.13', 'admin', 200)
        assert answer == published.sample('os-evacuate/server-evacuate-resp.json')
        assert world.send('POST', path, {'evacuate': {'onSharedStorage': True}}, '2.13', 'admin', 200) == {}
        assert world.send('POST', path, {'evacuate': {}}, '2.14', 'admin', 200) is None


class TestLock:
    def locked(self, world, server):
        shown = world.get(f'/servers/{server.id}', '2.73')['server']
        return shown['locked'], shown['locked_reason']

    def act(self, world, server, action, value=None, token='member', version='2.73'):
        return world.request('POST', f'/servers/{server.id}/action', {action: value}, version, token).status_int

    def test_a_lock_with_a_reason_comes_and_goes(self, world):
        server = world.server()
        assert self.act(world, server, 'lock', {'locked_reason': 'mine'}) == 202
        assert self.locked(world, server) == (True, 'mine')
        assert self.act(world, server, 'lock') == 202
        assert self.locked(world, server) == (True, None)
        assert self.act(world, server, 'unlock') == 202
        assert self.locked(world, server) == (False, None)
        shown = world.get(f'/servers/{server.id}/os-instance-actions')['instanceActions']
        assert sorted(action['action'] for action in shown) == ['lock', 'lock', 'unlock']

    def test_what_an_administrator_locked_its_owner_cannot_unlock(self, world):
        server = world.server()
        assert self.act(world, server, 'lock', {'locked_reason': 'ours'}, 'admin') == 202
        assert self.act(world, server, 'unlock') == 403
        assert self.act(world, server, 'lock', {'locked_reason': 'mine'}) == 202
        assert self.locked(world, server) == (True, 'ours')
        assert self.act(world, server, 'unlock') == 403
        assert self.act(world, server, 'unlock', token='admin') == 202
        assert self.locked(world, server) == (False, None)

    def test_who_may(self, world):
        server = world.server()
        assert self.act(world, server, 'lock', token='reader') == 403
        assert self.act(world, server, 'lock', token='stranger') == 404
        assert self.act(world, server, 'unlock', token='stranger') == 404

    @pytest.mark.parametrize('state', [state for state in State if state is not State.DELETED])
    def test_in_every_state(self, world, state):
        assert self.act(world, world.server(state=state), 'lock') == 202


class TestResetState:
    def begun(self, world, status):
        """A server that an operation holds, in a state of the operation's."""
        row = OperationRow('op-1', 'resize', '00000000-0000-4000-8000-000000000001', CELL_ID, status=status)
        with world.databases.cell(CELL_ID).writing() as tx:
            operations.start(tx, dataclasses.replace(row, deadline_at=NOW, created_at=NOW, updated_at=NOW))
        return world.server(state=State.ERROR, activity=Activity.RESIZE_PREP, operation_id='op-1', locked=True)

    def reset(self, world, server, state, token='admin'):
        body = {'os-resetState': {'state': state}}
        return world.request('POST', f'/servers/{server.id}/action', body, token=token).status_int

    def found(self, world, server):
        with world.databases.cell(CELL_ID).reading() as tx:
            return servers.get(tx, server.id), operations.find(tx, 'op-1')

    @pytest.mark.parametrize(('word', 'state'), [('active', State.ACTIVE), ('error', State.ERROR)])
    def test_the_state_is_as_told_and_nothing_is_shown_to_be_done(self, world, word, state):
        server = world.server(state=State.SUSPENDED)
        assert self.reset(world, server, word) == 202
        assert self.found(world, server)[0].state is state
        (action,) = world.get(f'/servers/{server.id}/os-instance-actions')['instanceActions']
        assert action['action'] == 'reset_state'

    def test_what_is_stuck_is_given_up(self, world):
        server = self.begun(world, STUCK)
        assert self.reset(world, server, 'active') == 202
        found, operation = self.found(world, server)
        assert (found.state, found.activity, found.operation_id) == (State.ACTIVE, None, None)
        assert (operation.status, operation.owner) == (FAILED, None)

    def test_what_runs_keeps_the_server(self, world):
        server = self.begun(world, RUNNING)
        assert self.reset(world, server, 'active') == 202
        found, operation = self.found(world, server)
        assert (found.state, found.activity, found.operation_id) == (State.ACTIVE, None, 'op-1')
        assert operation.status == RUNNING

    def test_what_is_forgotten_holds_nothing(self, world):
        server = world.server(activity=Activity.REBOOTING, operation_id='lost')
        assert self.reset(world, server, 'error') == 202
        assert self.found(world, server)[0].operation_id is None

    def test_who_may(self, world):
        server = world.server()
        assert self.reset(world, server, 'active', 'member') == 403
        assert (
            world.fault('POST', f'/servers/{UNKNOWN}/action', {'os-resetState': {'state': 'error'}}, token='admin')[0]
            == 404
        )
