"""Guests and settings that several tests of the libvirt driver start from."""

import datetime
from typing import Any

from nova.domain.flavor import Flavor
from nova.domain.guest import Guest
from nova.domain.image import Image
from nova.domain.lifecycle import State
from nova.domain.network import FixedIP, Network, Port
from nova.domain.server import Server
from nova.virt.libvirt.settings import Settings

SERVER_ID = '8f2c9d1e-0d2b-4c57-9f4e-3a6f0b7c1d2e'
IMAGE_ID = '5d0e7a8c-6f3b-4b6e-8a55-0f9c2b1d7e40'
PORT_ID = 'c4b8e6d2-9a1f-4f7e-b3c5-7d8e9f0a1b2c'


def a_flavor(**changes: Any) -> Flavor:
    return Flavor(**{'id': '1', 'name': 'm1.nano', 'vcpus': 1, 'memory_mb': 128, 'disk_gb': 1} | changes)


def an_image(**changes: Any) -> Image:
    return Image(**{'id': IMAGE_ID, 'name': 'tiny', 'disk_format': 'raw', 'size': 1 << 20} | changes)


def a_port(**changes: Any) -> Port:
    network = Network('b7a1c2d3-0000-4000-8000-000000000001', 'private', mtu=1450, bridge='brq-private')
    given = {
        'id': PORT_ID,
        'mac': 'fa:16:3e:12:34:56',
        'network': network,
        'fixed_ips': (FixedIP('192.0.2.5', 's1'), FixedIP('2001:db8::5', 's2', 6)),
        'vif_type': 'bridge',
    }
    return Port(**given | changes)


def a_guest(
    flavor: Flavor | None = None, image: Image | None = None, ports: tuple[Port, ...] = (), **changes: Any
) -> Guest:
    given = {
        'id': SERVER_ID,
        'name': 'first',
        'hostname': 'first',
        'project_id': 'a-project',
        'user_id': 'a-user',
        'flavor': flavor or a_flavor(),
        'state': State.BUILDING,
        'created_at': datetime.datetime(2026, 3, 1, 12, 30, 5, tzinfo=datetime.UTC),
    }
    return Guest('instance-0000002a', Server(**given | changes), image or an_image(), ports)


def some_settings(**changes: Any) -> Settings:
    given = {
        'host': 'h1',
        'node': 'h1',
        'instances_path': '/var/lib/nova/instances',
        'version': '1.2.3',
        'virt_type': 'qemu',
    }
    return Settings(**given | changes)
