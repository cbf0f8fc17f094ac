"""Which verbs may be asked of a server on a standalone cloud, and with what request; for tools that try them at random."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from nova.domain.lifecycle import TRANSITIONS, State
from nova.operations.registry import OPERATIONS

# The images that are made of servers; others that are left behind belong to nobody.
KEPT_IMAGES = 'kept-'
# What is begun by the cloud itself, or is asked for by other means than an action on a server.
NOT_ASKED = {'create', 'delete', 'power_off', 'power_on'}
# What changes a server and is no operation; any state bears it.
AT_ONCE = {'lock': {'lock': {'locked_reason': 'a trial'}}, 'unlock': {'unlock': None}}


@dataclasses.dataclass(frozen=True)
class Choices:
    """What requests name: an image, and for each flavor between which servers change its id by its name."""

    image: str
    flavors: Mapping[str, str]


def requests_of(server: Mapping[str, Any], choices: Choices) -> dict[str, tuple[str, str, Any]]:
    """For each verb that the server's state allows: method, path below the server, and body."""
    state = State(server['OS-EXT-STS:vm_state'])
    return {
        verb: request
        for verb, request in _requests(server, choices).items()
        if verb in AT_ONCE or (verb in OPERATIONS and state in TRANSITIONS[verb].allowed)
    }


def _requests(server: Mapping[str, Any], choices: Choices) -> dict[str, tuple[str, str, Any]]:
    number = server['id'][:8]
    other = next(id_ for name, id_ in choices.flavors.items() if name != server['flavor']['original_name'])
    actions = AT_ONCE | {
        'stop': {'os-stop': None},
        'start': {'os-start': None},
        'reboot': {'reboot': {'type': 'SOFT'}},
        'reboot_hard': {'reboot': {'type': 'HARD'}},
        'pause': {'pause': None},
        'unpause': {'unpause': None},
        'suspend': {'suspend': None},
        'resume': {'resume': None},
        'rebuild': {'rebuild': {'imageRef': choices.image}},
        'rescue': {'rescue': None},
        'unrescue': {'unrescue': None},
        'create_image': {'createImage': {'name': f'{KEPT_IMAGES}{number}'}},
        'create_backup': {'createBackup': {'name': f'{KEPT_IMAGES}{number}', 'backup_type': 'daily', 'rotation': 1}},
        'shelve': {'shelve': None},
        'shelve_offload': {'shelveOffload': None},
        'unshelve': {'unshelve': None},
        'resize': {'resize': {'flavorRef': other}},
        'confirm_resize': {'confirmResize': None},
        'revert_resize': {'revertResize': None},
        'change_password': {'changePassword': {'adminPass': 'secret'}},
        'trigger_crash_dump': {'trigger_crash_dump': None},
        'inject_network_info': {'injectNetworkInfo': None},
        'restore': {'restore': None},
    }
    asked: dict[str, tuple[str, str, Any]] = {verb: ('POST', '/action', body) for verb, body in actions.items()}
    # Soft, where the cloud keeps deleted servers for a while.
    asked['soft_delete'] = ('DELETE', '', None)
    asked['attach_interface'] = ('POST', '/os-interface', {'interfaceAttachment': {}})
    if ports := server.get('ports'):
        asked['detach_interface'] = ('DELETE', f'/os-interface/{ports[0]}', None)
    return asked
