"""Show servers as the REST API does: one table of keys, with the versions, views and callers that see them."""

import dataclasses
import datetime
import functools
from collections.abc import Callable, Iterable
from typing import Any

from nova.api import policy
from nova.api.microversions import Version
from nova.api.request import Request
from nova.db.stores.mappings import Mapping
from nova.domain import lifecycle
from nova.domain.lifecycle import Power
from nova.domain.network import Port
from nova.domain.queries import Named
from nova.domain.server import Server, ServerRequest, building

EXTENDED = policy.admin(
    'os_compute_api:os-extended-server-attributes', 'Shows the attributes of a server that tell of its host.'
)
HOST_STATUS = policy.admin('os_compute_api:servers:show:host_status', "Shows the status of a server's host.")
HOST_STATUS_UNKNOWN = policy.admin(
    'os_compute_api:servers:show:host_status:unknown-only', "Shows that the status of a server's host is unknown."
)
EXTRA_SPECS = policy.project_reader(
    'os_compute_api:servers:show:flavor-extra-specs', "Shows the extra specifications of a server's flavor."
)

SHOW, DETAIL, UPDATED = 'show', 'detail', 'updated'
# From here on the answer to an update shows all that GET shows.
WHOLE_UPDATE = (2, 75)
UNKNOWN = 'UNKNOWN'

_ABSENT: Any = object()
_WITH_PROGRESS = frozenset({'ACTIVE', 'BUILD', 'REBUILD', 'RESIZE', 'VERIFY_RESIZE', 'MIGRATING'})
_WITH_FAULT = frozenset({'ERROR', 'DELETED'})


@dataclasses.dataclass(frozen=True)
class Lens:
    """What the caller may see, and where links lead. `host_status` is asked for each server that has a host."""

    version: Version
    server_url: str
    server_bookmark: str
    flavor_bookmark: str
    image_bookmark: str
    extended: bool
    extra_specs: bool
    fault_details: bool
    name_template: str
    host_status: Callable[[Server], str] | None = None
    host_status_unknown_only: bool = False
    whole: bool = True

    @property
    def rights(self) -> tuple[bool, bool]:
        return self.extended, self.host_status is not None

    def links(self, server_id: str) -> list[dict[str, str]]:
        return [
            {'rel': 'self', 'href': self.server_url + server_id},
            {'rel': 'bookmark', 'href': self.server_bookmark + server_id},
        ]


def lens(request: Request, view: str, host_status: Callable[[Server], str] | None = None) -> Lens:
    """How the request's caller sees servers."""
    whole_status = request.may(HOST_STATUS)
    may_see_status = request.version >= (2, 16) and (whole_status or request.may(HOST_STATUS_UNKNOWN))
    prefix = request.settings.image_link_prefix
    return Lens(
        version=request.version,
        server_url=request.url('servers', ''),
        server_bookmark=_bookmark(request, 'servers'),
        flavor_bookmark=_bookmark(request, 'flavors'),
        image_bookmark=f'{prefix.rstrip("/")}/images/' if prefix else _bookmark(request, 'images'),
        extended=request.may(EXTENDED),
        extra_specs=request.may(EXTRA_SPECS),
        fault_details=request.context.is_admin,
        name_template=request.settings.instance_name_template,
        host_status=host_status if may_see_status else None,
        host_status_unknown_only=not whole_status,
        whole=view != UPDATED or request.version >= WHOLE_UPDATE,
    )


def sees_host_status(request: Request) -> bool:
    """Whether the view will ask for the status of hosts."""
    return request.version >= (2, 16) and (request.may(HOST_STATUS) or request.may(HOST_STATUS_UNKNOWN))


def one(server: Server, seen: Lens, view: str = SHOW) -> dict[str, Any]:
    """A server with all its keys."""
    return _fill(server, seen, _keys_at(seen.version, view, seen.rights))


def many(servers: Iterable[Server], seen: Lens) -> list[dict[str, Any]]:
    """A page of servers with all their keys."""
    keys = _keys_at(seen.version, DETAIL, seen.rights)
    return [_fill(server, seen, keys) for server in servers]


def brief(server: Server | Named, seen: Lens) -> dict[str, Any]:
    return {'id': server.id, 'name': server.name, 'links': seen.links(server.id)}


def unreachable(server_id: str, mapping: Mapping, asked: ServerRequest | None, seen: Lens) -> dict[str, Any]:
    """A server whose cell does not answer; `asked` is what it was created with."""
    shown: dict[str, Any] = {
        **unreachable_detail(server_id, mapping, seen),
        'user_id': mapping.user_id,
        'OS-EXT-AZ:availability_zone': UNKNOWN,
        'OS-EXT-STS:power_state': Power.NOSTATE.value,
    }
    if asked is not None:
        server = building(asked)
        shown |= {'image': _image(server, seen), 'flavor': _flavor_itself(server, seen)}
    if seen.version >= (2, 71):
        shown['server_groups'] = [mapping.group_id] if mapping.group_id else []
    return shown


