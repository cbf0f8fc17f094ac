"""The payloads of everything but servers."""

import datetime
from collections.abc import Sequence
from typing import Any

from nova.domain.flavor import Flavor
from nova.domain.host import Service
from nova.domain.image import Image
from nova.domain.keypair import KeyPair
from nova.domain.notifications.envelope import envelope, moment
from nova.domain.server import ServerRequest

# By these names listeners know kinds of errors that are called otherwise here.
PUBLISHED_KINDS = {'NoRoom': 'NoValidHost'}


def flavor(flavor: Flavor, projects: Sequence[str] | None = None, extra_specs: bool = True) -> dict[str, Any]:
    """`projects` may use it; None where that was not looked up. Of some events extra specs are no part."""
    return envelope(
        'FlavorPayload',
        '1.4',
        {
            'flavorid': flavor.id,
            'name': flavor.name,
            'vcpus': flavor.vcpus,
            'memory_mb': flavor.memory_mb,
            'root_gb': flavor.disk_gb,
            'ephemeral_gb': flavor.ephemeral_gb,
            'swap': flavor.swap_mb,
            'rxtx_factor': flavor.rxtx_factor,
            'vcpu_weight': 0,
            'disabled': flavor.disabled,
            'is_public': flavor.is_public,
            'extra_specs': dict(flavor.extra_specs) if extra_specs else None,
            'projects': None if projects is None else list(projects),
            'description': flavor.description,
        },
    )


def keypair(keypair: KeyPair) -> dict[str, Any]:
    return _keypair(keypair.user_id, keypair.name, keypair.type, keypair.fingerprint, keypair.public_key)


def keypair_to_be(user_id: str, name: str, kind: str, public_key: str | None) -> dict[str, Any]:
    """Of a key pair that is about to be made, or (with its public key) imported."""
    return _keypair(user_id, name, kind, None, public_key)


def _keypair(user_id: str, name: str, kind: str, fingerprint: str | None, public_key: str | None) -> dict[str, Any]:
    data = {'user_id': user_id, 'name': name, 'type': kind, 'fingerprint': fingerprint, 'public_key': public_key}
    return envelope('KeypairPayload', '1.0', data)


def aggregate(aggregate: Any, **changes: Any) -> dict[str, Any]:
    """`changes` are what it is about to become."""
    known = {
        'uuid': aggregate.uuid,
        'id': aggregate.id,
        'name': aggregate.name,
        'hosts': list(aggregate.hosts),
        'metadata': dict(aggregate.metadata),
    }
    return envelope('AggregatePayload', '1.1', known | changes)


def aggregate_to_be(uuid: str, name: str, metadata: dict[str, str]) -> dict[str, Any]:
    data = {'uuid': uuid, 'id': None, 'name': name, 'hosts': None, 'metadata': metadata}
    return envelope('AggregatePayload', '1.1', data)


def aggregate_images(
    aggregate: Any, host: str, index: int, total: int, cached: Sequence[str], failed: Sequence[str]
) -> dict[str, Any]:
    """Of images that a host of an aggregate has fetched ahead of time; it is the `index`th of `total` hosts."""
    data = {
        'uuid': aggregate.uuid,
        'id': aggregate.id,
        'name': aggregate.name,
        'host': host,
        'index': index,
        'total': total,
        'images_cached': list(cached),
        'images_failed': list(failed),
    }
    return envelope('AggregateCachePayload', '1.0', data)


def service(service: Service) -> dict[str, Any]:
    return envelope(
        'ServiceStatusPayload',
        '1.1',
        {
            'uuid': service.uuid,
            'host': service.host,
            'binary': service.binary,
            'topic': service.topic,
            'version': service.version,
            'disabled': not service.enabled,
            'disabled_reason': service.disabled_reason,
            'forced_down': service.forced_down,
            'last_seen_up': moment(service.seen_at),
            # Nobody counts how often a daemon was seen: from when it was last seen follows all that is asked of it.
            'report_count': 0 if service.seen_at is None else 1,
            'availability_zone': service.availability_zone,
        },
    )


def server_group(group: Any) -> dict[str, Any]:
    return envelope(
        'ServerGroupPayload',
        '1.1',
        {
            'uuid': group.id,
            'name': group.name,
            'project_id': group.project_id,
            'user_id': group.user_id,
            'policies': [group.policy],
            'policy': group.policy,
            'rules': {name: str(value) for name, value in group.rules.items()},
            'members': list(group.members),
            'hosts': None,
        },
    )


def failure(kind: str, message: str, module: str, function: str) -> dict[str, Any]:
    """An error in words that are safe for anybody to see; what is not is in the log, under the request's id."""
    data = {
        'exception': PUBLISHED_KINDS.get(kind, kind),
        'exception_message': message,
        'module_name': module,
        'function_name': function,
        'traceback': '',
    }
    return envelope('ExceptionPayload', '1.1', data)


def audit_period(beginning: datetime.datetime, ending: datetime.datetime) -> dict[str, Any]:
    data = {'audit_period_beginning': moment(beginning), 'audit_period_ending': moment(ending)}
    return envelope('AuditPeriodPayload', '1.0', data)


def compute_task(request: ServerRequest, state: str, reason: dict[str, Any]) -> dict[str, Any]:
    """Of a server that no host could take: what was asked for, and the failure."""
    data = {
        'instance_uuid': request.server_id,
        'request_spec': request_spec(request),
        'state': state,
        'reason': reason,
    }
    return envelope('ComputeTaskPayload', '1.0', data)


def request_spec(request: ServerRequest) -> dict[str, Any]:
    return envelope(
        'RequestSpecPayload',
        '1.1',
        {
            'instance_uuid': request.server_id,
            'project_id': request.project_id,
            'user_id': request.user_id,
            'availability_zone': request.availability_zone,
            'flavor': flavor(request.flavor),
            'image': _image(request.image) if request.image else None,
            'num_instances': 1,
            'security_groups': list(request.security_groups),
            'scheduler_hints': {name: _listed(value) for name, value in request.scheduler_hints.items()},
            'numa_topology': None,
            'pci_requests': _pci_requests(request.server_id),
            'force_hosts': [request.host] if request.forced and request.host else None,
            'force_nodes': [request.node] if request.forced and request.node else None,
            'ignore_hosts': None,
            'instance_group': None,
            'requested_destination': None,
            'retry': None,
        },
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _pci_requests(server_id: str) -> dict[str, Any]:
    return envelope('InstancePCIRequestsPayload', '1.0', {'instance_uuid': server_id, 'requests': []})


def _image(image: Image) -> dict[str, Any]:
    return envelope(
        'ImageMetaPayload',
        '1.0',
        {
            'id': image.id,
            'name': image.name,
            'status': image.status,
            'visibility': image.visibility,
            'owner': image.owner,
            'checksum': image.checksum,
            'container_format': image.container_format,
            'disk_format': image.disk_format,
            'min_disk': image.min_disk_gb,
            'min_ram': image.min_memory_mb,
            'size': image.size,
            'virtual_size': image.virtual_size,
            'properties': envelope('ImageMetaPropsPayload', '1.19', dict(image.properties)),
            'tags': [],
            'protected': False,
            # Where the image is kept is nobody's business, and when it was made was not asked.
            'direct_url': None,
            'created_at': None,
            'updated_at': None,
        },
    )
