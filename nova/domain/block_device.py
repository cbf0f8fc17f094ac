"""A disk that a server was asked to have: what it is made from, where it is kept, and how the guest sees it."""

import dataclasses
from typing import Any

IMAGE, VOLUME, SNAPSHOT, BLANK = 'image', 'volume', 'snapshot', 'blank'
LOCAL = 'local'
SWAP = 'swap'


@dataclasses.dataclass(frozen=True)
class BlockDevice:
    """`source_type` is image, volume, snapshot or blank; `destination_type` local (on the host) or volume.

    `size` is in GB, of swap in MB; None is as large as the source. Of the three ids the one that `source_type` names is
    set, and `volume_id` once there is a volume. `boot_index` 0 is what the guest boots from; None is never booted.
    """

    source_type: str
    destination_type: str
    id: str | None = None
    boot_index: int | None = None
    image_id: str | None = None
    volume_id: str | None = None
    snapshot_id: str | None = None
    size: int | None = None
    device_name: str | None = None
    tag: str | None = None
    delete_on_termination: bool = False
    guest_format: str | None = None
    disk_bus: str | None = None
    device_type: str | None = None
    volume_type: str | None = None
    attachment_id: str | None = None
    connection_info: dict[str, Any] | None = None

    @property
    def on_host(self) -> bool:
        return self.destination_type == LOCAL

    @property
    def is_root(self) -> bool:
        return self.boot_index == 0

    @property
    def is_swap(self) -> bool:
        return self.source_type == BLANK and self.on_host and self.guest_format == SWAP

    @property
    def is_ephemeral(self) -> bool:
        return self.source_type == BLANK and self.on_host and self.guest_format != SWAP
