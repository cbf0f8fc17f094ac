"""What users ask of the network service through us: on the real network API, and on the fake of it by the same rules."""

import dataclasses

import pytest

from nova import errors
from nova.context import Context
from nova.domain.network import NetworkRequest
from nova.domain.security_group import SecurityGroupRule
from tests.unit.clients.test_network import HERS, HIS, NOWHERE, SERVER, FakeService, RealService
from tests.unit.network.cloud import ALICE, BOB


class Real(RealService):
    def __init__(self, url):
        super().__init__(url, as_user=True)

    def add_pool(self, cidr='203.0.113.0/29', name='public'):
        network = self.arrange('make', 'network', name=name, **{'router:external': True})
        self.arrange('make', 'subnet', network_id=network['id'], cidr=cidr)
        return network['id']


class Fake(FakeService):
    def add_pool(self, cidr='203.0.113.0/29', name='public'):
        return self.client.add_pool(name, cidr).id


@pytest.fixture(params=['real', 'fake'])
def service(request, tmp_path):
    return Fake() if request.param == 'fake' else Real(f'sqlite:///{tmp_path}/network.sqlite')


@pytest.fixture
def hers(service):
    return service.client.of(HERS)


def ports(service):
    return service.client.ports_of(HERS, SERVER)


def a_server(service, cidr='10.0.0.0/24'):
    network_id = service.add_network(ALICE.project_id, cidr)
    return service.client.ensure_ports(HERS, SERVER, 'h1', 'web', ALICE.project_id, [NetworkRequest(network_id)])[0]


def test_a_user_without_a_token_is_not_acted_for(tmp_path):
    client = RealService(f'sqlite:///{tmp_path}/n.sqlite', as_user=False).client
    with pytest.raises(errors.ServiceDown, match='token'):
        client.of(Context(project_id='p'))


def test_networks_are_the_projects_own_and_shared_ones(service, hers):
    own = service.add_network(ALICE.project_id)
    shared = service.add_network(BOB.project_id, '10.1.0.0/24', shared=True)
    foreign = service.add_network(BOB.project_id, '10.2.0.0/24')
    service.add_pool()
    assert {network.id for network in hers.networks()} == {own, shared}
    assert hers.network(own).label == 'private'
    for ident in (foreign, NOWHERE, 'no-uuid', '../ports'):
        with pytest.raises(errors.NotFound):
            hers.network(ident)


def test_a_floating_address_comes_from_a_pool_and_goes_back(service, hers):
    pool_id = service.add_pool()
    assert hers.pools() == ['public']
    by_name, by_id = hers.allocate('public'), hers.allocate(pool_id)
    assert by_name.pool == by_id.pool == 'public'
    assert by_name.address != by_id.address
    assert (by_name.port_id, by_name.fixed_ip, by_name.server_id) == (None, None, None)
    assert hers.floating_ip(by_name.id) == hers.floating_ip_at(by_name.address) == by_name
    hers.release(by_id.id)
    assert hers.floating_ips() == [by_name]


def test_pools_run_dry_or_are_not_there(service, hers):
    service.add_pool('203.0.113.0/29')
    with pytest.raises(errors.NotFound, match='No more floating IPs'):
        for _ in range(8):
            hers.allocate('public')
    with pytest.raises(errors.NotFound, match='Floating IP pool not found'):
        hers.allocate('nova')
    service.add_pool('198.51.100.0/29')
    with pytest.raises(errors.Conflict, match='Use an ID'):
        hers.allocate('public')


def test_floating_addresses_of_others_are_not_found(service, hers):
    service.add_pool()
    floating = hers.allocate('public')
    his = service.client.of(HIS)
    assert his.floating_ips() == []
    for look in (lambda: his.floating_ip(floating.id), lambda: his.floating_ip_at(floating.address)):
        with pytest.raises(errors.NotFound):
            look()


