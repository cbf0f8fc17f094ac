"""An image as Glance describes it."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Image:
    """An image that a server can boot from. `size` in bytes, `min_disk_gb` in GB, `min_memory_mb` in MB."""

    id: str
    name: str | None = None
    status: str = 'active'
    disk_format: str | None = None
    container_format: str | None = None
    size: int = 0
    virtual_size: int | None = None
    checksum: str | None = None
    hash_algorithm: str | None = None
    hash_value: str | None = None
    min_disk_gb: int = 0
    min_memory_mb: int = 0
    owner: str | None = None
    visibility: str | None = None
    # `hw_*`, `os_*`, `img_*` and whatever else the image carries.
    properties: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class CatalogImage:
    """An image as users look it up; the moments are as Glance writes them."""

    image: Image
    created_at: str
    updated_at: str
