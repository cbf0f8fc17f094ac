"""What the network service says of networks becomes a domain value."""

import pytest
import webob
import webob.dec

from nova.clients.known_networks import KnownNetworks
from nova.clients.neutron import Neutron
from tests.fakes.wsgi import WsgiTransport

NETWORK = {'id': 'net-1', 'name': 'private', 'subnets': ['sub-6']}
SUBNET = {
    'id': 'sub-6',
    'network_id': 'net-1',
    'cidr': 'fd00::/64',
    'gateway_ip': 'fd00::1',
    'ip_version': 6,
    'enable_dhcp': True,
    'dns_nameservers': ['fd00::53'],
    'host_routes': [],
}


@pytest.mark.parametrize('mode', [None, 'slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'])
def test_how_guests_get_their_addresses_is_known_of_a_subnet(mode):
    found = {'networks': [NETWORK], 'subnets': [SUBNET | {'ipv6_address_mode': mode}], 'ports': []}

    @webob.dec.wsgify
    def service(request):
        name = request.path_info.rpartition('/')[2]
        return webob.Response(json={name: found[name]})

    neutron = Neutron(WsgiTransport(service).adapter())
    known = KnownNetworks(neutron, None, cache_age=0, extension_age=0, clock=lambda: 0)
    (subnet,) = known.by_id(['net-1'])['net-1'].subnets
    assert (subnet.cidr, subnet.gateway, subnet.version) == ('fd00::/64', 'fd00::1', 6)
    assert subnet.ipv6_address_mode == mode
