"""Attach network interfaces to servers, and detach them."""

import threading

import pytest

from nova.domain.lifecycle import Power
from nova.virt.fake.trouble import FAIL
from tests.functional.client import running

PATH = '/servers/{}/os-interface'
UNKNOWN = '70a599e0-31e7-49b7-b260-868f441e8621'


@pytest.fixture
def cloud(make_cloud):
    return make_cloud(host_names=('h1',))


@pytest.fixture
def network(cloud):
    return cloud.network.add_network('demo')


def attach(api, server_id, version='2.93', status=200, **wanted):
    answer = api.post(PATH.format(server_id), {'interfaceAttachment': wanted}, version, status)
    return answer['interfaceAttachment']


def refusal(api, server_id, **wanted):
    return api.fault('POST', PATH.format(server_id), {'interfaceAttachment': wanted}, '2.93')


def detach(cloud, api, server_id, port_id):
    api.delete(f'{PATH.format(server_id)}/{port_id}', '2.93', status=202)
    cloud.settle()


def plugged(cloud, server_id):
    return list(cloud.hosts['h1'].driver.interfaces_of(server_id))


def listed(api, server_id):
    return [port['port_id'] for port in api.get(PATH.format(server_id), '2.93')['interfaceAttachments']]


def addresses(api, server_id):
    found = api.server(server_id)['addresses']
    return sorted(address['addr'] for of_network in found.values() for address in of_network)


def ended(cloud, api, server_id):
    """Delete the server: nothing may be left but ports that users have made."""
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


@pytest.mark.parametrize('before', [None, 'os-stop', 'pause'])
def test_a_network_gives_a_new_port(cloud, network, before):
    api = cloud.api()
    server_id = running(api)
    if before:
        api.post(f'/servers/{server_id}/action', {before: None}, '2.93')
        api.wait(server_id)
    status = api.server(server_id)['status']
    shown = attach(api, server_id, net_id=network.id, tag='public')
    assert (shown['net_id'], shown['tag'], shown['port_state']) == (network.id, 'public', 'ACTIVE')
    assert plugged(cloud, server_id) == listed(api, server_id) == [shown['port_id']]
    assert addresses(api, server_id) == [ip['ip_address'] for ip in shown['fixed_ips']]
    assert api.server(server_id)['security_groups'] == [{'name': 'default'}]
    assert api.wait(server_id)['status'] == status
    held = cloud.network.ports[shown['port_id']]
    assert (held.server_id, held.host) == (server_id, 'h1')
    (action, *_others) = api.get(f'/servers/{server_id}/os-instance-actions', '2.93')['instanceActions']
    assert (action['action'], action['message']) == ('attach_interface', None)
    detach(cloud, api, server_id, shown['port_id'])
    assert plugged(cloud, server_id) == listed(api, server_id) == addresses(api, server_id) == []
    assert shown['port_id'] not in cloud.network.ports
    ended(cloud, api, server_id)


def test_before_2_70_the_tag_is_not_shown(cloud, network):
    api = cloud.api()
    assert 'tag' not in attach(api, running(api), '2.69', net_id=network.id, tag='public')


def test_the_only_network_is_taken_if_none_is_named(cloud, network):
    api = cloud.api()
    server_id = running(api)
    assert attach(api, server_id)['net_id'] == network.id
    assert attach(api, server_id, tag='second')['tag'] == 'second'
    assert len(plugged(cloud, server_id)) == 2


def test_an_address_may_be_asked_for_and_is_given_once(cloud, network):
    api = cloud.api()
    server_id = running(api)
    wanted = [{'ip_address': '10.0.0.77'}]
    shown = attach(api, server_id, net_id=network.id, fixed_ips=wanted)
    assert [ip['ip_address'] for ip in shown['fixed_ips']] == ['10.0.0.77']
    assert refusal(api, server_id, net_id=network.id, fixed_ips=wanted)[0] == 409
    assert refusal(api, server_id, net_id=network.id, fixed_ips=[{'ip_address': '192.0.2.1'}])[0] == 400


def test_a_users_own_port_is_given_back_when_it_is_detached(cloud, network):
    api = cloud.api()
    server_id = running(api)
    port_id = cloud.network.add_port('demo', network.id)
    assert attach(api, server_id, port_id=port_id)['port_id'] == port_id
    code, message = refusal(api, running(api), port_id=port_id)
    assert (code, message) == (409, f'Port {port_id} is still in use.')
    detach(cloud, api, server_id, port_id)
    assert (cloud.network.ports[port_id].server_id, plugged(cloud, server_id)) == ('', [])
    attach(api, server_id, port_id=port_id)
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.network.ports[port_id].server_id == ''


def test_what_does_not_exist_is_not_found(cloud, network):
    api = cloud.api()
    server_id = running(api)
    assert refusal(api, server_id, net_id=UNKNOWN) == (404, f'Network {UNKNOWN} could not be found.')
    assert refusal(api, server_id, port_id=UNKNOWN) == (404, f'Port id {UNKNOWN} could not be found.')
    code, message = api.fault('DELETE', f'{PATH.format(server_id)}/{UNKNOWN}', None, '2.93')
    assert (code, message) == (404, f'Instance {server_id} does not have a port with id {UNKNOWN}')


