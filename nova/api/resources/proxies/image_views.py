"""Show images in the form that Compute gave them before the image service had an API of its own."""

from collections.abc import Mapping
from typing import Any

from nova.api.request import Request
from nova.api.schema import truth
from nova.domain.image import CatalogImage, Image

# By the status that the image service says; and how far it is.
_STATUS = {
    'active': ('ACTIVE', 100),
    'queued': ('SAVING', 25),
    'saving': ('SAVING', 50),
    'uploading': ('SAVING', 50),
    'importing': ('SAVING', 50),
    'deleted': ('DELETED', 0),
    'pending_delete': ('DELETED', 0),
    'killed': ('ERROR', 0),
}
_UNKNOWN = ('UNKNOWN', 0)


def statuses(shown: str) -> list[str]:
    """Those of the image service that are shown so; a word that it does not know if there are none."""
    return [name for name, (status, _progress) in _STATUS.items() if status == shown.upper()] or [shown.lower()]


def brief(request: Request, found: CatalogImage, glance: str) -> dict[str, Any]:
    return {'id': found.image.id, 'name': found.image.name, 'links': _links(request, found.image, glance)}


def whole(request: Request, found: CatalogImage, glance: str) -> dict[str, Any]:
    image = found.image
    status, progress = _STATUS.get(image.status, _UNKNOWN)
    shown = {
        'id': image.id,
        'name': image.name,
        'minRam': image.min_memory_mb,
        'minDisk': image.min_disk_gb,
        'metadata': image.properties,
        'created': _moment(found.created_at),
        'updated': _moment(found.updated_at),
        'status': status,
        'progress': progress,
        'OS-EXT-IMG-SIZE:size': image.size,
        'links': _links(request, image, glance),
    }
    if server_id := image.properties.get('instance_uuid'):
        shown['server'] = {'id': server_id, 'links': request.links('servers', server_id)}
    return shown | _disk_config(image.properties)


def _links(request: Request, image: Image, glance: str) -> list[dict[str, str]]:
    at_glance = {
        'rel': 'alternate',
        'type': 'application/vnd.openstack.image',
        'href': f'{request.settings.image_link_prefix or glance}/images/{image.id}',
    }
    return [*request.links('images', image.id), at_glance]


def _disk_config(properties: Mapping[str, Any]) -> dict[str, str]:
    if 'auto_disk_config' not in properties:
        return {}
    return {'OS-DCF:diskConfig': 'AUTO' if truth(properties['auto_disk_config']) else 'MANUAL'}


def _moment(text: str) -> str | None:
    """To the second, however exact the image service is."""
    return f'{text[:19]}Z' if text else None
