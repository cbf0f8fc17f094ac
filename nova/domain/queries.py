"""What a list is asked for: filters, order and page, the same for the database and for values in memory."""

import dataclasses
import datetime
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from nova import errors
from nova.domain import lifecycle
from nova.domain.flavor import Flavor
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.server import Server

EARLIEST = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
PATTERN_LENGTH = 255
# How many repetitions without a bound a pattern may have. Each may cost as many steps as the text is long, once for
# each step of the one before; and a pattern that is not bound to the beginning is tried at every place.
REPETITIONS = 3

# Filters that compare one field of a server; the query's field has the server's name for it.
EQUAL = (
    'project_id',
    'user_id',
    'activity',
    'power',
    'host',
    'node',
    'launched_on',
    'image_id',
    'hostname',
    'description',
    'locked',
    'locked_by',
    'config_drive',
    'availability_zone',
    'access_ip_v4',
    'access_ip_v6',
    'progress',
    'disk_config',
    'reservation_id',
    'launch_index',
    'root_device_name',
    'user_data',
)

# What lists can be sorted by, and what stands for a value that is not there.
SORTABLE: dict[str, Any] = {
    'id': '',
    'name': '',
    'hostname': '',
    'project_id': '',
    'user_id': '',
    'flavor_id': '',
    'key_name': '',
    'state': '',
    'activity': '',
    'power': 0,
    'host': '',
    'node': '',
    'launched_on': '',
    'image_id': '',
    'description': '',
    'locked': False,
    'locked_by': '',
    'config_drive': False,
    'availability_zone': '',
    'access_ip_v4': '',
    'access_ip_v6': '',
    'progress': 0,
    'disk_config': '',
    'launch_index': 0,
    'root_device_name': '',
    'created_at': EARLIEST,
    'updated_at': EARLIEST,
    'launched_at': EARLIEST,
    'terminated_at': EARLIEST,
}


# A state, and what may be going on meanwhile.
Phase = tuple[State, tuple[Activity | None, ...]]
# From the first moment on, and before the second.
Span = tuple[datetime.datetime, datetime.datetime]
SPANS = {'created': 'created_at', 'launched': 'launched_at', 'terminated': 'terminated_at'}


