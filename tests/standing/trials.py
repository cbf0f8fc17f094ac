"""For each verb: how to come to where it may begin, and what of the world it leaves."""

import dataclasses
import datetime
import uuid
from collections.abc import Callable

from nova.conductor.journal import StoredJournal
from nova.db.stores import migrations, operations, server_groups, servers
from nova.domain import record
from nova.domain.flavor import Flavor
from nova.domain.image import Image
from nova.domain.lifecycle import State
from nova.domain.network import NetworkRequest
from nova.domain.operation import OperationRow
from nova.domain.resize import Allowance
from nova.operations.attach_interface import AttachInterface
from nova.operations.change_password import ChangePassword
from nova.operations.confirm_resize import ConfirmResize
from nova.operations.create_backup import CreateBackup
from nova.operations.create_image import CreateImage
from nova.operations.create_server import CreateServer
from nova.operations.delete_server import DeleteServer
from nova.operations.detach_interface import DetachInterface
from nova.operations.guest_operation import with_guest
from nova.operations.inject_network_info import InjectNetworkInfo
from nova.operations.pause_server import PauseServer
from nova.operations.power_off import PowerOff
from nova.operations.power_on import PowerOn
from nova.operations.reboot_server import RebootServer, RebootServerHard
from nova.operations.rebuild_server import RebuildServer
from nova.operations.registry import load
from nova.operations.rescue_server import RescueServer
from nova.operations.resize_server import ResizeServer
from nova.operations.restore_server import RestoreServer
from nova.operations.resume_server import ResumeServer
from nova.operations.revert_resize import RevertResize
from nova.operations.shelve_offload_server import ShelveOffloadServer
from nova.operations.shelve_server import ShelveServer
from nova.operations.soft_delete_server import SoftDeleteServer
from nova.operations.start_server import StartServer
from nova.operations.stop_server import StopServer
from nova.operations.suspend_server import SuspendServer
from nova.operations.trigger_crash_dump import TriggerCrashDump
from nova.operations.unpause_server import UnpauseServer
from nova.operations.unrescue_server import UnrescueServer
from nova.operations.unshelve_server import UnshelveServer
from nova.saga.run import Outcome, run
from tests.fakes.world import CELL, PROJECT

OWNER = 'a-conductor'


class Begun:
    """An operation with its row; each `run` is by a conductor that knows only the row."""

    def __init__(self, world, operation, in_api=False):
        self.operation = operation
        self.database = world.databases.api if in_api else world.databases.own
        now = datetime.datetime.now(datetime.UTC)
        self.row_id = str(uuid.uuid4())
        row = OperationRow(
            id=self.row_id,
            verb=operation.verb,
            server_id=operation.server_id,
            cell_id=None if in_api else CELL,
            parameters=record.dump(operation),
            deadline_at=now + datetime.timedelta(hours=1),
            created_at=now,
        )
        server, _cell = world.find(operation.server_id)
        # What the server was before; None for one that is new.
        self.before = server and server.state
        with self.database.writing() as tx:
            if not in_api:
                servers.begin(tx, operation.server_id, operation.transition, row.id)
            operations.start(tx, row)

    def run(self, world, change=None, owner=OWNER):
        """Run it, with each step as `change` makes it."""
        now = datetime.datetime.now(datetime.UTC)
        with self.database.writing() as tx:
            # A lease that is over at once: the next conductor may take it.
            row = operations.claim(tx, self.row_id, owner, now - datetime.timedelta(seconds=1), now)
        operation = load(row.verb, row.parameters)
        if change:
            operation = _with_steps(operation, change)
        return run(operation, world, StoredJournal(self.database, row, owner))

    def row(self):
        with self.database.reading() as tx:
            return operations.get(tx, self.row_id)


def _with_steps(operation, change):
    """The same operation with changed steps."""
    kind = type(type(operation).__name__, (type(operation),), {'steps': tuple(map(change, operation.steps))})
    return kind(**{field.name: getattr(operation, field.name) for field in dataclasses.fields(operation)})


@dataclasses.dataclass(frozen=True)
class Trial:
    """`prepare(world)` makes the operation, ready to begin. `guests`, `ports` and `claims`: how many are there after it."""

    prepare: Callable
    in_api: bool = False
    guests: int = 1
    ports: int = 1
    claims: int = 1
    # Where the table leaves the end open: the state that it comes to from where `prepare` leads.
    success: State | None = None
    # The steps that leave the server as it was when they fail, where the table has another state for failures.
    harmless: frozenset = frozenset()
    # The steps that give up for good what the user wants no more: what failed after them can be asked for again.
    for_good: frozenset = frozenset()


def create(world):
    """In a group, so that all its steps are taken."""
    group_id = world.add_group()
    request = world.server_request(scheduler_hints={'group': group_id}, admin_password='secret')
    with world.databases.api.writing() as tx:
        server_groups.add_members(tx, group_id, [request.server_id])
    return CreateServer(request.server_id, request)


def a_server(world, *verbs):
    """A server that runs, or on which these verbs were done since; made by operations."""
    operation = create(world)
    assert Begun(world, operation, in_api=True).run(world) is Outcome.DONE
    for verb in verbs:
        assert Begun(world, verb(world, _found(world, operation.server_id))).run(world) is Outcome.DONE
    return _found(world, operation.server_id)


