"""What clients see of servers in particular cases that no other theme is about."""

import pytest

from tests.functional.client import running


@pytest.mark.every_database
@pytest.mark.parametrize('name', ['web', 'Grün (a+b)*', 'x' * 255])
def test_names_that_must_be_unique_are_so_in_all_cells(make_cloud, name):
    api = make_cloud(unique_server_name_scope='project').api()
    other = running(api, name='other')
    taken = (409, f'Another instance is already named {name}.')
    lost = api.create(name=name, flavorRef='huge')
    assert api.wait(lost)['status'] == 'ERROR'
    assert api.fault('PUT', f'/servers/{other}', {'server': {'name': name}}) == taken
    api.delete(f'/servers/{lost}')
    assert api.wait(lost) is None
    api.put(f'/servers/{other}', {'server': {'name': name}})
    assert api.fault('PUT', f'/servers/{running(api, name="third")}', {'server': {'name': name}}) == taken


def test_steps_tell_the_host_that_their_attempt_was_for(cloud):
    api, admin, failed = cloud.api(), cloud.api('owner'), []
    for failing in ('h1', 'h2'):
        server_id = running(api, metadata={'fake:fail': 'ensure', 'fake:fail_on': failing})
        path = f'/servers/{server_id}/os-instance-actions'
        (created,) = admin.get(path, '2.62')['instanceActions']
        events = admin.get(f'{path}/{created["request_id"]}', '2.62')['instanceAction']['events']
        *before, last = [event for event in events if event['event'] == 'start_guest']
        assert (last['result'], last['host']) == ('Success', admin.server(server_id)['OS-EXT-SRV-ATTR:host'])
        assert all((event['result'], event['host']) == ('Error', failing) for event in before)
        failed += before
        seen = api.get(f'{path}/{created["request_id"]}', '2.62')['instanceAction']['events']
        assert [event['hostId'] for event in seen] == [event['hostId'] for event in events]
        assert not any('host' in event for event in seen)
    assert failed, 'neither host was tried first'


def test_a_port_that_was_promised_bandwidth_is_not_attached(cloud):
    api = cloud.api()
    server_id = running(api)
    port_id = cloud.network.add_port('demo', cloud.network.add_network('demo').id)
    cloud.network.promised.add(port_id)
    asked = {'interfaceAttachment': {'port_id': port_id}}
    expected = (400, f'Attaching port {port_id}, which has resource requests, is not supported.')
    assert api.fault('POST', f'/servers/{server_id}/os-interface', asked) == expected
