"""What a server's disk becomes when an image is made of it, and what that image says of itself."""

import dataclasses
import enum
from collections.abc import Collection, Mapping
from typing import Any

from nova.domain.server import Server

SNAPSHOT, BACKUP = 'snapshot', 'backup'
TRUE = frozenset({'1', 't', 'true', 'on', 'y', 'yes'})
# These tell of the image's own bytes; a snapshot has others.
BOUND_TO_DATA = frozenset((
    'img_signature', 'img_signature_hash_method', 'img_signature_key_type', 'img_signature_certificate_uuid',
    'cinder_encryption_key_id', 'cinder_encryption_key_deletion_policy', 'img_block_device_mapping', 'img_bdm_v2',
    'block_device_mapping', 'bdm_v2', 'mappings', 'root_device_name', 'direct_url', 'locations', 'backup_type',
))  # fmt: skip
# What the image service itself says of an image; a server remembers some of it among the properties of its own.
FACTS = frozenset((
    'id', 'name', 'status', 'visibility', 'protected', 'owner', 'checksum', 'size', 'virtual_size', 'min_disk', 'min_ram',
    'disk_format', 'container_format', 'tags', 'created_at', 'updated_at',
))  # fmt: skip
# The image service keeps these to itself.
OF_GLANCE = ('os_glance_', 'os_hash_')


class Quiesce(enum.Enum):
    """Whether the guest's own system is to bring its disk in order first: not, if it can, or else no snapshot is made."""

    NO = 'no'
    TRY = 'try'
    REQUIRE = 'require'


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A file on a host with all that is on a guest's disk. `size` of the file, `virtual_size` of the disk, in bytes."""

    disk_format: str
    size: int = 0
    virtual_size: int = 0


def quiesce_of(properties: Mapping[str, Any]) -> Quiesce:
    """What the server's image says of it."""
    if is_true(properties.get('os_require_quiesce')):
        return Quiesce.REQUIRE
    return Quiesce.TRY if is_true(properties.get('hw_qemu_guest_agent')) else Quiesce.NO


def is_true(value: Any) -> bool:
    return str(value).strip().lower() in TRUE


def inherited(properties: Mapping[str, Any], left_out: Collection[str]) -> dict[str, str]:
    """The properties of a server's image that an image of the server has, too."""
    without = BOUND_TO_DATA.union(FACTS, left_out)
    return {
        name: value if isinstance(value, str) else str(value)
        for name, value in properties.items()
        if value is not None and name not in without and not name.startswith(OF_GLANCE)
    }


def image_properties(
    server: Server, kind: str, left_out: Collection[str], metadata: Mapping[str, str] | None = None
) -> dict[str, str]:
    """All properties of an image of the server, as the image is recorded. `kind`: SNAPSHOT or BACKUP."""
    own = {'image_type': kind, 'instance_uuid': server.id, 'user_id': server.user_id}
    base = inherited(server.image_properties, left_out).get('base_image_ref') or server.image_id
    if base:
        own['base_image_ref'] = base
    # Rotation finds backups by these, so they are not for users to say.
    return {**inherited(server.image_properties, left_out), **(metadata or {}), **own}


def admin_user(properties: Mapping[str, Any]) -> str:
    """Whose password is changed when a server's administrator gets a new one."""
    windows = str(properties.get('os_type', '')).lower() == 'windows'
    return str(properties.get('os_admin_user') or ('Administrator' if windows else 'root'))
