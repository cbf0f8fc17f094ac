"""What a flavor's `quota:` extra specs limit a guest to: its share of processors, its disks' and its network's rates."""

import dataclasses
from collections.abc import Iterator, Mapping

from nova import errors

CPU = ('cpu_shares', 'cpu_period', 'cpu_quota')
DISK = (
    'disk_read_bytes_sec', 'disk_read_iops_sec', 'disk_write_bytes_sec', 'disk_write_iops_sec', 'disk_total_bytes_sec',
    'disk_total_iops_sec',
)  # fmt: skip
DIRECTIONS = ('inbound', 'outbound')
RATES = ('average', 'peak', 'burst')
VIF = tuple(f'vif_{direction}_{rate}' for direction in DIRECTIONS for rate in RATES)
PERIODS = range(1_000, 1_000_001)
QUOTAS = range(1_000, 1 << 64)


@dataclasses.dataclass(frozen=True)
class GuestLimits:
    """Numbers by the name of their extra spec without `quota:`; only those that limit something. CPU in microseconds,
    network in kilobytes."""

    cpu: dict[str, int]
    disk: dict[str, int]
    vif: dict[str, int]


def limits_of(extra_specs: Mapping[str, str]) -> GuestLimits:
    """The limits that a flavor sets. Raises Invalid for what is not a number."""
    return GuestLimits(*(_numbers(extra_specs, names) for names in (CPU, DISK, VIF)))


def refusals(extra_specs: Mapping[str, str | None]) -> Iterator[str]:
    """Why the limits cannot be kept, one sentence for each trouble."""
    try:
        limits = limits_of(extra_specs)
    except errors.Invalid as failure:
        yield str(failure)
        return
    for name, allowed in (('cpu_period', PERIODS), ('cpu_quota', QUOTAS)):
        value = limits.cpu.get(name)
        if value is not None and value not in allowed:
            yield f'quota:{name} is {value}, and must be 0 or from {allowed.start} to {allowed.stop - 1}.'
    for unit in ('bytes', 'iops'):
        parts = [name for name in (f'disk_read_{unit}_sec', f'disk_write_{unit}_sec') if name in limits.disk]
        if parts and f'disk_total_{unit}_sec' in limits.disk:
            yield f'quota:disk_total_{unit}_sec cannot be combined with quota:{parts[0]}.'
    for direction in DIRECTIONS:
        given = [name for name in VIF if name in limits.vif and direction in name]
        if given and f'vif_{direction}_average' not in limits.vif:
            yield f'quota:{given[0]} needs quota:vif_{direction}_average.'


def _numbers(extra_specs: Mapping[str, str | None], names: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for name in names:
        text = (extra_specs.get(f'quota:{name}') or '').strip()
        if text and not text.removeprefix('-').isdecimal():
            raise errors.Invalid(f'quota:{name} is "{text[:64]}", which is not a number.')
        # Zero, and what is below it, has always meant no limit.
        if text and int(text) > 0:
            found[name] = int(text)
    return found
