"""The states of a server and the one table of what may change them."""

import dataclasses
import enum


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
    activity: Activity
    success: State
    failure: State | None = UNCHANGED
    when_locked: bool = False
    takes_over: bool = False


def _rule(verb, allowed, activity, success, failure=UNCHANGED, **options):
    return Transition(verb, frozenset(allowed), activity, success, failure, **options)


_ANY = set(State) - {State.DELETED}

TRANSITIONS = {
    rule.verb: rule
    for rule in (
        #      verb      allowed in        while running         then           or, on failure
        _rule('create', {State.BUILDING}, Activity.SCHEDULING, State.ACTIVE, State.ERROR),
        _rule('delete', _ANY, Activity.DELETING, State.DELETED, State.ERROR, takes_over=True),
    )
}

# What the REST API calls `status`: by state, and for some states by what is being done.
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


def status(state: State, activity: Activity | None) -> str:
    """The REST API's `status` of a server."""
    return _STATUS[state]


def states_of(wanted: str) -> frozenset[State]:
    """The states that the REST API shows as `status` `wanted`; none if there is no such status."""
    return frozenset(state for state, shown in _STATUS.items() if shown == wanted.upper())


# In these a server is what its guest's power says, unless an operation is under way.
FOLLOWS_POWER = frozenset({State.ACTIVE, State.STOPPED, State.PAUSED, State.SUSPENDED})


def power_to_state(power: Power) -> State | None:
    """The state that a guest's power implies for a server at rest, or None where power says nothing."""
    return {
        Power.RUNNING: State.ACTIVE,
        Power.SHUTDOWN: State.STOPPED,
        Power.CRASHED: State.STOPPED,
        Power.PAUSED: State.PAUSED,
        Power.SUSPENDED: State.SUSPENDED,
    }.get(power)
