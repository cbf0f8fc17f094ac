"""The parts a cloud is made of: each knows its files, its one-time commands, and its daemons."""

from nova.standalone.layout import Layout
from nova.standalone.parts.barbican import Barbican
from nova.standalone.parts.glance import Glance
from nova.standalone.parts.keystone import Keystone
from nova.standalone.parts.libvirt import Libvirt
from nova.standalone.parts.network import Network
from nova.standalone.parts.nova import Nova
from nova.standalone.parts.part import Part
from nova.standalone.parts.placement import Placement
from nova.standalone.parts.rabbitmq import RabbitMQ
from nova.standalone.secrets import Secrets

PARTS: tuple[type[Part], ...] = (RabbitMQ, Keystone, Glance, Placement, Barbican, Libvirt, Network, Nova)


def chosen(layout: Layout) -> list[Part]:
    secrets = Secrets(layout.secrets)
    return [part(layout, secrets) for part in PARTS if layout.has(part.name)]
