"""A cloud with one host for trials of verbs, and for each verb: how to come to where it may begin, and how it ends."""

import concurrent.futures
import dataclasses
from collections.abc import Callable

from nova.context import admin_context
from nova.db.stores import flavors
from nova.domain.flavor import Flavor
from nova.domain.lifecycle import Power
from tests.functional.client import IMAGE_ID, last_action

HOST = 'h1'
LARGE = Flavor('large', 'm1.large', 2, 256, 2)


@dataclasses.dataclass(frozen=True)
class Case:
    """`ask(scene, server_id)` begins the verb on a server on which the verbs `before` were done.

    `ends` is the status after it. `away`: the status when the host was away all the time; None: as before the verb.
    `refused`: the answer of the API then, for what it asks the host about first.
    """

    ask: Callable
    before: tuple[str, ...] = ()
    ends: str | None = 'ACTIVE'
    away: str | None = None
    # What the host's absence does not keep from ending well.
    bears_absence: bool = False
    refused: int | None = None


def action(name, arguments=None, as_='member'):
    def ask(scene, server_id):
        answer = scene.cloud.api(as_).ask('POST', f'/servers/{server_id}/action', {name: arguments}, '2.93')
        return answer.status_int

    return ask


def _attach(scene, server_id):
    return scene.api.ask('POST', f'/servers/{server_id}/os-interface', {'interfaceAttachment': {}}, '2.93').status_int


def _detach(scene, server_id):
    (port,) = scene.api.get(f'/servers/{server_id}/os-interface', '2.93')['interfaceAttachments']
    return scene.api.ask('DELETE', f'/servers/{server_id}/os-interface/{port["port_id"]}').status_int


def _delete(scene, server_id):
    """For the time being: the cloud of the scene has its servers restored for a while."""
    return scene.api.ask('DELETE', f'/servers/{server_id}').status_int


def _found_running(scene, server_id):
    """Somebody started the guest by hand; its event is told here and now."""
    driver = scene.cloud.hosts[HOST].driver
    listener, driver._listener = driver._listener, None
    driver.change_by_itself(server_id, Power.RUNNING)
    driver._listener = listener
    scene.conductor.guest_changed(admin_context(), host=HOST, server_id=server_id, power=Power.RUNNING)


def _found_down(scene, server_id):
    """The host started anew, and its guests are off."""
    scene.conductor.guests_down(admin_context(), host=HOST, server_ids=(server_id,))


BACKUP = {'name': 'daily', 'backup_type': 'daily', 'rotation': 1}
CASES = {
    'create': Case(lambda scene, server_id: scene.api.create(networks='auto'), away='ERROR'),
    'delete': Case(action('forceDelete'), ends=None, bears_absence=True),
    'stop': Case(action('os-stop'), ends='SHUTOFF'),
    'start': Case(action('os-start'), ('stop',)),
    'reboot': Case(action('reboot', {'type': 'SOFT'})),
    'reboot_hard': Case(action('reboot', {'type': 'HARD'}), away='ERROR'),
    'pause': Case(action('pause'), ends='PAUSED'),
    'unpause': Case(action('unpause'), ('pause',)),
    'suspend': Case(action('suspend'), ends='SUSPENDED'),
    'resume': Case(action('resume'), ('suspend',)),
    'rebuild': Case(action('rebuild', {'imageRef': IMAGE_ID})),
    'rescue': Case(action('rescue'), ends='RESCUE'),
    'unrescue': Case(action('unrescue'), ('rescue',)),
    'create_image': Case(action('createImage', {'name': 'mine'})),
    'create_backup': Case(action('createBackup', BACKUP)),
    'shelve': Case(action('shelve'), ends='SHELVED'),
    'shelve_offload': Case(action('shelveOffload', as_='admin'), ('shelve',), ends='SHELVED_OFFLOADED'),
    'unshelve': Case(action('unshelve'), ('shelve',)),
    'resize': Case(action('resize', {'flavorRef': LARGE.id}), ends='VERIFY_RESIZE'),
    'confirm_resize': Case(action('confirmResize'), ('resize',)),
    'revert_resize': Case(action('revertResize'), ('resize',)),
    'change_password': Case(action('changePassword', {'adminPass': 'secret'}), refused=503),
    'attach_interface': Case(_attach),
    'detach_interface': Case(_detach),
    'inject_network_info': Case(action('injectNetworkInfo', as_='admin')),
    'trigger_crash_dump': Case(action('trigger_crash_dump')),
    'soft_delete': Case(_delete, ends='SOFT_DELETED', bears_absence=True),
    'restore': Case(action('restore'), ('soft_delete',)),
    'power_off': Case(_found_running, ('stop',), ends='SHUTOFF'),
    'power_on': Case(_found_down, away='ERROR'),
}


class Scene:
    """One cloud, used for trial after trial as long as each leaves nothing."""

    def __init__(self, cloud):
        self.cloud = cloud
        # Shelved servers stay on their host until somebody says otherwise.
        cloud.shelved_offload_time = -1
        cloud.start()
        self.api = cloud.api()
        cloud.network.add_network('demo')
        with cloud.databases.api.writing() as tx:
            flavors.create(tx, LARGE)
        self._asking = concurrent.futures.ThreadPoolExecutor(len(CASES))

    @property
    def conductor(self):
        return self.cloud.conductors[0][0]

    def at_a_guest(self):
        """A gate that everything stands before that the host does to a guest."""
        return self.cloud.paused(self.cloud.hosts[HOST].service._guests, '_alone')

    def prepared(self, verb):
        """The id of a server to which the verb may be done; None where the verb makes one."""
        if verb == 'create':
            return None
        server_id = self.api.create(networks='auto')
        self.expect(server_id, 'ACTIVE')
        for earlier in CASES[verb].before:
            self.begin(earlier, server_id).result()
            self.expect(server_id, CASES[earlier].ends)
        return server_id

    def expect(self, server_id, status):
        shown = self.rests(server_id) or {}
        assert shown.get('status') == status, f'not {status}: {shown}'

    def begin(self, verb, server_id):
        """Ask for a verb in a thread of its own, since some are answered when they have ended."""
        return self._asking.submit(CASES[verb].ask, self, server_id)

    def rests(self, server_id):
        """The server as it is shown when nothing is done to anything any more."""
        self.cloud.settle()
        shown = self.api.server(server_id)
        assert shown is None or shown['OS-EXT-STS:task_state'] is None, shown
        return shown

    def status(self, server_id):
        """As shown; None for a server that is gone."""
        shown = self.api.server(server_id)
        return shown and shown['status']

    def last_action(self, server_id):
        """What was last done to a server, and whether it went wrong."""
        return last_action(self.api, server_id)

    def delete(self, server_id):
        answer = self.api.ask('POST', f'/servers/{server_id}/action', {'forceDelete': None}, '2.93')
        assert answer.status_int in (202, 404), answer.text

    def refuse_leftovers(self, *server_ids):
        """Delete the servers, and look for all that somebody forgot."""
        for server_id in server_ids:
            self.delete(server_id)
        self.cloud.settle()
        assert [self.status(server_id) for server_id in server_ids if self.status(server_id)] == []
        images = self.cloud.glance.images.values()
        assert self.cloud.left() == {}
        assert {image['status'] for image in images} == {'active'}, 'an image was left half made'
        assert self.cloud.hosts[HOST].driver.snapshots() == []

    def stop(self):
        self._asking.shutdown(wait=False)
        self.cloud.stop()
