"""What a list of servers is asked for: query parameters become a `ServerQuery`."""

import dataclasses
import datetime
import json
import re
from collections.abc import Callable
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.microversions import Version
from nova.api.request import Request
from nova.api.schema import QUERY_NUMBER, QUERY_TEXT, Field, Query, parse_time
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.queries import Phase, ServerQuery, Span, shown_as

ALL_FILTERS = policy.admin('os_compute_api:servers:allow_all_filters', 'Filters servers by any of their attributes.')
_TRUE = frozenset({'1', 't', 'true', 'on', 'y', 'yes'})
_FALSE = frozenset({'0', 'f', 'false', 'off', 'n', 'no'})
# As the database's integers are.
_NUMBER = re.compile(r'-?[0-9]{1,9}')
_FRACTION = re.compile(r':[0-9]+\.[0-9]')


def truth(name: str, text: str) -> bool:
    if text.strip().lower() in _TRUE:
        return True
    if text.strip().lower() in _FALSE:
        return False
    raise errors.Invalid(f'Invalid input for field/attribute {name}. Value: {text[:64]}. It must be true or false.')


@dataclasses.dataclass(frozen=True)
class Filter:
    """A query parameter: the field of `ServerQuery` that it sets, and from which version on users have it, too."""

    parameter: str
    field: str
    read: Callable[[str, str], Any] = lambda name, text: text
    users_since: tuple[int, int] | None = None
    since: tuple[int, int] = (2, 1)

    def applies(self, version: Version, all_filters: bool) -> bool:
        return version >= self.since and (all_filters or (self.users_since is not None and version >= self.users_since))


class _NothingMatches(Exception):
    """The filter's value is one that no server can have."""


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _NothingMatches
    return int(text)


def _power(name: str, text: str) -> Power:
    try:
        return Power(_number(name, text))
    except ValueError:
        raise _NothingMatches


def _activity(name: str, text: str) -> Activity:
    try:
        return Activity(text)
    except ValueError:
        raise _NothingMatches


def _tags(name: str, text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for tag in text.split(',') if tag))


def _moment(name: str, text: str) -> Any:
    moment = parse_time(text)
    if moment is None:
        raise errors.Invalid(f'Invalid filter field: {name}.')
    return moment


def _span(name: str, text: str) -> Span:
    """The moment, or the whole second if the text says no more: what a server shows of itself finds it."""
    moment = _moment(name, text)
    exact = _FRACTION.search(text) is not None
    try:
        return moment, moment + datetime.timedelta(microseconds=1 if exact else 1_000_000)
    except OverflowError:
        raise _NothingMatches


def _property(name: str, text: str) -> dict[str, str]:
    return {name: text}


