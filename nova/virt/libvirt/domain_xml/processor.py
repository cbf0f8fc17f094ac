"""The guest's processors: how many, of which model, in how many sockets."""

import dataclasses

from nova.virt.libvirt.domain_xml.element import Element, element
from nova.virt.libvirt.domain_xml.wishes import Wishes
from nova.virt.libvirt.settings import Settings


@dataclasses.dataclass(frozen=True)
class Topology:
    sockets: int
    cores: int
    threads: int


def topology(vcpus: int, wishes: Wishes) -> Topology:
    """The arrangement that keeps the limits and as many of the wishes as can be; else a socket for each processor."""
    names = ('sockets', 'cores', 'threads')
    wanted = [wishes.number(f'cpu_{name}') for name in names]
    most = [wishes.number(f'cpu_max_{name}') or vcpus for name in names]
    possible = [
        (vcpus // (cores * threads), cores, threads)
        for threads in range(1, vcpus + 1)
        if vcpus % threads == 0
        for cores in range(1, vcpus // threads + 1)
        if (vcpus // threads) % cores == 0
    ]
    allowed = [each for each in possible if all(n <= limit for n, limit in zip(each, most, strict=True))] or possible

    def merit(each: tuple[int, ...]) -> tuple:
        kept = sum(wish == number for wish, number in zip(wanted, each, strict=True))
        return kept, each

    return Topology(*max(allowed, key=merit))


def processor(vcpus: int, wishes: Wishes, settings: Settings) -> Element:
    arranged = topology(vcpus, wishes)
    arrangement = element('topology', **dataclasses.asdict(arranged))
    mode = settings.cpu_mode or ('host-model' if settings.virt_type == 'kvm' else 'none')
    if mode == 'none':
        return element('cpu', arrangement)
    features = [_feature(flag) for flag in settings.cpu_flags]
    if mode == 'custom':
        model = element('model', settings.cpu_models[0], fallback='forbid')
        return element('cpu', model, arrangement, *features, mode='custom', match='exact')
    check = 'none' if mode == 'host-passthrough' else 'partial'
    return element('cpu', arrangement, *features, mode=mode, check=check)


def _feature(flag: str) -> Element:
    policy = 'disable' if flag.startswith('-') else 'require'
    return element('feature', policy=policy, name=flag.lstrip('+-').lower())
