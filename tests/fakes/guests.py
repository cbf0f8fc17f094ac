"""Guests for tests of what runs on a host."""

from typing import Any

from nova.domain.flavor import Flavor
from nova.domain.guest import Guest
from nova.domain.image import Image
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import State
from nova.domain.network import FixedIP, Network, Port, Subnet
from nova.domain.server import Server


def a_server(server_id: str = 'server', **fields: Any) -> Server:
    values = {
        'name': 'web',
        'hostname': 'web',
        'project_id': 'project',
        'user_id': 'user',
        'flavor': Flavor('1', 'm1.nano', 1, 128, 1),
        'state': State.BUILDING,
        'keypair': KeyPair('key', 'user', 'ssh-ed25519 AAAA me', 'fingerprint'),
    }
    return Server(server_id, **{**values, **fields})


def a_port() -> Port:
    network = Network('network', 'private', subnets=(Subnet('subnet', '10.0.0.0/24', '10.0.0.1'),))
    return Port('port', 'fa:16:3e:00:00:01', network, (FixedIP('10.0.0.5', 'subnet'),))


def a_guest(server_id: str = 'server', image: Image | None = None, **fields: Any) -> Guest:
    return Guest('instance-00000001', a_server(server_id, **fields), image, (a_port(),))
