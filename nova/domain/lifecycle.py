"""The states of a server and the one table of what may change them."""

import dataclasses
import enum
from collections.abc import Iterable
from typing import Any


class State(enum.Enum):
    """A server at rest. The values are the `vm_state` of the REST API."""

    BUILDING = 'building'
    ACTIVE = 'active'
    PAUSED = 'paused'
    SUSPENDED = 'suspended'
    STOPPED = 'stopped'
    RESCUED = 'rescued'
    RESIZED = 'resized'
    SHELVED = 'shelved'
    SHELVED_OFFLOADED = 'shelved_offloaded'
    SOFT_DELETED = 'soft-delete'
    ERROR = 'error'
    DELETED = 'deleted'


class Activity(enum.Enum):
    """What an operation is doing to a server. The values are the `task_state` of the REST API."""

    SCHEDULING = 'scheduling'
    BLOCK_DEVICE_MAPPING = 'block_device_mapping'
    NETWORKING = 'networking'
    SPAWNING = 'spawning'
    POWERING_OFF = 'powering-off'
    POWERING_ON = 'powering-on'
    REBOOTING = 'rebooting'
    REBOOT_PENDING = 'reboot_pending'
    REBOOT_STARTED = 'reboot_started'
    REBOOTING_HARD = 'rebooting_hard'
    REBOOT_PENDING_HARD = 'reboot_pending_hard'
    REBOOT_STARTED_HARD = 'reboot_started_hard'
    PAUSING = 'pausing'
    UNPAUSING = 'unpausing'
    SUSPENDING = 'suspending'
    RESUMING = 'resuming'
    RESCUING = 'rescuing'
    UNRESCUING = 'unrescuing'
    REBUILDING = 'rebuilding'
    REBUILD_BLOCK_DEVICE_MAPPING = 'rebuild_block_device_mapping'
    REBUILD_SPAWNING = 'rebuild_spawning'
    RESIZE_PREP = 'resize_prep'
    RESIZE_MIGRATING = 'resize_migrating'
    RESIZE_MIGRATED = 'resize_migrated'
    RESIZE_FINISH = 'resize_finish'
    RESIZE_CONFIRMING = 'resize_confirming'
    RESIZE_REVERTING = 'resize_reverting'
    MIGRATING = 'migrating'
    SHELVING = 'shelving'
    SHELVING_IMAGE_PENDING_UPLOAD = 'shelving_image_pending_upload'
    SHELVING_IMAGE_UPLOADING = 'shelving_image_uploading'
    SHELVING_OFFLOADING = 'shelving_offloading'
    UNSHELVING = 'unshelving'
    IMAGE_SNAPSHOT_PENDING = 'image_snapshot_pending'
    IMAGE_SNAPSHOT = 'image_snapshot'
    IMAGE_PENDING_UPLOAD = 'image_pending_upload'
    IMAGE_UPLOADING = 'image_uploading'
    IMAGE_BACKUP = 'image_backup'
    UPDATING_PASSWORD = 'updating_password'
    SOFT_DELETING = 'soft-deleting'
    RESTORING = 'restoring'
    DELETING = 'deleting'


class Power(enum.Enum):
    """A guest as its hypervisor reports it. The values are the `power_state` of the REST API."""

    NOSTATE = 0
    RUNNING = 1
    PAUSED = 3
    SHUTDOWN = 4
    CRASHED = 6
    SUSPENDED = 7


UNCHANGED = None


@dataclasses.dataclass(frozen=True)
class Transition:
    """One row of the table: where a verb may start, what shows while it runs, and where it ends."""

    verb: str
    allowed: frozenset[State]
    # None for what leaves `task_state` alone: the server is taken, but shows nothing of it.
    activity: Activity | None
    # UNCHANGED is the state that the server was in.
    success: State | None
    failure: State | None = UNCHANGED
    # Where else it may end well; the operation knows.
    or_else: frozenset[State] = frozenset()
    when_locked: bool = False
    # It asks whatever is being done to the server to stop; `interrupts` does so with these activities only.
    takes_over: bool = False
    interrupts: frozenset[Activity] = frozenset()
    # Whether a server may be in it that never ran.
    before_active: bool = False
    # What clients know it as: `action` in a refusal, `history` in the list of what was done to a server.
    action: str = ''
    history: str = ''


