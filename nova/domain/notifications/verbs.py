"""What is told of each verb: when it begins, on its way, and when it has ended well or not."""

import dataclasses
from collections.abc import Mapping, Sequence

from nova.domain.lifecycle import Activity
from nova.domain.notifications.servers import (
    ACTION,
    CREATE,
    REBUILD,
    RESCUE,
    RESIZE_PREP,
    SNAPSHOT,
    SWAP_VOLUME,
    VOLUME,
    Kind,
)


@dataclasses.dataclass(frozen=True)
class Event:
    """`name` is the event type; the payload is of `kind`."""

    name: str
    kind: Kind = ACTION
    # What the server is shown to do, where this is told as the next thing begins.
    activity: Activity | None = None

    @property
    def is_error(self) -> bool:
        return self.name.endswith('.error')


@dataclasses.dataclass(frozen=True)
class Line:
    """A verb that ends badly without an event of its own for that is told of as `compute.exception`."""

    starts: tuple[Event, ...] = ()
    ends: tuple[Event, ...] = ()
    fails: tuple[Event, ...] = ()
    # When an activity is shown for the first time, and around a step.
    shows: Mapping[Activity, tuple[Event, ...]] = dataclasses.field(default_factory=dict)
    steps: Mapping[str, str] = dataclasses.field(default_factory=dict)
    # Which attribute of the operation a fact of the payload is, perhaps an attribute's attribute.
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    # What the conductor is said to have been doing when no host can take the server.
    task: str | None = None


def start(name: str, kind: Kind = ACTION) -> Event:
    return Event(f'instance.{name}.start', kind)


def end(name: str, kind: Kind = ACTION, activity: Activity | None = None) -> Event:
    return Event(f'instance.{name}.end', kind, activity)


def error(name: str, kind: Kind = ACTION) -> Event:
    return Event(f'instance.{name}.error', kind)


def _line(
    name: str,
    kind: Kind = ACTION,
    fails: bool = False,
    steps: Mapping[str, str] | None = None,
    facts: Mapping[str, str] | None = None,
    task: str | None = None,
) -> Line:
    return Line(
        starts=(start(name, kind),),
        ends=(end(name, kind),),
        fails=(error(name, kind),) if fails else (),
        steps=steps or {},
        facts=facts or {},
        task=task,
    )


_RESIZE = Line(
    starts=(start('resize_prep', RESIZE_PREP),),
    ends=(end('resize_finish'),),
    fails=(error('resize'),),
    shows={
        Activity.RESIZE_MIGRATING: (end('resize_prep', RESIZE_PREP, Activity.RESIZE_PREP), start('resize')),
        Activity.RESIZE_MIGRATED: (end('resize'),),
        Activity.RESIZE_FINISH: (start('resize_finish'),),
    },
    facts={'new_flavor': 'flavor'},
    task='migrate_server',
)
# Nothing is published of these.
_UNTOLD = Line()

VERBS: dict[str, Line] = {
    'create': _line('create', CREATE, fails=True, task='build_instances'),
    'stop': _line('power_off'),
    'start': _line('power_on'),
    'power_off': _line('power_off'),
    'power_on': _line('power_on'),
    'reboot': _line('reboot', fails=True),
    'reboot_hard': _line('reboot', fails=True),
    'pause': _line('pause'),
    'unpause': _line('unpause'),
    'suspend': _line('suspend'),
    'resume': _line('resume'),
    'rescue': _line('rescue', RESCUE, facts={'rescue_image_ref': 'image.id'}),
    'unrescue': _line('unrescue'),
    'rebuild': _line('rebuild', REBUILD, fails=True, task='rebuild_server'),
    'resize': _RESIZE,
    'migrate': _RESIZE,
    'confirm_resize': _line('resize_confirm'),
    'revert_resize': _line('resize_revert'),
    'live_migrate': Line(
        starts=(start('live_migration_pre'),),
        ends=(end('live_migration_post_dest'),),
        fails=(start('live_migration_rollback'), end('live_migration_rollback')),
        task='migrate_server',
    ),
    'evacuate': Line(
        starts=(Event('instance.evacuate'), start('rebuild', REBUILD)),
        ends=(end('rebuild', REBUILD),),
        fails=(error('rebuild', REBUILD),),
        task='rebuild_server',
    ),
    'shelve': _line('shelve'),
    'shelve_offload': _line('shelve_offload'),
    'unshelve': _line('unshelve'),
    'create_image': _line('snapshot', SNAPSHOT, facts={'snapshot_image_id': 'image_id'}),
    'create_backup': _line('snapshot', SNAPSHOT, facts={'snapshot_image_id': 'image_id'}),
    'change_password': _UNTOLD,
    'attach_interface': _line('interface_attach', fails=True),
    'detach_interface': _line('interface_detach'),
    'attach_volume': _line('volume_attach', VOLUME, fails=True, facts={'volume_id': 'volume_id'}),
    'detach_volume': _line('volume_detach', VOLUME, facts={'volume_id': 'volume_id'}),
    'swap_volume': _line(
        'volume_swap',
        SWAP_VOLUME,
        fails=True,
        facts={'old_volume_id': 'old_volume_id', 'new_volume_id': 'new_volume_id'},
    ),
    'trigger_crash_dump': _line('trigger_crash_dump'),
    'inject_network_info': _UNTOLD,
    'soft_delete': _line('soft_delete'),
    'restore': _line('restore'),
    'delete': _line('delete', steps={'remove_guest': 'shutdown'}),
}

# Of a server that is deleted while it is being created, which is one operation.
DELETED_MEANWHILE: Sequence[Event] = (start('delete'), end('delete'))


def of(verb: str) -> Line:
    """What is told of a verb; of one that the table does not know, its failure only."""
    return VERBS.get(verb, _UNTOLD)