class Named(NamedTuple):
    """A server in a short list, and where it stands there."""

    id: str
    name: str
    position: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class ServerQuery:
    """Which servers, in which order, and which page. None means that the filter is not used."""

    project_id: str | None = None
    user_id: str | None = None
    ids: tuple[str, ...] | None = None
    # Regular expressions, found anywhere in the name or in one of the addresses.
    name: str | None = None
    ip: str | None = None
    ip6: str | None = None
    states: tuple[State, ...] | None = None
    # Each state with the activities that are wanted of it; see `shown_as`.
    phases: tuple[Phase, ...] | None = None
    activity: Activity | None = None
    # True: only servers that an operation is working on; False: only those at rest.
    busy: bool | None = None
    power: Power | None = None
    host: str | None = None
    node: str | None = None
    launched_on: str | None = None
    flavor_id: str | None = None
    image_id: str | None = None
    key_name: str | None = None
    hostname: str | None = None
    description: str | None = None
    locked: bool | None = None
    locked_by: str | None = None
    config_drive: bool | None = None
    availability_zone: str | None = None
    access_ip_v4: str | None = None
    access_ip_v6: str | None = None
    progress: int | None = None
    disk_config: str | None = None
    reservation_id: str | None = None
    launch_index: int | None = None
    root_device_name: str | None = None
    user_data: str | None = None
    # Has all of these, has one of these, lacks one of these, lacks all of these.
    tags: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    not_tags_any: tuple[str, ...] = ()
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    # Properties of the image, as strings.
    image_properties: dict[str, str] = dataclasses.field(default_factory=dict)
    created: Span | None = None
    launched: Span | None = None
    terminated: Span | None = None
    changes_since: datetime.datetime | None = None
    changes_before: datetime.datetime | None = None
    deleted: bool | None = False
    # Servers that can still be restored: None takes them for living ones, True for deleted ones, too; False leaves them out.
    soft_deleted: bool | None = None
    sort: tuple[tuple[str, str], ...] = (('created_at', 'desc'),)
    limit: int | None = None
    # The `position` of the last server of the page before.
    marker: tuple[Any, ...] | None = None

    def __post_init__(self):
        for name, direction in self.sort:
            if name not in SORTABLE or direction not in ('asc', 'desc'):
                raise errors.Invalid(f'Servers cannot be sorted by {name} {direction}.')
        for name in ('name', 'ip', 'ip6'):
            if pattern := getattr(self, name):
                object.__setattr__(self, name, lean_pattern(name, pattern))

    def order(self) -> tuple[tuple[str, str], ...]:
        """The sort, ended by the id: so that no two servers are equal and pages neither overlap nor leave gaps."""
        if any(name == 'id' for name, _direction in self.sort):
            return self.sort
        last = self.sort[-1][1] if self.sort else 'desc'
        return (*self.sort, ('id', last))

    def position(self, server: Server) -> tuple[Any, ...]:
        """Where a server stands in the order; the marker of the page after it."""
        return tuple(_sort_value(server, name) for name, _direction in self.order())

    def in_order(self, servers: Iterable[Server]) -> list[Server]:
        """Servers of several cells in one order, cut to the page."""
        merged = list(servers)
        for name, direction in reversed(self.order()):
            merged.sort(key=lambda server, name=name: _sort_value(server, name), reverse=direction == 'desc')
        return merged if self.limit is None else merged[: self.limit]

    def named(self, server: Server) -> 'Named':
        return Named(server.id, server.name, self.position(server))

    def names_in_order(self, names: Iterable['Named']) -> list['Named']:
        """As `in_order`, for servers of which no more than this is known."""
        merged = list(names)
        for place, (_name, direction) in reversed([*enumerate(self.order())]):
            merged.sort(key=lambda named, place=place: named.position[place], reverse=direction == 'desc')
        return merged if self.limit is None else merged[: self.limit]

    def accepts(self, server: Server) -> bool:
        """Whether a server that is not in a cell yet belongs to the list and lies after the marker."""
        return (
            self._accepts_fields(server)
            and self._accepts_tags(frozenset(server.tags))
            and self._accepts_times(server)
            and (self.marker is None or self._is_after_marker(server))
        )

    def _accepts_fields(self, server: Server) -> bool:
        addresses = [ip for port in server.ports for ip in port.fixed_ips]
        return (
            all(wanted is None or getattr(server, name) == wanted for name in EQUAL for wanted in [getattr(self, name)])
            and (self.ids is None or server.id in self.ids)
            and (self.states is None or server.state in self.states)
            and (self.phases is None or any(server.state is s and server.activity in doing for s, doing in self.phases))
            and (self.busy is None or self.busy == (server.activity is not None))
            and self._accepts_presence(server)
            and (self.flavor_id is None or server.flavor.id == self.flavor_id)
            and (self.key_name is None or (server.keypair is not None and server.keypair.name == self.key_name))
            and (self.name is None or re.search(self.name, server.name) is not None)
            and (self.ip is None or any(ip.version == 4 and re.search(self.ip, ip.address) for ip in addresses))
            and (self.ip6 is None or any(ip.version == 6 and re.search(self.ip6, ip.address) for ip in addresses))
            and all(server.metadata.get(key) == value for key, value in self.metadata.items())
            and all(server.image_properties.get(key) == value for key, value in self.image_properties.items())
        )

    def _accepts_presence(self, server: Server) -> bool:
        if self.deleted is None:
            return True
        restorable = server.state is State.SOFT_DELETED
        if self.deleted:
            return server.deleted or (restorable and self.soft_deleted is True)
        return not server.deleted and not (restorable and self.soft_deleted is False)

    def _accepts_tags(self, tags: frozenset[str]) -> bool:
        return (
            tags.issuperset(self.tags)
            and (not self.tags_any or not tags.isdisjoint(self.tags_any))
            and (not self.not_tags or not tags.issuperset(self.not_tags))
            and tags.isdisjoint(self.not_tags_any)
        )

    def _accepts_times(self, server: Server) -> bool:
        changed = server.updated_at or server.created_at or EARLIEST
        return (
            all(_lies_in(getattr(server, field), getattr(self, name)) for name, field in SPANS.items())
            and (self.changes_since is None or changed >= self.changes_since)
            and (self.changes_before is None or changed <= self.changes_before)
        )

    def _is_after_marker(self, server: Server) -> bool:
        for (_name, direction), here, there in zip(self.order(), self.position(server), self.marker or (), strict=True):
            if here != there:
                return here > there if direction == 'asc' else here < there
        return False