def _rule(
    verb: str,
    allowed: Iterable[State],
    activity: Activity | None,
    success: State | None,
    failure: State | None = UNCHANGED,
    or_else: Iterable[State] = (),
    **options: Any,
) -> Transition:
    names = {'action': verb, 'history': options.get('action', verb)} | options
    return Transition(verb, frozenset(allowed), activity, success, failure, frozenset(or_else), **names)


_ANY = set(State) - {State.DELETED}
_RUNS = {State.ACTIVE}
_RUNS_OR_NOT = {State.ACTIVE, State.STOPPED}
_OR_BROKEN = _RUNS_OR_NOT | {State.ERROR}
_TAKES_PORTS = _RUNS_OR_NOT | {State.PAUSED}
_WITH_DISKS = _TAKES_PORTS | {State.SUSPENDED}
_RESTARTABLE = _WITH_DISKS | {State.ERROR}
_SHELVED = {State.SHELVED, State.SHELVED_OFFLOADED}
# For shelved servers it is up to the microversion, too.
_TAKES_VOLUMES = _WITH_DISKS | _SHELVED | {State.RESIZED}
_LIVES = {State.ACTIVE, State.PAUSED, State.RESCUED, State.RESIZED}
_IS_OFF = {State.STOPPED, State.SOFT_DELETED}
# These have no guest that could be kept for a while.
_NEVER_SOFT = {State.BUILDING, State.SHELVED_OFFLOADED, State.SOFT_DELETED}
_REBOOTS = frozenset(activity for activity in Activity if activity.value.startswith('reboot'))
# What goes on at a host that failed.
_OUTLIVED = frozenset(
    activity for activity in Activity if activity is not Activity.DELETING and not activity.value.startswith('rebuild')
)

