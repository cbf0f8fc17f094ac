"""Which verbs may be asked of a server on a standalone cloud, and with what request; for tools that try them at random."""

import dataclasses
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from nova.domain.lifecycle import TRANSITIONS, State
from nova.operations.registry import OPERATIONS

# The images that are made of servers; others that are left behind belong to nobody.
KEPT_IMAGES = 'kept-'
# What is begun by the cloud itself, or is no verb on one server that lives.
NOT_ASKED = {'create', 'delete', 'soft_delete', 'restore', 'power_off', 'power_on'}


@dataclasses.dataclass(frozen=True)
class Choices:
    """What requests name: an image, and the flavors between which servers change."""

    image: str
    flavors: tuple[str, ...]


def requests_of(server: Mapping[str, Any], choices: Choices) -> dict[str, tuple[str, str, Any]]:
    """For each verb that the server's state allows: method, path below the server, and body."""
    state = State(server['OS-EXT-STS:vm_state'])
    return {
        verb: request
        for verb, request in _requests(server, choices).items()
        if verb in OPERATIONS and state in TRANSITIONS[verb].allowed
    }


def _requests(server: Mapping[str, Any], choices: Choices) -> dict[str, tuple[str, str, Any]]:
    number = server['id'][:8]
    other = next(flavor for flavor in choices.flavors if flavor != server['flavor']['original_name'])
    actions = {
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
    }
    asked: dict[str, tuple[str, str, Any]] = {verb: ('POST', '/action', body) for verb, body in actions.items()}
    asked['attach_interface'] = ('POST', '/os-interface', {'interfaceAttachment': {}})
    if ports := server.get('ports'):
        asked['detach_interface'] = ('DELETE', f'/os-interface/{ports[0]}', None)
    return asked


@dataclasses.dataclass
class Tally:
    """How the trials of one verb ended, and the seconds until all was at rest."""

    done: int = 0
    undone: int = 0
    refused: int = 0
    stuck: int = 0
    seconds: list[float] = dataclasses.field(default_factory=list)

    def add(self, end: str, seconds: float) -> None:
        setattr(self, end, getattr(self, end) + 1)
        self.seconds.append(seconds)


def table(tallies: Mapping[str, Tally]) -> Iterable[str]:
    """The lines that tell of all trials, the slowest verb first."""
    yield f'{"verb":20} {"done":>5} {"undone":>7} {"refused":>8} {"stuck":>6} {"median s":>9} {"slowest s":>10}'
    for verb, tally in sorted(tallies.items(), key=lambda item: -max(item[1].seconds)):
        yield (
            f'{verb:20} {tally.done:5} {tally.undone:7} {tally.refused:8} {tally.stuck:6} '
            f'{statistics.median(tally.seconds):9.1f} {max(tally.seconds):10.1f}'
        )
