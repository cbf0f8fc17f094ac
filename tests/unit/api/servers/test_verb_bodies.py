"""What the calls for verbs may say, at each version."""

import json

import pytest

from nova.api import routes
from nova.api.microversions import MAX, Version
from nova.domain.lifecycle import State
from tests import published

ACTIONS = [entry for entry in routes.collect() if entry.path == '/servers/{server_id}/action']
UUID = '70a599e0-31e7-49b7-b260-868f441e862b'

# (action, first version, what it may say then, the same up to this version)
GOOD = [
    ('reboot', '2.1', {'type': 'Hard'}, '2.96'),
    ('resize', '2.1', {'flavorRef': 2, 'OS-DCF:diskConfig': 'AUTO'}, '2.96'),
    ('rebuild', '2.1', {'imageRef': UUID, 'preserve_ephemeral': True, 'accessIPv6': '::1', 'metadata': {}}, '2.96'),
    ('rebuild', '2.1', {'imageRef': UUID, 'personality': []}, '2.56'),
    ('rebuild', '2.19', {'imageRef': UUID, 'description': None}, '2.96'),
    ('rebuild', '2.54', {'imageRef': UUID, 'key_name': None}, '2.96'),
    ('rebuild', '2.57', {'imageRef': UUID, 'user_data': None}, '2.96'),
    ('rebuild', '2.63', {'imageRef': UUID, 'trusted_image_certificates': None}, '2.96'),
    ('rebuild', '2.90', {'imageRef': UUID, 'hostname': 'a-name'}, '2.96'),
    ('rebuild', '2.94', {'imageRef': UUID, 'hostname': 'a.full.name'}, '2.96'),
    ('rescue', '2.1', {'adminPass': 'x', 'rescue_image_ref': UUID}, '2.96'),
    ('rescue', '2.1', None, '2.96'),
    ('migrate', '2.1', None, '2.96'),
    ('migrate', '2.56', {'host': 'h'}, '2.96'),
    ('migrate', '2.56', {'host': None}, '2.96'),
    ('os-migrateLive', '2.1', {'host': 'h', 'block_migration': False, 'disk_over_commit': 'false'}, '2.24'),
    ('os-migrateLive', '2.25', {'host': None, 'block_migration': 'auto'}, '2.96'),
    ('os-migrateLive', '2.30', {'host': 'h', 'block_migration': True, 'force': False}, '2.67'),
    ('evacuate', '2.1', {'onSharedStorage': 'False', 'adminPass': 'x'}, '2.13'),
    ('evacuate', '2.14', {'host': 'h', 'adminPass': 'x'}, '2.94'),
    ('evacuate', '2.29', {'host': 'h', 'force': True}, '2.67'),
    ('evacuate', '2.14', {}, '2.96'),
    ('createImage', '2.1', {'name': 'x', 'metadata': {'a': 'b'}}, '2.96'),
    ('createBackup', '2.1', {'name': 'x', 'backup_type': 'daily', 'rotation': '0', 'metadata': {}}, '2.96'),
    ('unshelve', '2.1', None, '2.96'),
    ('unshelve', '2.77', {'availability_zone': 'z'}, '2.96'),
    ('unshelve', '2.91', {'availability_zone': None, 'host': 'h'}, '2.96'),
    ('unshelve', '2.91', {'host': 'h'}, '2.96'),
    ('lock', '2.1', None, '2.96'),
    ('lock', '2.73', {'locked_reason': 'x'}, '2.96'),
    ('changePassword', '2.1', {'adminPass': 'x'}, '2.96'),
    ('trigger_crash_dump', '2.17', None, '2.96'),
    ('os-resetState', '2.1', {'state': 'error'}, '2.96'),
    ('os-stop', '2.1', {}, '2.96'),
    ('os-start', '2.1', '', '2.96'),
]
BAD = [
    ('reboot', {}),
    ('reboot', {'type': 'medium'}),
    ('resize', {}),
    ('resize', {'flavorRef': ''}),
    ('rebuild', {}),
    ('rebuild', {'imageRef': UUID, 'name': ''}),
    ('rebuild', {'imageRef': UUID, 'hostname': 'x' * 256}),
    ('rescue', {'rescue_image_ref': 'no id'}),
    ('os-migrateLive', {'block_migration': 'auto'}),
    ('os-migrateLive', {'host': 'h', 'block_migration': 'perhaps'}),
    ('createImage', {'name': ''}),
    ('createImage', {'name': 'x', 'metadata': {'a': None}}),
    ('createBackup', {'name': 'x', 'backup_type': 'daily'}),
    ('createBackup', {'name': 'x', 'backup_type': 'daily', 'rotation': -1}),
    ('unshelve', {}),
    ('lock', {'locked_reason': ''}),
    ('lock', {'locked_reason': 'x' * 256}),
    ('changePassword', {}),
    ('os-resetState', {'state': 'paused'}),
    ('os-stop', {'force': True}),
    ('os-stop', 'now'),
]


def accepts(action, version, value):
    (entry,) = (entry for entry in ACTIONS if entry.action == action and entry.at(Version.parse(version)))
    try:
        entry.body.check({action: value}, Version.parse(version))
    except routes.errors.Invalid:
        return False
    return True


def neighbour(version, step):
    minor = int(version.split('.')[1]) + step
    return f'2.{minor}' if 1 <= minor <= MAX.minor else None