# fmt: off
TRANSITIONS = {
    rule.verb: rule
    for rule in (
        #     verb                   allowed in                while running                    then
        _rule('create',              {State.BUILDING},         Activity.SCHEDULING,             State.ACTIVE,
              failure=State.ERROR, before_active=True),
        _rule('stop',                _RUNS | {State.ERROR},    Activity.POWERING_OFF,           State.STOPPED),
        _rule('start',               {State.STOPPED},          Activity.POWERING_ON,            State.ACTIVE),
        _rule('reboot',              _RUNS,                    Activity.REBOOTING,              State.ACTIVE),
        _rule('reboot_hard',         _RESTARTABLE,             Activity.REBOOTING_HARD,         State.ACTIVE,
              failure=State.ERROR, interrupts=_REBOOTS, action='reboot'),
        _rule('pause',               _RUNS,                    Activity.PAUSING,                State.PAUSED),
        _rule('unpause',             {State.PAUSED},           Activity.UNPAUSING,              State.ACTIVE),
        _rule('suspend',             _RUNS,                    Activity.SUSPENDING,             State.SUSPENDED),
        _rule('resume',              {State.SUSPENDED},        Activity.RESUMING,               State.ACTIVE),
        _rule('rescue',              _OR_BROKEN,               Activity.RESCUING,               State.RESCUED),
        _rule('unrescue',            {State.RESCUED},          Activity.UNRESCUING,             State.ACTIVE),
        _rule('rebuild',             _OR_BROKEN,               Activity.REBUILDING,             State.ACTIVE,
              failure=State.ERROR, or_else={State.STOPPED}),
        _rule('resize',              _RUNS_OR_NOT,             Activity.RESIZE_PREP,            State.RESIZED),
        _rule('migrate',             _RUNS_OR_NOT,             Activity.RESIZE_PREP,            State.RESIZED),
        _rule('confirm_resize',      {State.RESIZED},          Activity.RESIZE_CONFIRMING,      State.ACTIVE,
              or_else={State.STOPPED}, action='confirmResize'),
        _rule('revert_resize',       {State.RESIZED},          Activity.RESIZE_REVERTING,       State.ACTIVE,
              or_else={State.STOPPED}, action='revertResize'),
        _rule('live_migrate',        _RUNS | {State.PAUSED},   Activity.MIGRATING,              UNCHANGED,
              action='os-migrateLive', history='live-migration'),
        _rule('evacuate',            _OR_BROKEN,               Activity.REBUILDING,             State.ACTIVE,
              failure=State.ERROR, or_else={State.STOPPED}, interrupts=_OUTLIVED),
        _rule('shelve',              _WITH_DISKS,              Activity.SHELVING,               State.SHELVED,
              or_else={State.SHELVED_OFFLOADED}),
        _rule('shelve_offload',      {State.SHELVED},          Activity.SHELVING_OFFLOADING,    State.SHELVED_OFFLOADED,
              action='shelveOffload'),
        _rule('unshelve',            _SHELVED,                 Activity.UNSHELVING,             State.ACTIVE),
        _rule('create_image',        _WITH_DISKS,              Activity.IMAGE_SNAPSHOT_PENDING, UNCHANGED,
              when_locked=True, action='createImage'),
        _rule('create_backup',       _WITH_DISKS,              Activity.IMAGE_BACKUP,           UNCHANGED,
              when_locked=True, action='createBackup'),
        _rule('change_password',     _RUNS,                    Activity.UPDATING_PASSWORD,      UNCHANGED,
              action='changePassword'),
        _rule('attach_interface',    _TAKES_PORTS,             None,                            UNCHANGED),
        _rule('detach_interface',    _TAKES_PORTS,             None,                            UNCHANGED),
        _rule('attach_volume',       _TAKES_VOLUMES,           None,                            UNCHANGED),
        _rule('detach_volume',       _TAKES_VOLUMES,           None,                            UNCHANGED),
        _rule('swap_volume',         _TAKES_VOLUMES - _SHELVED,None,                            UNCHANGED),
        _rule('trigger_crash_dump',  _LIVES | {State.ERROR},   None,                            UNCHANGED),
        _rule('inject_network_info', _LIVES | _WITH_DISKS,     None,                            UNCHANGED,
              action='injectNetworkInfo', history='inject_network_info'),
        _rule('soft_delete',         _ANY - _NEVER_SOFT,       Activity.SOFT_DELETING,          State.SOFT_DELETED,
              action='delete', takes_over=True),
        _rule('restore',             {State.SOFT_DELETED},     Activity.RESTORING,              State.ACTIVE),
        # The two that nobody asks for: a guest is made to be what its server is.
        _rule('power_off',           _IS_OFF,                  Activity.POWERING_OFF,           UNCHANGED,
              action='stop', history='stop'),
        _rule('power_on',            _RUNS | {State.ERROR},    Activity.POWERING_ON,            State.ACTIVE,
              failure=State.ERROR, action='start', history='start'),
        _rule('delete',              _ANY,                     Activity.DELETING,               State.DELETED,
              failure=State.ERROR, takes_over=True, before_active=True),
    )
}
# fmt: on

