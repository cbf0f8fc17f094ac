"""Volumes and their snapshots as the volume service describes them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class VolumeAttachment:
    """Which server has a volume, and as which device."""

    server_id: str
    device: str | None = None
    attachment_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Volume:
    """`size_gb` in GB; the moment as Cinder writes it."""

    id: str
    name: str | None = None
    description: str | None = None
    status: str = 'available'
    size_gb: int = 0
    type: str | None = None
    availability_zone: str | None = None
    snapshot_id: str | None = None
    created_at: str | None = None
    attachments: tuple[VolumeAttachment, ...] = ()
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class VolumeSnapshot:
    id: str
    volume_id: str
    name: str | None = None
    description: str | None = None
    status: str = 'available'
    size_gb: int = 0
    created_at: str | None = None