@dataclasses.dataclass(frozen=True)
class FlavorQuery:
    """Which flavors. `is_public` None means both; `project_id` adds the private flavors that the project was given."""

    is_public: bool | None = True
    project_id: str | None = None
    disabled: bool | None = None
    min_disk_gb: int | None = None
    min_memory_mb: int | None = None
    sort: tuple[tuple[str, str], ...] = (('id', 'asc'),)
    limit: int | None = None
    # The id of the last flavor of the page before.
    marker: str | None = None

    def __post_init__(self):
        fields = {field.name for field in dataclasses.fields(Flavor)} - {'extra_specs'}
        for name, direction in self.sort:
            if name not in fields or direction not in ('asc', 'desc'):
                raise errors.Invalid(f'Flavors cannot be sorted by {name} {direction}.')


def lean_pattern(name: str, pattern: str) -> str:
    """The regular expression without what costs and says nothing; Invalid unless databases match it in bounded time."""
    if len(pattern) > PATTERN_LENGTH:
        raise errors.Invalid(f'The filter {name} must not be longer than {PATTERN_LENGTH} characters.')
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as failure:
        raise errors.Invalid(f'The filter {name} is not a regular expression: {failure}.') from failure
    # At both ends, what may be anything need not be there at all.
    lean = re.sub(r'^\^?(\.\*(?![*+?{]))+|(?<!\\)(\.\*)+\$?$', '', pattern)
    if _cost(lean) > REPETITIONS:
        raise errors.Invalid(
            f'The filter {name} is too complicated a regular expression: it may have no repeated groups, '
            f'and {REPETITIONS - 1} repetitions; {REPETITIONS} if it begins with ^.'
        )
    return lean


def shown_as(statuses: Iterable[str]) -> tuple[Phase, ...]:
    """The states and activities that the REST API shows as one of these `status`es; none if there is no such status."""
    wanted = {status.upper() for status in statuses}
    found = (
        (state, tuple(doing for doing in (None, *Activity) if lifecycle.status(state, doing) in wanted))
        for state in State
    )
    return tuple((state, doing) for state, doing in found if doing)


def _lies_in(moment: datetime.datetime | None, span: Span | None) -> bool:
    return span is None or (moment is not None and span[0] <= moment < span[1])


def _cost(pattern: str) -> float:
    """How many repetitions multiply when nothing matches; more than are allowed for what may take exponential time."""
    plain = re.sub(r'\\.', 'x', pattern)
    plain = re.sub(r'\[\^?\]?[^\]]*\]', 'x', plain)
    if '(?' in plain or re.search(r'\)[*+{?]', plain):
        return REPETITIONS + 1
    anchored = plain.startswith('^') and '|' not in plain
    # Eight choices of two cost as much as one repetition over a name of 255 characters.
    choices = plain.count('?') + (plain.count('|') if '(' in plain else 0)
    return len(re.findall(r'[*+{]', plain)) + choices / 8 + (0 if anchored else 1)


def _sort_value(server: Server, name: str) -> Any:
    if name == 'flavor_id':
        return server.flavor.id
    if name == 'key_name':
        return server.keypair.name if server.keypair else ''
    value = getattr(server, name)
    if value is None:
        return SORTABLE[name]
    return value.value if isinstance(value, State | Activity | Power) else value
