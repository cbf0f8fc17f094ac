"""Give a server another size: what it must not lose by it, what it goes back to, and what it takes of quotas."""

import dataclasses
from collections.abc import Iterable, Sequence

from nova import errors
from nova.domain.block_device import BLANK, LOCAL, SWAP, BlockDevice
from nova.domain.flavor import Flavor
from nova.domain.lifecycle import Power, State
from nova.domain.usage import Usage

UNLIMITED = -1
_OFF = (Power.SHUTDOWN, Power.CRASHED)


@dataclasses.dataclass(frozen=True)
class Kept:
    """What a server goes back to when its resize is reverted. `devices` are the empty disks that its host made for it."""

    flavor: Flavor
    state: State
    disk_config: str = 'MANUAL'
    devices: tuple[BlockDevice, ...] = ()


@dataclasses.dataclass(frozen=True)
class Allowance:
    """What a project's servers, or with `user_id` that user's in it, may take; UNLIMITED for no limit."""

    cores: int
    memory_mb: int
    user_id: str | None = None
    instances: int = UNLIMITED

    @property
    def is_limit(self) -> bool:
        return (self.cores, self.memory_mb, self.instances) != (UNLIMITED, UNLIMITED, UNLIMITED)

    def refuse_another(self, used: Usage, flavor: Flavor) -> None:
        """Raise OverQuota if what is used, with a server of this flavor that was not counted before, is more than this."""
        asked = (
            ('cores', self.cores, used.cores, flavor.vcpus),
            ('instances', self.instances, used.instances, 1),
            ('ram', self.memory_mb, used.memory_mb, flavor.memory_mb),
        )
        self._refuse(asked)

    def refuse_excess(self, used: Usage, old: Flavor, new: Flavor) -> None:
        """Raise OverQuota if what is used, with the server in its new size, is more than this where it grew."""
        asked = (
            ('cores', self.cores, used.cores, new.vcpus - old.vcpus),
            ('ram', self.memory_mb, used.memory_mb, new.memory_mb - old.memory_mb),
        )
        self._refuse(asked)

    @staticmethod
    def _refuse(asked: Iterable[tuple[str, int, int, int]]) -> None:
        for name, allowed, taken, more in asked:
            if more > 0 and allowed != UNLIMITED and taken > allowed:
                before = taken - more
                raise errors.OverQuota(
                    f'Quota exceeded for {name}: Requested {more}, but already used {before} of {allowed} {name}'
                )


def larger(old: Flavor, new: Flavor) -> tuple[int, int]:
    """The processors and the memory that are counted while the user may still choose either flavor."""
    return max(old.vcpus, new.vcpus), max(old.memory_mb, new.memory_mb)


def refuse_loss(old: Flavor, new: Flavor, root_on_host: bool) -> None:
    """Raise Invalid where a disk on the host would have to shrink: what the guest has written there would be lost."""
    for name, before, after in (
        ('root', old.disk_gb if root_on_host else 0, new.disk_gb),
        ('ephemeral', old.ephemeral_gb, new.ephemeral_gb),
    ):
        if after < before:
            raise errors.Invalid(
                f'Resizing to flavor {new.id} would shrink the {name} disk from {before} GB to {after} GB, '
                'which is not possible; choose a flavor whose disks are at least as large.'
            )


def made_by_host(devices: Iterable[BlockDevice]) -> tuple[BlockDevice, ...]:
    """Those of a server's disks that its host makes, besides the root disk."""
    return tuple(device for device in devices if device.is_swap or device.is_ephemeral)


def resized(devices: Sequence[BlockDevice], old: Flavor, new: Flavor) -> tuple[BlockDevice, ...]:
    """The disks that a server has with its new flavor. What its user split or made smaller stays so, as far as it may."""
    kept = [device for device in devices if not (device.is_swap or device.is_ephemeral)]
    ephemerals = [device for device in devices if device.is_ephemeral]
    swaps = [device for device in devices if device.is_swap]
    if [device.size for device in ephemerals] == [old.ephemeral_gb]:
        ephemerals = [dataclasses.replace(ephemerals[0], size=new.ephemeral_gb)]
    elif not ephemerals and not old.ephemeral_gb and new.ephemeral_gb:
        ephemerals = [BlockDevice(BLANK, LOCAL, size=new.ephemeral_gb, delete_on_termination=True)]
    if [device.size for device in swaps] == [old.swap_mb]:
        swaps = [dataclasses.replace(swaps[0], size=new.swap_mb)]
    elif not swaps and not old.swap_mb and new.swap_mb:
        swaps = [BlockDevice(BLANK, LOCAL, size=new.swap_mb, guest_format=SWAP, delete_on_termination=True)]
    swaps = [dataclasses.replace(device, size=min(device.size or 0, new.swap_mb)) for device in swaps]
    return (*kept, *(device for device in (*ephemerals, *swaps) if device.size))


def state_after(power: Power, before: State) -> State:
    """What a confirmed server is: what it was before it was resized, unless it has switched itself off since."""
    return State.STOPPED if power in _OFF else before
