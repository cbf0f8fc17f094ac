"""The payloads of servers."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from nova.context import Context
from nova.domain.block_device import BlockDevice
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.network import Port
from nova.domain.notifications import payloads
from nova.domain.notifications.envelope import envelope, moment
from nova.domain.server import Server


@dataclasses.dataclass(frozen=True)
class Kind:
    """A form of payload: its name and version, and what it has beside the server's own fields."""

    name: str
    version: str
    # Told by whoever sends it, None where they do not say.
    facts: tuple[str, ...] = ()


_ACTION_FACTS = ('fault',)
ACTION = Kind('InstanceActionPayload', '1.9', _ACTION_FACTS)
CREATE = Kind('InstanceCreatePayload', '1.13', (*_ACTION_FACTS, 'instance_name'))
REBUILD = Kind('InstanceActionRebuildPayload', '1.10', _ACTION_FACTS)
RESCUE = Kind('InstanceActionRescuePayload', '1.4', (*_ACTION_FACTS, 'rescue_image_ref'))
RESIZE_PREP = Kind('InstanceActionResizePrepPayload', '1.4', (*_ACTION_FACTS, 'new_flavor'))
SNAPSHOT = Kind('InstanceActionSnapshotPayload', '1.10', (*_ACTION_FACTS, 'snapshot_image_id'))
VOLUME = Kind('InstanceActionVolumePayload', '1.7', (*_ACTION_FACTS, 'volume_id'))
SWAP_VOLUME = Kind('InstanceActionVolumeSwapPayload', '1.9', (*_ACTION_FACTS, 'old_volume_id', 'new_volume_id'))
EXISTS = Kind('InstanceExistsPayload', '2.1', ('audit_period',))
UPDATE = Kind('InstanceUpdatePayload', '2.1', ('audit_period', 'old_display_name', 'state_update'))

_WITH_CERTIFICATES = (CREATE, REBUILD)
_WITH_TAGS = (CREATE, UPDATE)
_POWERS = {
    Power.NOSTATE: 'pending',
    Power.RUNNING: 'running',
    Power.PAUSED: 'paused',
    Power.SHUTDOWN: 'shutdown',
    Power.CRASHED: 'crashed',
    Power.SUSPENDED: 'suspended',
}


def payload(
    kind: Kind, server: Server, context: Context, disks: Iterable[BlockDevice] = (), **facts: Any
) -> dict[str, Any]:
    """A server as it is, and who asked for what is done to it. `disks` are empty unless they are wished for."""
    data = _server(server, context, disks) | {name: facts.get(name) for name in kind.facts}
    if kind is CREATE:
        data['keypairs'] = [payloads.keypair(server.keypair)] if server.keypair else []
    if kind in _WITH_TAGS:
        data['tags'] = list(server.tags)
    if kind in _WITH_CERTIFICATES:
        certificates = server.trusted_image_certificates
        data['trusted_image_certificates'] = list(certificates) if certificates else None
    return envelope(kind.name, kind.version, data)


def state_update(
    old_state: State, state: State, old_activity: Activity | None, activity: Activity | None
) -> dict[str, Any]:
    data = {
        'old_state': old_state.value,
        'state': state.value,
        'old_task_state': old_activity and old_activity.value,
        'new_task_state': activity and activity.value,
    }
    return envelope('InstanceStateUpdatePayload', '1.0', data)


def _server(server: Server, context: Context, disks: Iterable[BlockDevice]) -> dict[str, Any]:
    properties = server.image_properties
    return {
        'uuid': server.id,
        'tenant_id': server.project_id,
        'user_id': server.user_id,
        'display_name': server.name,
        'display_description': server.description,
        'host_name': server.hostname,
        'host': server.host,
        'node': server.node,
        'availability_zone': server.availability_zone,
        'reservation_id': server.reservation_id,
        'state': server.state.value,
        'task_state': server.activity and server.activity.value,
        'power_state': _POWERS[server.power],
        'progress': server.progress,
        'locked': server.locked,
        'locked_reason': server.locked_reason,
        'created_at': moment(server.created_at),
        'updated_at': moment(server.updated_at),
        'launched_at': moment(server.launched_at),
        'terminated_at': moment(server.terminated_at),
        'deleted_at': moment(_deleted_at(server)),
        'image_uuid': server.image_id,
        'key_name': server.keypair.name if server.keypair else None,
        'kernel_id': properties.get('kernel_id', ''),
        'ramdisk_id': properties.get('ramdisk_id', ''),
        'architecture': properties.get('hw_architecture') or properties.get('architecture'),
        'os_type': properties.get('os_type'),
        'auto_disk_config': server.disk_config,
        'metadata': dict(server.metadata),
        'flavor': payloads.flavor(server.flavor),
        # What is deleted has given its addresses back.
        'ip_addresses': _addresses(() if server.deleted else server.ports),
        'block_devices': [_disk(disk) for disk in disks if disk.volume_id],
        'shares': [],
        'request_id': context.request_id,
        'action_initiator_user': context.user_id,
        'action_initiator_project': context.project_id,
    }


def _deleted_at(server: Server) -> Any:
    """What is deleted for the time being changes no more until it is restored or reclaimed."""
    if server.deleted:
        return server.terminated_at
    return server.updated_at if server.state is State.SOFT_DELETED and server.activity is None else None


def _addresses(ports: Sequence[Port]) -> list[dict[str, Any]]:
    return [
        envelope(
            'IpPayload',
            '1.0',
            {
                'address': fixed.address,
                'version': fixed.version,
                'mac': port.mac,
                'port_uuid': port.id,
                'label': port.network.label,
                'device_name': port.devname,
                'meta': {},
            },
        )
        for port in ports
        for fixed in port.fixed_ips
    ]


def _disk(disk: BlockDevice) -> dict[str, Any]:
    return envelope(
        'BlockDevicePayload',
        '1.0',
        {
            'volume_id': disk.volume_id,
            'device_name': disk.device_name,
            'boot_index': disk.boot_index,
            'tag': disk.tag,
            'delete_on_termination': disk.delete_on_termination,
        },
    )
