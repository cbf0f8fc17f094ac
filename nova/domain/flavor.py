"""What a server is made of: virtual CPUs, memory, disk, and extra specifications."""

import dataclasses
import datetime


@dataclasses.dataclass(frozen=True)
class Flavor:
    """A size that servers can have. Memory and swap in MB, disks in GB. `id` is the public one (`flavorid`)."""

    id: str
    name: str
    vcpus: int
    memory_mb: int
    disk_gb: int
    ephemeral_gb: int = 0
    swap_mb: int = 0
    rxtx_factor: float = 1.0
    is_public: bool = True
    disabled: bool = False
    description: str | None = None
    extra_specs: dict[str, str] = dataclasses.field(default_factory=dict)
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None

    def resources(self) -> dict[str, int]:
        """What Placement is asked for, by resource class; classes with an amount of zero are left out."""
        swap_gb = -(-self.swap_mb // 1024)
        amounts = {
            'VCPU': self.vcpus,
            'MEMORY_MB': self.memory_mb,
            'DISK_GB': self.disk_gb + self.ephemeral_gb + swap_gb,
        }
        return {name: amount for name, amount in amounts.items() if amount}