@pytest.mark.parametrize(('action', 'since', 'value', 'until'), GOOD, ids=lambda value: json.dumps(value)[:60])
def test_an_argument_comes_and_goes_with_its_version(action, since, value, until):
    assert accepts(action, since, value)
    assert accepts(action, until, value)
    for version in (neighbour(since, -1), neighbour(until, 1)):
        if version and any(entry.action == action and entry.at(Version.parse(version)) for entry in ACTIONS):
            assert not accepts(action, version, value)


@pytest.mark.parametrize(('action', 'value'), BAD, ids=lambda value: json.dumps(value)[:60])
def test_what_is_wrong_is_refused(action, value):
    assert not accepts(action, '2.96', value)


REQUESTS = sorted(
    str(path.relative_to(published.DIRECTORY))
    for pattern in (
        'servers/**/server-action-*.json',
        *(f'os-{kind}/**/*.json' for kind in ('admin-actions', 'admin-password', 'create-backup', 'deferred-delete')),
        *(f'os-{kind}/**/*.json' for kind in ('evacuate', 'lock-server', 'migrate-server', 'pause-server', 'rescue')),
        *(f'os-{kind}/**/*.json' for kind in ('preserve-ephemeral-rebuild', 'shelve', 'suspend-server')),
    )
    for path in published.DIRECTORY.glob(pattern)
    if 'resp' not in path.name and path.name != 'server-rescue.json'
)


@pytest.mark.parametrize('name', REQUESTS)
def test_published_requests_are_valid(name):
    sample = published.sample(name)
    (action,) = sample
    version = Version.parse(name.split('/v')[1].split('/')[0]) if '/v2' in name else Version.parse('2.1')
    if version > MAX or not any(entry.action == action for entry in ACTIONS):
        pytest.skip('of a later version, or of another resource')
    (entry,) = (entry for entry in ACTIONS if entry.action == action and entry.at(version))
    if entry.body is not None:
        entry.body.check(sample, version)


@pytest.mark.parametrize('action', ['resetNetwork', 'os-getRDPConsole'])
@pytest.mark.parametrize('version', ['2.1', '2.5', '2.96'])
def test_actions_that_ended_for_good_are_410(world, action, version):
    status, message = world.fault('POST', f'/servers/{UUID}/action', {action: None}, version)
    assert status == 410
    assert message.endswith('.')


def test_a_crash_dump_cannot_be_asked_for_before_its_version(world):
    server = world.server(state=State.ACTIVE)
    assert world.fault('POST', f'/servers/{server.id}/action', {'trigger_crash_dump': None}, '2.16')[0] == 404


INTERFACE, VOLUME = '/servers/{server_id}/os-interface', '/servers/{server_id}/os-volume_attachments'
ONE_VOLUME = f'{VOLUME}/{{volume_id}}'


@pytest.mark.parametrize(
    ('method', 'path', 'version', 'body', 'good'),
    [
        ('POST', INTERFACE, '2.1', {'interfaceAttachment': {'net_id': UUID}}, True),
        ('POST', INTERFACE, '2.48', {'interfaceAttachment': {'tag': 'a'}}, False),
        ('POST', INTERFACE, '2.49', {'interfaceAttachment': {'tag': 'a'}}, True),
        ('POST', INTERFACE, '2.1', {'interfaceAttachment': {'fixed_ips': []}}, False),
        ('POST', INTERFACE, '2.1', {'interfaceAttachment': {'fixed_ips': [{'ip_address': 'x'}]}}, False),
        ('POST', INTERFACE, '2.1', {'interfaceAttachment': {'fixed_ips': [{'ip_address': '::1'}]}}, True),
        ('POST', VOLUME, '2.1', {'volumeAttachment': {'volumeId': UUID, 'device': '/dev/sdb'}}, True),
        ('POST', VOLUME, '2.1', {'volumeAttachment': {'volumeId': UUID, 'device': None}}, True),
        ('POST', VOLUME, '2.1', {'volumeAttachment': {'volumeId': UUID, 'device': 'sdb; rm'}}, False),
        ('POST', VOLUME, '2.1', {'volumeAttachment': {'device': '/dev/sdb'}}, False),
        ('POST', VOLUME, '2.48', {'volumeAttachment': {'volumeId': UUID, 'tag': 'a'}}, False),
        ('POST', VOLUME, '2.49', {'volumeAttachment': {'volumeId': UUID, 'tag': 'a'}}, True),
        ('POST', VOLUME, '2.78', {'volumeAttachment': {'volumeId': UUID, 'delete_on_termination': True}}, False),
        ('POST', VOLUME, '2.79', {'volumeAttachment': {'volumeId': UUID, 'delete_on_termination': True}}, True),
        ('PUT', ONE_VOLUME, '2.84', {'volumeAttachment': {'volumeId': UUID, 'delete_on_termination': True}}, False),
        ('PUT', ONE_VOLUME, '2.85', {'volumeAttachment': {'volumeId': UUID, 'delete_on_termination': True}}, True),
    ],
)
def test_attachments(method, path, version, body, good):
    version = Version.parse(version)
    (entry,) = (
        entry for entry in routes.collect() if (entry.method, entry.path) == (method, path) and entry.at(version)
    )
    if good:
        entry.body.check(body, version)
    else:
        with pytest.raises(routes.errors.Invalid):
            entry.body.check(body, version)
