"""What a project uses of its quota."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Usage:
    """Servers, virtual CPUs and memory in MB; sums of cells are made with `+`."""

    instances: int = 0
    cores: int = 0
    memory_mb: int = 0

    def __add__(self, other: 'Usage') -> 'Usage':
        return Usage(self.instances + other.instances, self.cores + other.cores, self.memory_mb + other.memory_mb)