# What the REST API calls `status`: by state, and in some states by what is being done.
_STATUS = {
    State.BUILDING: 'BUILD',
    State.ACTIVE: 'ACTIVE',
    State.PAUSED: 'PAUSED',
    State.SUSPENDED: 'SUSPENDED',
    State.STOPPED: 'SHUTOFF',
    State.RESCUED: 'RESCUE',
    State.RESIZED: 'VERIFY_RESIZE',
    State.SHELVED: 'SHELVED',
    State.SHELVED_OFFLOADED: 'SHELVED_OFFLOADED',
    State.SOFT_DELETED: 'SOFT_DELETED',
    State.ERROR: 'ERROR',
    State.DELETED: 'DELETED',
}
_STATUS_WHILE = {
    Activity.REBOOTING: 'REBOOT',
    Activity.REBOOT_PENDING: 'REBOOT',
    Activity.REBOOT_STARTED: 'REBOOT',
    Activity.REBOOTING_HARD: 'HARD_REBOOT',
    Activity.REBOOT_PENDING_HARD: 'HARD_REBOOT',
    Activity.REBOOT_STARTED_HARD: 'HARD_REBOOT',
    Activity.UPDATING_PASSWORD: 'PASSWORD',
    Activity.REBUILDING: 'REBUILD',
    Activity.REBUILD_BLOCK_DEVICE_MAPPING: 'REBUILD',
    Activity.REBUILD_SPAWNING: 'REBUILD',
    Activity.MIGRATING: 'MIGRATING',
    Activity.RESIZE_PREP: 'RESIZE',
    Activity.RESIZE_MIGRATING: 'RESIZE',
    Activity.RESIZE_MIGRATED: 'RESIZE',
    Activity.RESIZE_FINISH: 'RESIZE',
    Activity.RESIZE_REVERTING: 'REVERT_RESIZE',
}
_SHOWS_ACTIVITY = _WITH_DISKS | {State.RESIZED, State.ERROR}


def status(state: State, activity: Activity | None) -> str:
    """The REST API's `status` of a server."""
    if activity in _STATUS_WHILE and state in _SHOWS_ACTIVITY:
        return _STATUS_WHILE[activity]
    return _STATUS[state]


def states_of(wanted: str) -> frozenset[State]:
    """The states in which the REST API can show `wanted` as `status`; none if there is no such status."""
    return frozenset(
        state for state in State if any(status(state, doing) == wanted.upper() for doing in (None, *Activity))
    )


def conflict(
    rule: Transition,
    server_id: str,
    state: State,
    activity: Activity | None = None,
    busy: bool = False,
    locked: bool = False,
    launched: bool = True,
) -> str | None:
    """Why the verb may not begin now, in words that clients know; None if it may.

    `busy`: an operation holds the server. `locked`: it is, and the caller may not ignore that. `launched`: it ran once.
    """
    if locked and not rule.when_locked:
        return f'Instance {server_id} is locked'
    cannot = f"Cannot '{rule.action}' instance {server_id} while it"
    if state not in rule.allowed:
        return f'{cannot} is in vm_state {state.value}'
    if not (launched or rule.before_active):
        return f'{cannot} has never been active'
    if not busy or rule.takes_over or activity in rule.interrupts:
        return None
    if activity is None:
        return f'{cannot} is held by another operation; try again in a moment.'
    return f'{cannot} is in task_state {activity.value}'


def history(verb: str) -> str:
    """What clients know a verb as that was done to a server."""
    return TRANSITIONS[verb].history if verb in TRANSITIONS else verb


_OFF = frozenset({Power.SHUTDOWN, Power.CRASHED})
_ON = frozenset({Power.RUNNING, Power.PAUSED, Power.SUSPENDED})

# The powers that go without saying, by a server's state; servers in other states are not compared with their guests.
USUAL_POWER = {
    State.ACTIVE: frozenset({Power.RUNNING}),
    State.PAUSED: frozenset({Power.PAUSED}),
    State.STOPPED: _OFF,
    State.SUSPENDED: _OFF,
    State.SOFT_DELETED: _OFF,
    State.SHELVED: _OFF,
    State.RESCUED: frozenset({Power.RUNNING}),
    State.RESIZED: frozenset({Power.RUNNING}) | _OFF,
}


@dataclasses.dataclass(frozen=True)
class Drift:
    """What follows when a guest changes by itself: another state of its server (None: the same), and its end if it is on."""

    state: State | None = None
    end_guest: bool = False


_NOTHING = Drift()


def drift(state: State, power: Power) -> Drift:
    """What follows for a server at rest whose guest has this power. A guest that was paused by hand is left alone."""
    if power in _OFF:
        return Drift(State.STOPPED) if state in (State.ACTIVE, State.PAUSED) else _NOTHING
    if power is Power.SUSPENDED and state is State.ACTIVE:
        return Drift(State.STOPPED, end_guest=True)
    if power in _ON and state in _IS_OFF:
        return Drift(end_guest=True)
    return _NOTHING
