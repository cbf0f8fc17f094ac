"""A cloud of real parts on this machine: up, used through its own files, down, and nothing is left."""

import os
import signal
import socket
import subprocess
import time

import pytest
from keystoneauth1 import exceptions as ksa_errors

from nova.standalone import cli, processes, readiness, seed
from nova.standalone.cloud import Cloud
from nova.standalone.first_server import FirstServer
from nova.standalone.refusal import Refusal
from tests.integration.neighbours import NEIGHBOURS, OFFSET, needs_neighbours, openstack_program

QUIET = open(os.devnull, 'w')  # noqa: SIM115 - as long as the tests run

pytestmark = needs_neighbours


@pytest.fixture(scope='module')
def neighbours(tmp_path_factory):
    parts = {'rabbitmq', 'keystone', 'glance', 'placement'}
    directory = tmp_path_factory.mktemp('neighbours') / 'state'
    with Cloud(directory, port_offset=OFFSET, driver='fake', neighbours=NEIGHBOURS, parts=parts) as cloud:
        yield cloud


def get(cloud, port, path, user='admin'):
    session = seed.login(cloud.layout, cloud.secrets, user, user)
    return seed.service(session, cloud.layout, port, '').get(path).json()


def pids(cloud):
    return {entry['name']: entry['pid'] for entry in cloud.supervision.status()}


def test_the_seeded_users_may_do_what_their_roles_say(neighbours):
    assert {role['name'] for role in get(neighbours, 'keystone', '/v3/roles')['roles']} >= set(seed.ROLES)
    assert [image['name'] for image in get(neighbours, 'glance', '/v2/images', user='demo')['images']] == [seed.IMAGE]
    with pytest.raises(ksa_errors.Forbidden):
        get(neighbours, 'keystone', '/v3/users', user='demo')


def test_the_catalog_leads_to_each_service(neighbours):
    session = seed.login(neighbours.layout, neighbours.secrets)
    for kind, port in (('image', 'glance'), ('placement', 'placement')):
        assert session.get_endpoint(service_type=kind, interface='public') == neighbours.layout.url(port)


def test_the_bus_lets_our_user_in_and_no_other(neighbours):
    amqp = pytest.importorskip('amqp')
    host = neighbours.layout.listen('rabbitmq')

    def connect(user, password):
        with amqp.Connection(host=host, userid=user, password=password, virtual_host='nova') as connection:
            return connection.connected

    assert connect('nova', neighbours.secrets['rabbitmq'])
    with pytest.raises(amqp.exceptions.AMQPError):
        connect('guest', 'guest')


def test_a_second_up_changes_nothing(neighbours):
    before = pids(neighbours)
    neighbours.up(output=QUIET)
    assert pids(neighbours) == before


def test_a_killed_neighbour_comes_back(neighbours):
    pid = pids(neighbours)['placement']
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        entry = next(e for e in neighbours.supervision.status() if e['name'] == 'placement')
        if entry['pid'] not in (pid, None) and readiness.ready(entry['address'], entry['ready_url']):
            return
        time.sleep(0.1)
    pytest.fail('Placement did not come back.')


def test_another_cloud_on_the_same_ports_is_told_who_holds_them(neighbours, tmp_path):
    other = Cloud(
        tmp_path / 'other', port_offset=OFFSET, driver='fake', neighbours=NEIGHBOURS, parts={'keystone', 'glance'}
    )
    with pytest.raises(Refusal, match=rf'Port {5000 + OFFSET}, which keystone needs, is held by .*--port-offset'):
        other.up(output=QUIET)
    assert other.supervision.pid() is None


def test_what_a_cloud_is_made_with_stays(neighbours):
    with pytest.raises(Refusal, match='was made with --port-offset'):
        Cloud(neighbours.layout.state_dir, port_offset=OFFSET + 1)


def test_status_is_a_table_of_all_daemons(neighbours, capsys):
    assert cli.main(['status', '--state-dir', str(neighbours.layout.state_dir)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ['DAEMON', 'STATE', 'UPTIME', 'MEMORY', 'ADDRESS']
    table = {line.split()[0]: line for line in lines[1 : lines.index('')]}
    assert set(table) == {'epmd', 'rabbitmq', 'keystone', 'glance', 'placement'}
    assert all(' ready ' in line and 'MiB' in line for line in table.values())


def test_after_a_purge_nothing_is_left(tmp_path):
    state = tmp_path / 'state'
    cloud = Cloud(state, port_offset=OFFSET + 100, driver='fake', neighbours=NEIGHBOURS, parts={'rabbitmq'})
    cloud.up(output=QUIET)
    running = {(pid, processes.birth(pid)) for pid in processes.family(cloud.supervision.pid())}
    assert cloud.down(purge=True)
    assert not state.exists()
    assert not [pid for pid, birth in running if processes.birth(pid) == birth]
    with socket.socket() as probe:
        assert probe.connect_ex(('127.0.0.1', cloud.layout.port('rabbitmq')))


def test_the_whole_cloud_has_hosts_flavors_a_network_and_its_first_server(whole):
    services = get(whole, 'nova-api', '/v2.1/os-services')['services']
    hosts = {service['host'] for service in services if service['binary'] == 'nova-compute'}
    assert hosts == {'fake-1', 'fake-2'}
    assert {service['state'] for service in services} == {'up'}
    flavors = get(whole, 'nova-api', '/v2.1/flavors')['flavors']
    assert {flavor['name'] for flavor in flavors} >= {name for name, *_ in seed.FLAVORS}
    assert [n['name'] for n in get(whole, 'nova-network', '/v2.0/networks', user='demo')['networks']] == [seed.NETWORK]
    servers = get(whole, 'nova-api', '/v2.1/servers/detail', user='demo')['servers']
    assert [(server['name'], server['status']) for server in servers] == [('first', 'ACTIVE')]


def test_an_unmodified_client_finds_its_way_by_clouds_yaml(whole):
    client = openstack_program()
    environment = {**os.environ, 'OS_CLIENT_CONFIG_FILE': str(whole.layout.clouds_yaml)}
    done = subprocess.run(
        [client, '--os-cloud', 'nova-demo', 'server', 'list', '-f', 'value', '-c', 'Name', '-c', 'Status'],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.stdout.split() == ['first', 'ACTIVE'], done.stderr


def test_up_after_a_killed_supervisor_mends_the_cloud(whole):
    os.kill(whole.supervision.pid(), signal.SIGKILL)
    deadline = time.monotonic() + 20
    while whole.supervision.pid() and time.monotonic() < deadline:
        time.sleep(0.05)
    whole.up(output=QUIET)
    assert FirstServer(whole.layout, whole.secrets).nova.get('/servers').json()['servers']
    assert all(entry['pid'] for entry in whole.supervision.status())
