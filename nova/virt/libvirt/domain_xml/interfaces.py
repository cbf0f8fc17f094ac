"""The guest's network interfaces, by how the network service has bound their ports."""

import dataclasses

from nova import errors
from nova.domain import guest_limits
from nova.domain.guest_limits import GuestLimits
from nova.domain.network import Port
from nova.virt.libvirt.domain_xml.element import Element, element
from nova.virt.libvirt.domain_xml.wishes import Wishes
from nova.virt.libvirt.settings import Settings

MODELS = {
    'virtio': 'virtio',
    'e1000': 'e1000',
    'e1000e': 'e1000e',
    'igb': 'igb',
    'ne2k_pci': 'ne2k_pci',
    'pcnet': 'pcnet',
    'rtl8139': 'rtl8139',
    'vmxnet3': 'vmxnet3',
}
MOST_QUEUES = 256


@dataclasses.dataclass(frozen=True)
class Cards:
    """The model where the image names none (None: the hypervisor's choice), how many queues a virtio card may have, and
    how many packets wait in each; None: QEMU's own measure."""

    model: str | None = 'virtio'
    most: int | None = None
    rx_size: int | None = None
    tx_size: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> 'Cards':
        return cls(settings.nic_model, settings.max_queues, settings.rx_queue_size, settings.tx_queue_size)


def interface(
    port: Port, vcpus: int, wishes: Wishes, allowed: Cards = Cards(), limits: GuestLimits | None = None
) -> Element:
    if port.vnic_type != 'normal':
        raise errors.NotImplementedHere(f'Port {port.id} is of the type {port.vnic_type}; this host makes normal ones.')
    if port.vif_type not in _SOURCES:
        raise errors.HostFailed(f'Port {port.id} is bound as {port.vif_type}, which this host cannot connect.')
    model = wishes.choice('vif_model', MODELS, allowed.model)
    mtu = port.network.mtu
    kind, *source = _SOURCES[port.vif_type](port)
    return element(
        'interface',
        element('mac', address=port.mac),
        *source,
        element('target', dev=port.devname, managed='no' if kind == 'ethernet' else None),
        element('model', type=MODELS[model]) if model else None,
        _driver(vcpus, wishes, allowed) if model == 'virtio' else None,
        _bandwidth(limits),
        element('link', state='down') if not port.admin_up else None,
        element('mtu', size=mtu) if mtu else None,
        type=kind,
    )


def _driver(vcpus: int, wishes: Wishes, allowed: Cards) -> Element | None:
    queues = min(vcpus, allowed.most or MOST_QUEUES) if wishes.flag('vif_multiqueue_enabled') else 1
    wanted = {
        'queues': queues if queues > 1 else None,
        'rx_queue_size': allowed.rx_size,
        'tx_queue_size': allowed.tx_size,
        'packed': 'on' if wishes.flag('virtio_packed_ring') else None,
    }
    # Without a name it is the kernel's driver, vhost, where there is one.
    return element('driver', **wanted) if any(wanted.values()) else None


def _bandwidth(limits: GuestLimits | None) -> Element | None:
    if limits is None or not limits.vif:
        return None
    directions = []
    for direction in guest_limits.DIRECTIONS:
        rates = {rate: limits.vif.get(f'vif_{direction}_{rate}') for rate in guest_limits.RATES}
        if rates['average']:
            directions.append(element(direction, **rates))
    return element('bandwidth', *directions)


def _on_bridge(port: Port) -> tuple:
    return 'bridge', element('source', bridge=_bridge(port))


def _on_openvswitch(port: Port) -> tuple:
    parameters = element('parameters', interfaceid=port.id)
    return 'bridge', element('source', bridge=_bridge(port)), element('virtualport', parameters, type='openvswitch')


def _on_its_own(port: Port) -> tuple:
    return ('ethernet',)


def _bridge(port: Port) -> str:
    if not port.bridge:
        raise errors.HostFailed(f'Port {port.id} is bound, but the network service names no bridge for it.')
    return port.bridge


# How a port is connected, by the `vif_type` that the network service gave it.
_SOURCES = {'bridge': _on_bridge, 'ovs': _on_openvswitch, 'tap': _on_its_own}
