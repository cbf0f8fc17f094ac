"""Floating addresses as a client of the network API sees them."""

import pytest

from tests.unit.network.cloud import ALICE, BOB

ELSEWHERE = '11111111-2222-3333-4444-555555555555'


@pytest.fixture
def public(cloud):
    network, _ = cloud.make_network('203.0.113.0/29', name='public', **{'router:external': True})
    return network['id']


@pytest.fixture
def port(cloud):
    network, _ = cloud.make_network(caller=ALICE)
    return cloud.make('port', ALICE, network_id=network['id'])


def test_a_floating_address_comes_from_an_external_network_and_goes_back(cloud, public):
    made = cloud.make('floatingip', ALICE, floating_network_id=public)
    assert made['floating_ip_address'].startswith('203.0.113.')
    assert (made['port_id'], made['fixed_ip_address'], made['status']) == (None, None, 'DOWN')
    assert made['project_id'] == ALICE.project_id
    assert 'name' not in made
    assert cloud.get('floatingips', ALICE)['floatingips'] == [made]
    assert cloud.get('ports', ALICE)['ports'] == []
    cloud.delete(f'floatingips/{made["id"]}', ALICE)
    assert cloud.get('floatingips')['floatingips'] == []
    cloud.delete(f'networks/{public}')


def test_each_has_an_address_of_its_own_until_there_are_none(cloud, public):
    # Six hosts: a gateway, the one that DHCP answers from, and four for others.
    made = {cloud.make('floatingip', ALICE, floating_network_id=public)['floating_ip_address'] for _ in range(4)}
    assert len(made) == 4
    refused = cloud.make('floatingip', ALICE, 409, floating_network_id=public)
    assert refused['type'] == 'IpAddressGenerationFailure'
    assert cloud.delete(f'networks/{public}', status=409)['NeutronError']['type'] == 'NetworkInUse'


def test_it_is_tied_to_a_port_and_untied(cloud, public, port):
    floating = cloud.make('floatingip', ALICE, floating_network_id=public, port_id=port['id'])
    fixed = port['fixed_ips'][0]['ip_address']
    assert (floating['port_id'], floating['fixed_ip_address'], floating['status']) == (port['id'], fixed, 'ACTIVE')
    assert cloud.get(f'floatingips?port_id={port["id"]}&status=ACTIVE', ALICE)['floatingips'] == [floating]
    untied = cloud.change(f'floatingips/{floating["id"]}', ALICE, port_id=None)
    assert (untied['port_id'], untied['fixed_ip_address'], untied['status']) == (None, None, 'DOWN')
    tied = cloud.change(f'floatingips/{floating["id"]}', ALICE, port_id=port['id'], fixed_ip_address=fixed)
    assert tied['fixed_ip_address'] == fixed


def test_a_fixed_address_has_at_most_one(cloud, public, port):
    cloud.make('floatingip', ALICE, floating_network_id=public, port_id=port['id'])
    second = cloud.make('floatingip', ALICE, 409, floating_network_id=public, port_id=port['id'])
    assert second['type'] == 'FloatingIPPortAlreadyAssociated'


def test_it_outlives_the_port(cloud, public, port):
    floating = cloud.make('floatingip', ALICE, floating_network_id=public, port_id=port['id'])
    cloud.delete(f'ports/{port["id"]}', ALICE)
    left = cloud.get(f'floatingips/{floating["id"]}', ALICE)['floatingip']
    assert (left['port_id'], left['fixed_ip_address'], left['status']) == (None, None, 'DOWN')


def test_the_port_that_holds_the_address_is_not_for_others_to_delete(cloud, public):
    cloud.make('floatingip', ALICE, floating_network_id=public)
    (held,) = cloud.get('ports?device_owner=network:floatingip')['ports']
    assert cloud.delete(f'ports/{held["id"]}', status=409)['NeutronError']['type'] == 'ServicePortInUse'


def test_projects_do_not_see_each_others(cloud, public, port):
    made = cloud.make('floatingip', ALICE, floating_network_id=public)
    assert cloud.get('floatingips', BOB)['floatingips'] == []
    for verb in (cloud.get, cloud.delete):
        assert verb(f'floatingips/{made["id"]}', BOB, status=404)['NeutronError']['type'] == 'FloatingIPNotFound'
    assert cloud.make('floatingip', BOB, 404, floating_network_id=public, port_id=port['id'])['type'] == 'PortNotFound'


@pytest.mark.parametrize(
    ('fields', 'status'),
    [
        ({'floating_network_id': ELSEWHERE}, 404),
        ({}, 400),
        ({'floating_network_id': 'public'}, 400),
        ({'fixed_ip_address': '10.0.0.5'}, 400),
        ({'port_id': ELSEWHERE}, 404),
        ({'floating_ip_address': '203.0.113.5'}, 403),
    ],
)
def test_what_is_refused(cloud, public, fields, status):
    if 'floating_network_id' not in fields and fields:
        fields = {'floating_network_id': public} | fields
    cloud.make('floatingip', ALICE, status, **fields)


def test_only_external_networks_give_them(cloud, port):
    refused = cloud.make('floatingip', ALICE, 400, floating_network_id=port['network_id'])
    assert 'not a valid external network' in refused['message']


def test_a_fixed_address_must_be_the_ports(cloud, public, port):
    refused = cloud.make(
        'floatingip', ALICE, 400, floating_network_id=public, port_id=port['id'], fixed_ip_address='10.0.0.77'
    )
    assert 'does not have fixed ip' in refused['message']


def test_an_administrator_may_choose_the_address(cloud, public):
    made = cloud.make('floatingip', floating_network_id=public, floating_ip_address='203.0.113.6')
    assert made['floating_ip_address'] == '203.0.113.6'
