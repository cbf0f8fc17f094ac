"""For each verb a call that nothing but the server's state can be wrong with, at each version that changed it."""

from nova.api import routes
from nova.api.microversions import MAX, Version
from nova.domain.lifecycle import State
from tests.unit.api.servers.world import IMAGE_ID, PORT

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
# How the call is made before a version, where it was another: that version, and its arguments.
_BEFORE = {
    'evacuate': ('2.14', {'onSharedStorage': True}),
    'live_migrate': ('2.25', {'host': None, 'block_migration': False, 'disk_over_commit': False}),
}
# Versions that change what a verb does and not what it is asked.
_MEANING = {
    'create_image': ('2.39', '2.45'),
    'create_backup': ('2.39', '2.45'),
    'attach_volume': ('2.20',),
    'detach_volume': ('2.20',),
}
# What has routes of its own kind, or none.
ELSEWHERE = {'create', 'delete', 'soft_delete', 'power_off', 'power_on'}
LIVING = [state for state in State if state is not State.DELETED]


def call_of(verb, version='2.96'):
    """Method, path below the server, body and caller."""
    method, path, body, caller = CALLS[verb]
    until, arguments = _BEFORE.get(verb, ('2.1', None))
    if Version.parse(version) < Version.parse(until):
        body = {next(iter(body)): arguments}
    return method, path, body, caller


def entries_of(verb):
    """The entries of the route table that the verb's call leads to, one for each range of versions."""
    method, path, body, _caller = CALLS[verb]
    action = next(iter(body)) if path == '/action' else None
    shape = path.replace(PORT.id, '{port_id}').replace(VOLUME_ID, '{volume_id}').replace(IMAGE_ID, '{volume_id}')
    wanted = (method, f'/servers/{{server_id}}{shape}', action)
    return [entry for entry in routes.collect() if (entry.method, entry.path, entry.action) == wanted]


def versions_of(verb):
    """The versions that changed the verb's call, the first and the newest."""
    found = {Version.parse(text) for text in _MEANING.get(verb, ())} | {MAX}
    for entry in entries_of(verb):
        found.add(entry.since)
        for field in entry.body.fields if entry.body else ():
            found.add(Version.parse(field.since))
            if field.until:
                until = Version.parse(field.until)
                found.add(until._replace(minor=until.minor + 1))
    return [str(version) for version in sorted(found) if version <= MAX]