def unreachable_detail(server_id: str, mapping: Mapping, seen: Lens) -> dict[str, Any]:
    """What a list in detail shows of a server whose cell does not answer."""
    return {
        **unreachable_brief(server_id, mapping, seen),
        'created': shown_time(mapping.created_at),
        'tenant_id': mapping.project_id,
    }


def unreachable_brief(server_id: str, mapping: Mapping, seen: Lens) -> dict[str, Any]:
    return {'id': server_id, 'status': UNKNOWN, 'links': seen.links(server_id)}


def shown_time(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat()[:19] + 'Z' if moment else None


def exact_time(moment: datetime.datetime | None) -> str | None:
    return moment.replace(tzinfo=None).isoformat(timespec='microseconds') if moment else None


def addresses(ports: Iterable[Port], whole: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Addresses by the network's name; `whole` tells of each its kind and MAC, too."""
    found: dict[str, list[dict[str, Any]]] = {}
    for port in ports:
        here = found.setdefault(port.network.label, [])
        for ip in port.fixed_ips:
            here.append(_address(ip.address, ip.version, 'fixed', port.mac, whole))
        for floating in port.floating_ips:
            here.append(_address(floating, 4, 'floating', port.mac, whole))
    return found


def _address(address: str, version: int, kind: str, mac: str, whole: bool) -> dict[str, Any]:
    entry = {'version': version, 'addr': address}
    return {**entry, 'OS-EXT-IPS:type': kind, 'OS-EXT-IPS-MAC:mac_addr': mac} if whole else entry


def _fill(server: Server, seen: Lens, keys: tuple[tuple[str, Callable], ...]) -> dict[str, Any]:
    return {name: value for name, make in keys if (value := make(server, seen)) is not _ABSENT}


def _bookmark(request: Request, kind: str) -> str:
    return request.links(kind, '')[1]['href']


def _image(server: Server, seen: Lens) -> Any:
    if not server.image_id:
        return ''
    return {'id': server.image_id, 'links': [{'rel': 'bookmark', 'href': seen.image_bookmark + server.image_id}]}


def _flavor_link(server: Server, seen: Lens) -> dict[str, Any]:
    ident = server.flavor.id
    return {'id': ident, 'links': [{'rel': 'bookmark', 'href': seen.flavor_bookmark + ident}]}


def _flavor_itself(server: Server, seen: Lens) -> dict[str, Any]:
    flavor = server.flavor
    shown = {
        'vcpus': flavor.vcpus,
        'ram': flavor.memory_mb,
        'disk': flavor.disk_gb,
        'ephemeral': flavor.ephemeral_gb,
        'swap': flavor.swap_mb,
        'original_name': flavor.name,
    }
    return {**shown, 'extra_specs': flavor.extra_specs} if seen.extra_specs else shown


def _status(server: Server) -> str:
    return lifecycle.status(server.state, server.activity)


def _progress(server: Server, seen: Lens) -> Any:
    return server.progress if _status(server) in _WITH_PROGRESS else _ABSENT


def _fault(server: Server, seen: Lens) -> Any:
    fault = server.fault
    if fault is None or _status(server) not in _WITH_FAULT:
        return _ABSENT
    shown = {'code': fault.code, 'created': shown_time(fault.created_at), 'message': fault.message}
    if fault.details and (seen.fault_details or fault.code != 500):
        shown['details'] = fault.details
    return shown


def _security_groups(server: Server, seen: Lens) -> Any:
    return [{'name': name} for name in server.security_groups] or _ABSENT


def _host_status(server: Server, seen: Lens) -> Any:
    status = seen.host_status(server) if server.host else ''
    return _ABSENT if seen.host_status_unknown_only and status != UNKNOWN else status


def _property(name: str) -> Callable[[Server, Lens], Any]:
    return lambda server, seen: server.image_properties.get(name) or ''


@dataclasses.dataclass(frozen=True)
class Key:
    """One key. `right` is who sees it, until `for_all_since`; `updated` says that updates always answered with it."""

    name: str
    make: Callable[[Server, Lens], Any]
    since: tuple[int, int] = (2, 1)
    until: tuple[int, int] | None = None
    updated: bool = False
    in_lists: bool = True
    right: str | None = None
    for_all_since: tuple[int, int] | None = None

    def at(self, version: Version, view: str, rights: frozenset[str]) -> bool:
        if version < self.since or (self.until and version > self.until):
            return False
        if view == DETAIL and not self.in_lists:
            return False
        if view == UPDATED and not self.updated and version < WHOLE_UPDATE:
            return False
        is_open = self.for_all_since is not None and version >= self.for_all_since
        return self.right is None or is_open or self.right in rights


_EXTENDED, _HOST = 'extended', 'host status'

KEYS = (
    Key('id', lambda server, seen: server.id, updated=True),
    Key('name', lambda server, seen: server.name, updated=True),
    Key('status', lambda server, seen: _status(server), updated=True),
    Key('tenant_id', lambda server, seen: server.project_id, updated=True),
    Key('user_id', lambda server, seen: server.user_id, updated=True),
    Key('metadata', lambda server, seen: server.metadata, updated=True),
    Key('hostId', lambda server, seen: server.host_id, updated=True),
    Key('image', _image, updated=True),
    Key('flavor', _flavor_link, until=(2, 46), updated=True),
    Key('flavor', _flavor_itself, since=(2, 47), updated=True),
    Key('created', lambda server, seen: shown_time(server.created_at), updated=True),
    Key('updated', lambda server, seen: shown_time(server.updated_at or server.created_at), updated=True),
    Key('addresses', lambda server, seen: addresses(server.ports, seen.whole), updated=True),
    Key('accessIPv4', lambda server, seen: server.access_ip_v4 or '', updated=True),
    Key('accessIPv6', lambda server, seen: server.access_ip_v6 or '', updated=True),
    Key('links', lambda server, seen: seen.links(server.id), updated=True),
    Key('OS-DCF:diskConfig', lambda server, seen: server.disk_config, updated=True),
    Key('progress', _progress, updated=True),
    Key('fault', _fault, updated=True),
    Key('key_name', lambda server, seen: server.keypair.name if server.keypair else None),
    Key('config_drive', lambda server, seen: 'True' if server.config_drive else ''),
    Key('security_groups', _security_groups),
    # No volume can be attached yet.
    Key('os-extended-volumes:volumes_attached', lambda server, seen: []),
    Key('OS-EXT-AZ:availability_zone', lambda server, seen: server.availability_zone or ''),
    Key('OS-EXT-STS:task_state', lambda server, seen: server.activity.value if server.activity else None),
    Key('OS-EXT-STS:vm_state', lambda server, seen: server.state.value),
    Key('OS-EXT-STS:power_state', lambda server, seen: server.power.value),
    Key('OS-SRV-USG:launched_at', lambda server, seen: exact_time(server.launched_at)),
    Key('OS-SRV-USG:terminated_at', lambda server, seen: exact_time(server.terminated_at)),
    Key('OS-EXT-SRV-ATTR:host', lambda server, seen: server.host, right=_EXTENDED),
    Key('OS-EXT-SRV-ATTR:hypervisor_hostname', lambda server, seen: server.node, right=_EXTENDED),
    Key(
        'OS-EXT-SRV-ATTR:instance_name',
        lambda server, seen: server.guest_name(seen.name_template) or '',
        right=_EXTENDED,
    ),
    Key('OS-EXT-SRV-ATTR:reservation_id', lambda server, seen: server.reservation_id, (2, 3), right=_EXTENDED),
    Key('OS-EXT-SRV-ATTR:launch_index', lambda server, seen: server.launch_index, (2, 3), right=_EXTENDED),
    Key(
        'OS-EXT-SRV-ATTR:hostname',
        lambda server, seen: server.hostname,
        (2, 3),
        right=_EXTENDED,
        for_all_since=(2, 90),
    ),
    Key('OS-EXT-SRV-ATTR:kernel_id', _property('kernel_id'), (2, 3), right=_EXTENDED),
    Key('OS-EXT-SRV-ATTR:ramdisk_id', _property('ramdisk_id'), (2, 3), right=_EXTENDED),
    Key('OS-EXT-SRV-ATTR:root_device_name', lambda server, seen: server.root_device_name, (2, 3), right=_EXTENDED),
    Key('OS-EXT-SRV-ATTR:user_data', lambda server, seen: server.user_data, (2, 3), right=_EXTENDED),
    Key('locked', lambda server, seen: server.locked, (2, 9), updated=True),
    Key('host_status', _host_status, (2, 16), right=_HOST),
    Key('description', lambda server, seen: server.description, (2, 19), updated=True),
    Key('tags', lambda server, seen: sorted(server.tags), (2, 26), updated=True),
    Key(
        'trusted_image_certificates',
        lambda server, seen: list(server.trusted_image_certificates) or None,
        (2, 63),
        updated=True,
    ),
    Key(
        'server_groups',
        lambda server, seen: [server.group_id] if server.group_id else [],
        (2, 71),
        updated=True,
        in_lists=False,
    ),
    Key('locked_reason', lambda server, seen: server.locked_reason, (2, 73), updated=True),
    Key('pinned_availability_zone', lambda server, seen: server.pinned_availability_zone, (2, 96)),
)


@functools.lru_cache(maxsize=1024)
def _keys_at(version: Version, view: str, rights: tuple[bool, bool]) -> tuple[tuple[str, Callable], ...]:
    granted = frozenset(name for name, held in zip((_EXTENDED, _HOST), rights, strict=True) if held)
    return tuple((key.name, key.make) for key in KEYS if key.at(version, view, granted))