def _found(world, server_id):
    server, cell = world.find(server_id)
    return dataclasses.replace(server, cell_id=cell)


def _delete(world, server):
    return DeleteServer(server.id, CELL, server.host, server.guest_name(), server.ports, image_id=_new_image(world))


def _simple(operation):
    """A verb that needs to know nothing but the server."""
    return lambda world, server: operation(**with_guest(server))


_stop = _simple(StopServer)
_pause = _simple(PauseServer)
_suspend = _simple(SuspendServer)
_rescue = _simple(RescueServer)


def _rebuild(world, server):
    return RebuildServer(
        **with_guest(server),
        image=Image('other', 'other', disk_format='raw', size=1),
        changes={'name': 'rebuilt'},
        metadata={'new': 'one'},
        admin_password='secret',
    )


def _new_image(world):
    return world.hosts.glance.record(name='of a server', visibility='private')['id']


def _create_image(world, server):
    return CreateImage(**with_guest(server), image_id=_new_image(world))


def _create_backup(world, server):
    image_id = _new_image(world)
    return CreateBackup(**with_guest(server), project_id=PROJECT, backup_type='daily', rotation=1, image_id=image_id)


def _shelve(world, server):
    """Of a server that was shelved before, and whose image could not be removed then."""
    former, image_id = _new_image(world), _new_image(world)
    return ShelveServer(**with_guest(server), before=server.state, image_id=image_id, former_image_id=former)


def _offload(world, server):
    return ShelveOffloadServer(**with_guest(server), guest_name=server.guest_name())


def _unshelve(world, server):
    """Of a server that has left its host, so that all steps are taken."""
    return UnshelveServer(server.id, CELL, server.host, server.system_metadata['shelved_image_id'])


def _restore(world, server):
    """Of a server that was shelved before it was deleted."""
    return RestoreServer(**with_guest(server), image_id=_new_image(world))


def _change_password(world, server):
    return ChangePassword(**with_guest(server), user='root', password='secret')


def _resize(world, server):
    larger = Flavor('2', 'm1.tiny', 2, 256, 2, swap_mb=64, extra_specs=server.flavor.extra_specs)
    return ResizeServer(
        **with_guest(server),
        flavor=larger,
        migration_id=str(uuid.uuid4()),
        allowances=(Allowance(2, 256), Allowance(2, -1, server.user_id)),
    )


def _decide(operation):
    """Confirm or revert the resize that waits for it."""

    def prepare(world, server):
        with world.databases.own.reading() as tx:
            move = migrations.undecided(tx, server.id)
        return operation(**with_guest(server), migration_id=move.id)

    return prepare


def _attach(world, server):
    """On the network that it has a port on already: the two must be told apart."""
    return AttachInterface(**with_guest(server), request=NetworkRequest(server.ports[0].network.id))


def _detach(world, server):
    return DetachInterface(**with_guest(server), port=server.ports[0])


_soft_delete = _simple(SoftDeleteServer)


def _soft_delete_moved(world, server):
    return SoftDeleteServer(**with_guest(server), moved=True)


def on(verb, *before):
    """Prepare a verb on a server that runs, or on which the verbs `before` were done."""
    return lambda world: verb(world, a_server(world, *before))


TRIALS = {
    'create': Trial(create, in_api=True),
    'delete': Trial(on(_delete), guests=0, ports=0, claims=0),
    'stop': Trial(on(_stop)),
    'start': Trial(on(_simple(StartServer), _stop)),
    'reboot': Trial(on(_simple(RebootServer))),
    'reboot_hard': Trial(on(_simple(RebootServerHard), _pause)),
    'pause': Trial(on(_pause)),
    'unpause': Trial(on(_simple(UnpauseServer), _pause)),
    'suspend': Trial(on(_suspend)),
    'resume': Trial(on(_simple(ResumeServer), _suspend)),
    'rebuild': Trial(on(_rebuild), harmless=frozenset({'check_host', 'prepare_disks'})),
    'rescue': Trial(on(_rescue)),
    'unrescue': Trial(on(_simple(UnrescueServer), _rescue)),
    'create_image': Trial(on(_create_image)),
    'create_backup': Trial(on(_create_backup)),
    'shelve': Trial(on(_shelve)),
    'shelve_offload': Trial(on(_offload, _shelve), guests=0, claims=0),
    'unshelve': Trial(on(_unshelve, _shelve, _offload)),
    'resize': Trial(on(_resize), claims=2),
    'confirm_resize': Trial(on(_decide(ConfirmResize), _resize)),
    'revert_resize': Trial(on(_decide(RevertResize), _resize)),
    'change_password': Trial(on(_change_password)),
    'attach_interface': Trial(on(_attach), ports=2),
    'detach_interface': Trial(on(_detach), ports=0),
    'inject_network_info': Trial(on(_simple(InjectNetworkInfo))),
    'soft_delete': Trial(on(_soft_delete_moved, _resize), for_good=frozenset({'keep_move'})),
    'restore': Trial(on(_restore, _soft_delete)),
    'power_off': Trial(on(_simple(PowerOff), _stop)),
    'power_on': Trial(on(_simple(PowerOn))),
    'trigger_crash_dump': Trial(on(_simple(TriggerCrashDump))),
}


def begin(world, operation):
    return Begun(world, operation, TRIALS[operation.verb].in_api)
