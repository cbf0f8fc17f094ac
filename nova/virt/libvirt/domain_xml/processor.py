"""The guest's processors: of which model, in how many sockets, how much of the host's they may use."""

import dataclasses

from nova.domain.guest_limits import GuestLimits
from nova.domain.guest_wishes import Topology, Wishes, topology
from nova.virt.libvirt.domain_xml.element import Element, element
from nova.virt.libvirt.domain_xml.machine import X86
from nova.virt.libvirt.settings import Settings

__all__ = ('Topology', 'cpu_mode', 'processor', 'share', 'topology')


def processor(vcpus: int, wishes: Wishes, settings: Settings, model: str | None = None) -> Element:
    """`model` is the one to take of several that the operator names; None takes the first."""
    arrangement = element('topology', **dataclasses.asdict(topology(vcpus, wishes)))
    mode = cpu_mode(settings)
    addresses = _physical_addresses(wishes)
    features = [_feature(flag) for flag in settings.cpu_flags]
    if mode == 'none':
        return element('cpu', arrangement, addresses)
    if mode == 'custom':
        chosen = element('model', model or settings.cpu_models[0], fallback='forbid')
        return element('cpu', chosen, arrangement, addresses, *features, mode='custom', match='exact')
    check = 'none' if mode == 'host-passthrough' else 'partial'
    return element('cpu', arrangement, addresses, *features, mode=mode, check=check)


def cpu_mode(settings: Settings) -> str:
    """As the operator says, else host-model; only on x86 there is one without hardware virtualization, too."""
    modelled = settings.virt_type == 'kvm' or settings.arch in X86
    return settings.cpu_mode or ('host-model' if modelled else 'none')


def share(limits: GuestLimits) -> Element | None:
    """What the guest may take of the host's processors; needs the cgroup controller `cpu`."""
    parts = [element(name.removeprefix('cpu_'), str(amount)) for name, amount in limits.cpu.items()]
    return element('cputune', *parts) if parts else None


def _physical_addresses(wishes: Wishes) -> Element | None:
    mode = wishes.choice('maxphysaddr_mode', ('passthrough', 'emulate'))
    if mode is None:
        return None
    return element('maxphysaddr', mode=mode, bits=wishes.number('maxphysaddr_bits') if mode == 'emulate' else None)


def _feature(flag: str) -> Element:
    policy = 'disable' if flag.startswith('-') else 'require'
    return element('feature', policy=policy, name=flag.lstrip('+-').lower())
