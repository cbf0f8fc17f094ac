"""Choose addresses: pools of a subnet, free numbers in them, MAC addresses. No I/O."""

import ipaddress
import random
from collections.abc import Collection, Iterator, Sequence

Pool = dict[str, str]  # {'start': address, 'end': address}, as Neutron writes it

MAC_PREFIX = 'fa:16:3e'


def number(address: str) -> int:
    return int(ipaddress.IPv4Address(address))


def address(value: int) -> str:
    return str(ipaddress.IPv4Address(value))


def usable(cidr: str) -> range:
    """The numbers of a subnet that an interface may have: all but network and broadcast address."""
    network = ipaddress.IPv4Network(cidr)
    first, last = int(network.network_address), int(network.broadcast_address)
    return range(first, last + 1) if network.prefixlen >= 31 else range(first + 1, last)


def default_gateway(cidr: str) -> str:
    return address(usable(cidr)[0])


def default_pools(cidr: str, gateway: str | None) -> list[Pool]:
    """All of the subnet but its gateway."""
    numbers = usable(cidr)
    taken = number(gateway) if gateway else None
    parts = [range(numbers.start, taken), range(taken + 1, numbers.stop)] if taken in numbers else [numbers]
    return [{'start': address(part[0]), 'end': address(part[-1])} for part in parts if part]


def problem_with_pools(pools: Sequence[Pool], cidr: str, gateway: str | None) -> str | None:
    """Why these pools cannot be, in words; None if they can."""
    numbers, seen = usable(cidr), []
    for pool in pools:
        part = ranges([pool])[0]
        name = f'{pool["start"]}-{pool["end"]}'
        if not part:
            return f'The allocation pool {name} ends before it starts'
        if part[0] not in numbers or part[-1] not in numbers:
            return f'The allocation pool {name} spans beyond the subnet cidr {cidr}'
        if any(part.start < other.stop and other.start < part.stop for other in seen):
            return f'The allocation pool {name} overlaps with another'
        if gateway and number(gateway) in part:
            return f'Gateway ip {gateway} conflicts with allocation pool {name}'
        seen.append(part)
    return None


def ranges(pools: Sequence[Pool]) -> list[range]:
    return [range(number(pool['start']), number(pool['end']) + 1) for pool in pools]


def guesses(pools: Sequence[Pool], count: int, chance: random.Random) -> list[int]:
    """Some numbers of the pools at random, so that ports made at once seldom want the same one."""
    parts = ranges(pools)
    total = sum(len(part) for part in parts)
    return [_nth(parts, position) for position in chance.sample(range(total), min(count, total))]


def free(pools: Sequence[Pool], taken: Collection[int]) -> Iterator[int]:
    """The numbers of the pools that are not taken, lowest first."""
    return (
        value for part in sorted(ranges(pools), key=lambda part: part.start) for value in part if value not in taken
    )


def _nth(parts: Sequence[range], position: int) -> int:
    for part in parts:
        if position < len(part):
            return part[position]
        position -= len(part)
    raise IndexError(position)


def random_mac(chance: random.Random) -> str:
    return ':'.join([MAC_PREFIX, *(f'{chance.randrange(256):02x}' for _ in range(3))])