def _metadata(name: str, text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise errors.Invalid(f'Invalid input for field/attribute {name}. It must be a JSON object of strings.')
    return found


def _ids(name: str, text: str) -> tuple[str, ...]:
    return tuple(text.split(','))


def _disk_config(name: str, text: str) -> str:
    return 'AUTO' if truth(name, text) else 'MANUAL'


EVERYBODY = (2, 1)
FILTERS = (
    Filter('name', 'name', users_since=EVERYBODY),
    Filter('display_name', 'name', users_since=None),
    Filter('image', 'image_id', users_since=EVERYBODY),
    Filter('image_ref', 'image_id'),
    Filter('flavor', 'flavor_id', users_since=EVERYBODY),
    Filter('ip', 'ip', users_since=EVERYBODY),
    Filter('ip6', 'ip6', users_since=(2, 5)),
    Filter('reservation_id', 'reservation_id', users_since=EVERYBODY),
    Filter('changes-since', 'changes_since', _moment, EVERYBODY),
    Filter('changes-before', 'changes_before', _moment, (2, 66), (2, 66)),
    Filter('tags', 'tags', _tags, (2, 26), (2, 26)),
    Filter('tags-any', 'tags_any', _tags, (2, 26), (2, 26)),
    Filter('not-tags', 'not_tags', _tags, (2, 26), (2, 26)),
    Filter('not-tags-any', 'not_tags_any', _tags, (2, 26), (2, 26)),
    Filter('locked', 'locked', truth, (2, 73), (2, 73)),
    Filter('availability_zone', 'availability_zone', users_since=(2, 83)),
    Filter('config_drive', 'config_drive', truth, (2, 83)),
    Filter('key_name', 'key_name', users_since=(2, 83)),
    Filter('created_at', 'created', _span, (2, 83)),
    Filter('launched_at', 'launched', _span, (2, 83)),
    Filter('terminated_at', 'terminated', _span, (2, 83)),
    Filter('power_state', 'power', _power, (2, 83)),
    Filter('task_state', 'activity', _activity, (2, 83)),
    Filter('progress', 'progress', _number, (2, 83)),
    Filter('user_id', 'user_id', users_since=(2, 83)),
    Filter('host', 'host'),
    Filter('node', 'node'),
    Filter('hypervisor_hostname', 'node'),
    Filter('launched_on', 'launched_on'),
    Filter('hostname', 'hostname'),
    Filter('description', 'description'),
    Filter('display_description', 'description'),
    Filter('access_ip_v4', 'access_ip_v4'),
    Filter('access_ip_v6', 'access_ip_v6'),
    Filter('auto_disk_config', 'disk_config', _disk_config),
    Filter('launch_index', 'launch_index', _number),
    Filter('root_device_name', 'root_device_name'),
    Filter('user_data', 'user_data'),
    Filter('metadata', 'metadata', _metadata),
    Filter('locked_by', 'locked_by'),
    Filter('uuid', 'ids', _ids),
)
# Filters that are read with others: whose servers, in which states, deleted or not.
_JOINT = ('all_tenants', 'tenant_id', 'project_id', 'status', 'vm_state', 'deleted', 'soft_deleted')
# Parameters that say no more than whose servers are wanted, and in which pages.
_NO_FILTERS = frozenset({'all_tenants', 'tenant_id', 'project_id', 'limit', 'marker', 'sort_key', 'sort_dir'})
_IMAGE_PROPERTIES = ('kernel_id', 'ramdisk_id')
# Known to clients, and without effect here: users know nothing of cells.
_IDLE = ('cell_name',)
STATUSES = frozenset(
    {
        'ACTIVE', 'BUILD', 'DELETED', 'ERROR', 'HARD_REBOOT', 'MIGRATING', 'PASSWORD', 'PAUSED', 'REBOOT', 'REBUILD',
        'RESCUE', 'RESIZE', 'REVERT_RESIZE', 'SHELVED', 'SHELVED_OFFLOADED', 'SHUTOFF', 'SOFT_DELETED', 'SUSPENDED',
        'UNKNOWN', 'VERIFY_RESIZE',
    }
)  # fmt: skip

SORT_KEYS = {
    'access_ip_v4': 'access_ip_v4',
    'access_ip_v6': 'access_ip_v6',
    'auto_disk_config': 'disk_config',
    'availability_zone': 'availability_zone',
    'config_drive': 'config_drive',
    'created_at': 'created_at',
    'display_description': 'description',
    'display_name': 'name',
    'host': 'host',
    'hostname': 'hostname',
    'image_ref': 'image_id',
    'instance_type_id': 'flavor_id',
    'key_name': 'key_name',
    'launch_index': 'launch_index',
    'launched_at': 'launched_at',
    'locked': 'locked',
    'locked_by': 'locked_by',
    'node': 'node',
    'power_state': 'power',
    'progress': 'progress',
    'project_id': 'project_id',
    'root_device_name': 'root_device_name',
    'task_state': 'activity',
    'terminated_at': 'terminated_at',
    'updated_at': 'updated_at',
    'user_id': 'user_id',
    'uuid': 'id',
    'vm_state': 'state',
}
# What clients may ask lists to be sorted by, and what tells no order.
_IDLE_SORT_KEYS = (
    'block_device_mapping', 'deleted', 'deleted_at', 'device_metadata', 'ec2_ids', 'extra_specs', 'fault', 'flavor',
    'hidden', 'info_cache', 'kernel_id', 'keypairs', 'metadata', 'migration_context', 'numa_topology',
    'pci_devices', 'pci_requests', 'ramdisk_id', 'resources', 'security_groups', 'services', 'system_metadata', 'tags',
    'trusted_certs', 'vcpu_model',
)  # fmt: skip
_ADMIN_SORT_KEYS = frozenset({'host', 'node'})


def _sort_key(*names: str) -> dict[str, Any]:
    return {'type': 'string', 'enum': sorted({*names, *_IDLE_SORT_KEYS})}


_DIRECTION = {'type': 'string', 'enum': ['asc', 'desc']}

_VERSIONED = {'locked': '2.73', 'changes-before': '2.66'} | dict.fromkeys(
    ('tags', 'tags-any', 'not-tags', 'not-tags-any'), '2.26'
)

QUERY = Query(
    Field('limit', QUERY_NUMBER),
    Field('marker', QUERY_TEXT),
    Field('sort_key', _sort_key(*(key for key in SORT_KEYS if key != 'locked')), until='2.72', many=True),
    Field('sort_key', _sort_key(*SORT_KEYS), since='2.73', many=True),
    Field('sort_dir', _DIRECTION, many=True),
    *(
        Field(name, QUERY_TEXT, since=_VERSIONED.get(name, '2.1'), many=True)
        for name in (*_JOINT, *_IMAGE_PROPERTIES, *_IDLE, *dict.fromkeys(entry.parameter for entry in FILTERS))
    ),
    loose_until='2.74',
)


def read(request: Request, all_tenants: policy.Rule) -> ServerQuery | None:
    """The query of the request's parameters, without its page; None if no server can match it."""
    all_filters = request.may(ALL_FILTERS)
    try:
        fields = {
            entry.field: entry.read(entry.parameter, request.params[entry.parameter])
            for entry in FILTERS
            if entry.parameter in request.params and entry.applies(request.version, all_filters)
        }
        fields['states'] = _states(request, all_filters)
        fields['phases'] = _phases(request)
    except _NothingMatches:
        return None
    if (
        fields.get('changes_since')
        and fields.get('changes_before')
        and fields['changes_since'] > fields['changes_before']
    ):
        raise errors.Invalid('The value of changes-since must be less than or equal to changes-before.')
    if all_filters:
        properties = {name: request.params[name] for name in _IMAGE_PROPERTIES if name in request.params}
        fields['image_properties'] = properties
    fields |= _presence(request, all_filters, fields)
    fields['project_id'] = _project(request, all_tenants)
    return ServerQuery(**fields, sort=_sort(request))


def is_unfiltered(request: Request) -> bool:
    """Whether all servers of the project, or of all projects, are asked for."""
    return set(request.params) <= _NO_FILTERS


def _project(request: Request, all_tenants: policy.Rule) -> str | None:
    """Whose servers: the caller's own project's, unless an administrator wants another's, or all."""
    named = request.params.get('tenant_id') or request.params.get('project_id')
    every = truth('all_tenants', request.params['all_tenants'] or '1') if 'all_tenants' in request.params else False
    if every:
        request.require(all_tenants)
        return named
    if request.params.get('tenant_id') and request.may(all_tenants):
        return request.params['tenant_id']
    return request.context.project_id


def _states(request: Request, all_filters: bool) -> tuple[State, ...] | None:
    wanted = {word.lower() for word in request.params.all('vm_state')}
    if not wanted or not (all_filters or request.version >= (2, 83)):
        return None
    found = tuple(state for state in State if state.value in wanted)
    if not found:
        raise _NothingMatches
    return found


def _phases(request: Request) -> tuple[Phase, ...] | None:
    """What the asked-for `status`es mean."""
    wanted = {status.upper() for status in request.params.all('status')}
    if not wanted:
        return None
    if not wanted & STATUSES and request.version >= (2, 38):
        raise errors.Invalid(f'Invalid status value: {request.params["status"][:64]}')
    if 'DELETED' in wanted and not request.context.is_admin:
        raise errors.Forbidden('Only administrators may list deleted instances')
    found = shown_as(wanted)
    if not found:
        raise _NothingMatches
    return found


def _presence(request: Request, all_filters: bool, fields: dict[str, Any]) -> dict[str, bool | None]:
    """Deleted servers are listed for administrators, and for whoever asks for changes; those that can still be restored
    for whoever asks for their state, too."""
    restorable = _loose_truth(request.params.get('soft_deleted'), False) if all_filters else False
    if all_filters and 'deleted' in request.params:
        deleted = _loose_truth(request.params['deleted'] or '1', False)
        return {
            'deleted': deleted,
            'soft_deleted': _loose_truth(request.params.get('soft_deleted'), True) if deleted else restorable,
        }
    named = {state for state, _doing in fields['phases'] or ()} | {*(fields['states'] or ())}
    if State.DELETED in named and request.context.is_admin:
        return {'deleted': True if named == {State.DELETED} else None}
    if fields.get('changes_since'):
        return {'deleted': None}
    return {'deleted': False, 'soft_deleted': None if State.SOFT_DELETED in named else restorable}


def _loose_truth(text: str | None, default: bool) -> bool:
    """What is not known as true is false."""
    return default if text is None else text.strip().lower() in _TRUE


def _sort(request: Request) -> tuple[tuple[str, str], ...]:
    keys, directions = request.params.all('sort_key'), request.params.all('sort_dir')
    if not keys:
        return (('created_at', directions[0] if directions else 'desc'),)
    if not request.context.is_admin and _ADMIN_SORT_KEYS.intersection(keys):
        raise errors.Forbidden('Only administrators can sort servers by ' + ' or '.join(sorted(_ADMIN_SORT_KEYS)))
    if len(directions) > len(keys):
        raise errors.Invalid('Sort direction size exceeds sort key size')
    filled = [*directions, *([directions[-1] if directions else 'desc'] * (len(keys) - len(directions)))]
    asked = dict(zip(keys, filled, strict=True))
    found = tuple((SORT_KEYS[key], direction) for key, direction in asked.items() if key in SORT_KEYS)
    return found or (('created_at', filled[0]),)