@pytest.mark.parametrize('own', [True, False])
def test_a_host_that_cannot_plug_it_in_leaves_all_as_it_was(cloud, network, own):
    api = cloud.api()
    server_id = running(api, metadata={FAIL: 'attach_interface'})
    port_id = cloud.network.add_port('demo', network.id)
    ports = sorted(cloud.network.ports)
    wanted = {'port_id': port_id} if own else {'net_id': network.id}
    code, message = refusal(api, server_id, **wanted)
    assert (code, message.partition('.')[0]) == (503, 'The host could not attach the interface to the server')
    assert sorted(cloud.network.ports) == ports
    assert cloud.network.ports[port_id].server_id == ''
    assert plugged(cloud, server_id) == listed(api, server_id) == []
    assert api.server(server_id)['status'] == 'ACTIVE'


def test_a_port_that_somebody_else_takes_meanwhile_is_refused(cloud, network):
    api = cloud.api()
    server_id = running(api)
    port_id = cloud.network.add_port('demo', network.id)
    with cloud.paused(cloud.network, 'ensure_port') as gate:
        cloud.network.ports[port_id].server_id = ''

        def take():
            gate.wait()
            cloud.network.ports[port_id].server_id = UNKNOWN
            gate.open()

        taker = threading.Thread(target=take)
        taker.start()
        assert refusal(api, server_id, port_id=port_id) == (409, f'Port {port_id} is still in use.')
        taker.join()
    assert cloud.network.ports[port_id].server_id == UNKNOWN
    assert listed(api, server_id) == []


def test_a_guest_that_does_not_let_go_keeps_its_interface(cloud, network):
    api = cloud.api()
    server_id = running(api, metadata={FAIL: 'detach_interface'})
    port_id = attach(api, server_id, net_id=network.id)['port_id']
    detach(cloud, api, server_id, port_id)
    assert plugged(cloud, server_id) == listed(api, server_id) == [port_id]
    assert cloud.network.ports[port_id].server_id == server_id
    (action, *_others) = api.get(f'/servers/{server_id}/os-instance-actions', '2.93')['instanceActions']
    assert (action['action'], action['message']) == ('detach_interface', 'Error')
    ended(cloud, api, server_id)


def test_a_port_that_is_deleted_elsewhere_is_unplugged(cloud, network):
    api = cloud.api()
    server_id = running(api)
    port_id = attach(api, server_id, net_id=network.id)['port_id']
    del cloud.network.ports[port_id]
    event = {'name': 'network-vif-deleted', 'server_uuid': server_id, 'tag': port_id}
    cloud.api('admin').post('/os-server-external-events', {'events': [event]}, '2.93', 200)
    cloud.until(lambda: not plugged(cloud, server_id))
    cloud.until(lambda: not listed(api, server_id))


def test_a_guest_that_starts_anew_has_the_interfaces_of_its_record(cloud, network):
    api = cloud.api()
    server_id = running(api, networks=[{'uuid': network.id}])
    port_id = attach(api, server_id, net_id=network.id)['port_id']
    api.post(f'/servers/{server_id}/action', {'reboot': {'type': 'HARD'}}, '2.93')
    api.wait(server_id)
    assert len(plugged(cloud, server_id)) == 2
    assert port_id in plugged(cloud, server_id)
    ended(cloud, api, server_id)


def test_a_deletion_wins_over_an_attachment(cloud, network):
    api = cloud.api()
    server_id = running(api)
    with cloud.paused(cloud.hosts['h1'].driver, 'attach_interface') as gate:
        answers = []
        path, body = PATH.format(server_id), {'interfaceAttachment': {'net_id': network.id}}
        asking = threading.Thread(target=lambda: answers.append(api.ask('POST', path, body, '2.93').status_int))
        asking.start()
        gate.wait()
        api.delete(f'/servers/{server_id}')
    asking.join()
    assert answers in ([409], [404], [200])
    assert api.wait(server_id) is None
    assert cloud.left() == {}
    assert not cloud.network.ports


def test_the_network_is_told_anew(cloud, network):
    api, admin = cloud.api(), cloud.api('admin')
    server_id = running(api, networks=[{'uuid': network.id}])
    (port_id,) = listed(api, server_id)
    held = cloud.network.ports[port_id]
    (fixed,) = held.addresses
    held.addresses = (type(fixed)('10.0.0.99', fixed.subnet_id),)
    assert api.fault('POST', f'/servers/{server_id}/action', {'injectNetworkInfo': None})[0] == 403
    admin.post(f'/servers/{server_id}/action', {'injectNetworkInfo': None}, '2.93')
    cloud.settle()
    assert addresses(api, server_id) == ['10.0.0.99']
    assert cloud.hosts['h1'].driver.observe(server_id).power is Power.RUNNING