def test_a_floating_address_stands_for_a_servers(service, hers):
    service.add_pool()
    port, floating, second = a_server(service), hers.allocate('public'), hers.allocate('public')
    hers.associate(floating.id, port.id, port.addresses[0])
    assert hers.floating_ip(floating.id) == dataclasses.replace(
        floating, port_id=port.id, fixed_ip=port.addresses[0], server_id=SERVER
    )
    assert ports(service)[0].floating_ips == (floating.address,)
    with pytest.raises(errors.Conflict):
        hers.associate(second.id, port.id, port.addresses[0])
    hers.disassociate(floating.id)
    assert hers.floating_ip(floating.id) == floating
    assert ports(service)[0].floating_ips == ()


def test_security_groups_come_change_and_go(hers):
    (default,) = hers.security_groups(ALICE.project_id)
    assert default.name == 'default'
    made = hers.create_security_group('web', 'of the shop')
    assert (made.name, made.description, made.project_id) == ('web', 'of the shop', ALICE.project_id)
    changed = hers.update_security_group(made.id, 'shop', '')
    assert (hers.security_group(made.id).name, changed.description) == ('shop', '')
    assert hers.security_groups(idents=[made.id, made.id]) == [changed]
    hers.delete_security_group(made.id)
    assert hers.security_groups() == [default]
    for ident in (made.id, 'no-uuid'):
        with pytest.raises(errors.NotFound):
            hers.security_group(ident)


def test_rules_of_a_security_group(service, hers):
    group = hers.create_security_group('web', '')
    wanted = SecurityGroupRule('', group.id, protocol='tcp', from_port=22, to_port=22, cidr='10.0.0.0/8')
    made = hers.create_security_group_rule(wanted)
    assert dataclasses.replace(made, id='') == wanted
    assert hers.security_group_rule(made.id) == made
    assert made in hers.security_group(group.id).rules
    with pytest.raises(errors.Conflict, match='already exists'):
        hers.create_security_group_rule(wanted)
    with pytest.raises(errors.NotFound):
        service.client.of(HIS).security_group_rule(made.id)
    hers.delete_security_group_rule(made.id)
    assert made not in hers.security_group(group.id).rules


def test_a_server_gets_one_more_address_and_gives_it_back(service, hers):
    port = a_server(service)
    hers.add_fixed_ip(SERVER, port.network.id)
    (now,) = ports(service)
    assert len(now.addresses) == 2
    hers.remove_fixed_ip(SERVER, port.addresses[0])
    assert ports(service)[0].addresses == (now.addresses[1],)
    with pytest.raises(errors.Invalid, match='does not have fixed IP'):
        hers.remove_fixed_ip(SERVER, port.addresses[0])
    with pytest.raises(errors.NotFound, match='Network could not be found for instance'):
        hers.add_fixed_ip(SERVER, NOWHERE)


def test_addresses_run_out(service, hers):
    port = a_server(service, '10.0.0.0/29')
    with pytest.raises(errors.Invalid, match='No fixed IP addresses available'):
        for _ in range(8):
            hers.add_fixed_ip(SERVER, port.network.id)


def test_a_server_is_in_the_groups_it_is_put_in(service, hers):
    a_server(service)
    group = hers.create_security_group('web', '')
    assert hers.add_security_group(SERVER, ALICE.project_id, 'web') == group
    hers.add_security_group(SERVER, ALICE.project_id, group.id)
    assert ports(service)[0].security_groups.count(group.id) == 1
    with pytest.raises(errors.Conflict, match='in use'):
        hers.delete_security_group(group.id)
    hers.remove_security_group(SERVER, ALICE.project_id, 'web')
    assert group.id not in ports(service)[0].security_groups
    with pytest.raises(errors.NotFound, match='not associated'):
        hers.remove_security_group(SERVER, ALICE.project_id, 'web')


def test_groups_must_be_known_and_meant(service, hers):
    with pytest.raises(errors.NotFound, match='no ports'):
        hers.add_security_group(SERVER, ALICE.project_id, 'default')
    a_server(service)
    with pytest.raises(errors.NotFound, match='not found for project'):
        hers.add_security_group(SERVER, ALICE.project_id, 'nothing')
    for _ in range(2):
        hers.create_security_group('web', '')
    with pytest.raises(errors.Conflict, match='Multiple security_groups'):
        hers.add_security_group(SERVER, ALICE.project_id, 'web')
