"""nova-network on a machine: a guest on its bridge gets an address, names, metadata and the outside world."""

import contextlib
import hashlib
import hmac
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

import keystoneauth1.adapter
import keystoneauth1.session
import keystoneauth1.token_endpoint
import pytest

import nova.conf
from nova.clients.network import NetworkClient
from nova.context import Context
from nova.domain.network import NetworkRequest
from nova.network import service as network_service
from nova.network.host import dnsmasq

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason='Needs root for network namespaces.'),
    pytest.mark.skipif(
        not all(map(shutil.which, ('ip', 'nft', 'dnsmasq', 'busybox'))),
        reason='Needs the packages iproute2, nftables, dnsmasq-base and busybox-static.',
    ),
]

SECRET = 'between us'
ALICE = Context(user_id='u-alice', project_id='p-alice', roles=('member',))
DHCP_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
set > "$LEASE"
ip address add "$ip/$mask" dev "$interface"
ip link set "$interface" mtu "$mtu"
set -- $staticroutes
while [ $# -ge 2 ]; do ip route replace "$1" via "$2" dev "$interface"; shift 2; done
"""
TELL_PEER = """
import socket, sys
server = socket.create_server(('0.0.0.0', 8080))
print('ready', flush=True)
while True:
    peer, address = server.accept()
    peer.sendall(address[0].encode())
    peer.close()
"""


class CommandFailed(Exception):
    pass


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **options)
    if done.returncode:
        raise CommandFailed(f'{" ".join(command)}: {done.stdout}{done.stderr}')
    return done.stdout


def in_namespace(name, *command, **options):
    return run('ip', 'netns', 'exec', name, *command, **options)


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


def eventually(what, seconds=20):
    """The first true value of `what`; the test fails if there is none for so long."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if value := what():
            return value
        time.sleep(0.05)
    pytest.fail(f'{what} did not come true within {seconds} seconds')


class FakeMetadataService:
    """Stands for Compute's metadata service: remembers what it was asked, refuses what is not signed."""

    def __init__(self):
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, dict(self.headers)))
                server_id = self.headers.get('X-Instance-ID', '')
                signature = hmac.new(SECRET.encode(), server_id.encode(), hashlib.sha256).hexdigest()
                signed = hmac.compare_digest(signature, self.headers.get('X-Instance-ID-Signature', ''))
                body = f'you are {server_id}'.encode()
                self.send_response(200 if signed else 403)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_address[1]}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Guest:
    """A namespace that stands for a guest: its one interface is on the bridge of its port."""

    def __init__(self, machine, port, directory):
        self.name, self.port, self.lease = f'{machine.name}-{port.id[:4]}', port, directory / f'lease-{port.id}'
        self.script = directory / 'udhcpc-script'
        self.script.write_text(DHCP_SCRIPT)
        self.script.chmod(0o755)
        run('ip', 'netns', 'add', self.name)
        run('ip', '-n', machine.name, 'link', 'add', port.devname, 'type', 'veth', 'peer', 'name', 'eth0', 'netns',
            self.name)  # fmt: skip
        run('ip', '-n', machine.name, 'link', 'set', port.devname, 'master', port.bridge, 'up')
        run('ip', '-n', self.name, 'link', 'set', 'eth0', 'address', port.mac, 'up')
        run('ip', '-n', self.name, 'link', 'set', 'lo', 'up')

    def boot(self):
        """Ask for an address until there is one; what the DHCP server said."""
        self('busybox', 'udhcpc', '-f', '-q', '-n', '-t', '20', '-T', '1', '-i', 'eth0', '-s', str(self.script),
             '-O', 'staticroutes', '-O', 'mtu', '-O', 'search', env={**os.environ, 'LEASE': str(self.lease)})  # fmt: skip
        lines = (line.partition('=') for line in self.lease.read_text().splitlines())
        return {name: value.strip("'") for name, _, value in lines}

    def boot_again(self):
        self('ip', 'address', 'flush', 'dev', 'eth0')
        return self.boot()

    def __call__(self, *command, **options):
        return in_namespace(self.name, *command, **options)

    def fetch(self, url, *headers):
        given = [word for header in headers for word in ('--header', header)]
        return self('busybox', 'wget', '-q', '-O', '-', *given, url)


class Machine:
    """A namespace that stands for a machine, nova-network for it, and the outside world behind another namespace."""

    def __init__(self, directory, metadata_url):
        self.name, self.directory = f'nn{uuid.uuid4().hex[:6]}', directory
        self.outside, self.guests, self.api_port = f'{self.name}-out', [], free_port()
        for namespace in (self.name, self.outside):
            run('ip', 'netns', 'add', namespace)
            run('ip', '-n', namespace, 'link', 'set', 'lo', 'up')
        run('ip', '-n', self.name, 'link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'eth0', 'netns',
            self.outside)  # fmt: skip
        for namespace, device, address in ((self.name, 'uplink', '192.0.2.1'), (self.outside, 'eth0', '192.0.2.2')):
            run('ip', '-n', namespace, 'address', 'add', f'{address}/24', 'dev', device)
            run('ip', '-n', namespace, 'link', 'set', device, 'up')
        self.conf = nova.conf.load([], 'nova-network', with_neighbours=False, default_config_files=[])
        for name, value in {
            'auth_strategy': 'noauth',
            'listen': '127.0.0.1',
            'port': self.api_port,
            'state_dir': str(directory / 'state'),
            'namespace': self.name,
            'metadata_url': metadata_url,
            # Something that is there, so that dnsmasq has whom to ask for foreign names.
            'dns_servers': ['192.0.2.2'],
        }.items():
            self.conf.set_override(name, value, 'network_service')
        self.conf.set_override('metadata_proxy_shared_secret', SECRET, 'neutron')
        self.service = None

    def start(self):
        self.service = network_service.build(self.conf)
        self.service.start()

    def stop(self):
        if self.service:
            self.service.stop(5)
            self.service = None

    def restart(self):
        self.stop()
        self.start()

    def api(self, method, path, body=None):
        url = f'http://127.0.0.1:{self.api_port}/v2.0/{path}'
        headers = {'Content-Type': 'application/json', 'X-Project-Id': ALICE.project_id}
        asked = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers, method=method)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.loads(answer.read() or b'null')

    def add_network(self, cidr, **fields):
        network = self.api('POST', 'networks', {'network': {'name': 'private', **fields}})['network']
        self.api('POST', 'subnets', {'subnet': {'network_id': network['id'], 'cidr': cidr}})
        return network['id']

    def client(self):
        session = keystoneauth1.session.Session(keystoneauth1.token_endpoint.Token('', 'any'))
        url = f'http://127.0.0.1:{self.api_port}'
        return NetworkClient(keystoneauth1.adapter.Adapter(session, endpoint_override=url))

    def add_guest(self, network_id, name):
        server_id = str(uuid.uuid4())
        (port,) = self.client().ensure_ports(
            ALICE, server_id, 'here', name, ALICE.project_id, [NetworkRequest(network_id)]
        )
        eventually(lambda: port.bridge in self.links())
        guest = Guest(self, port, self.directory)
        guest.server_id = server_id
        self.guests.append(guest)
        return guest

    def links(self):
        return {link['ifname'] for link in json.loads(run('ip', '-n', self.name, '-json', 'link', 'show'))}

    def dhcp_pid(self, network_id):
        return dnsmasq.running(self.directory / 'state' / 'networks' / network_id)

    def remove(self):
        self.stop()
        network_service.purge(self.conf)
        for namespace in (*(guest.name for guest in self.guests), self.outside, self.name):
            subprocess.run(['ip', 'netns', 'delete', namespace], check=False)


@pytest.fixture
def metadata():
    service = FakeMetadataService()
    yield service
    service.stop()


@pytest.fixture
def machine(tmp_path, metadata):
    made = Machine(tmp_path, metadata.url)
    try:
        made.start()
        yield made
    finally:
        made.remove()


@contextlib.contextmanager
def tells_peer(namespace):
    """A server outside that tells whoever connects which address it sees."""
    process = subprocess.Popen(
        ['ip', 'netns', 'exec', namespace, sys.executable, '-c', TELL_PEER], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline() == b'ready\n'
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_guest_gets_address_names_metadata_and_the_outside(machine, metadata):
    network_id = machine.add_network('10.44.0.0/24', mtu=1400)
    guest, neighbour = machine.add_guest(network_id, 'web-1'), machine.add_guest(network_id, 'db-1')
    lease = guest.boot()
    neighbour.boot()

    assert lease['ip'] == guest.port.addresses[0]
    assert (lease['hostname'], lease['domain'], lease['mtu']) == ('web-1', 'openstacklocal', '1400')
    assert (lease['router'], lease['dns']) == ('10.44.0.1', '10.44.0.2')
    assert lease['staticroutes'].split() == ['169.254.169.254/32', '10.44.0.2', '0.0.0.0/0', '10.44.0.1']

    found = guest('busybox', 'nslookup', 'db-1.openstacklocal', '10.44.0.2')
    assert neighbour.port.addresses[0] in found
    guest('busybox', 'ping', '-c', '1', '-W', '5', neighbour.port.addresses[0])

    told = guest.fetch('http://169.254.169.254/openstack/latest/meta_data.json', 'X-Instance-ID: forged')
    assert told == f'you are {guest.server_id}'
    (path, headers) = metadata.asked[-1]
    assert path == '/openstack/latest/meta_data.json'
    assert headers['X-Forwarded-For'] == guest.port.addresses[0]
    assert headers['X-Tenant-ID'] == 'p-alice'

    with tells_peer(machine.outside):
        assert guest('busybox', 'nc', '192.0.2.2', '8080', stdin=subprocess.DEVNULL) == '192.0.2.1'


def test_networks_are_kept_apart(machine):
    one = machine.add_guest(machine.add_network('10.44.0.0/24'), 'a')
    two = machine.add_guest(machine.add_network('10.45.0.0/24'), 'b')
    one.boot()
    two.boot()
    with pytest.raises(CommandFailed):
        one('busybox', 'ping', '-c', '1', '-W', '1', two.port.addresses[0])
    one('busybox', 'ping', '-c', '1', '-W', '5', '192.0.2.2')
    assert one.fetch('http://169.254.169.254/') == f'you are {one.server_id}'
    assert two.fetch('http://169.254.169.254/') == f'you are {two.server_id}'


def test_a_restart_changes_nothing_for_guests(machine):
    network_id = machine.add_network('10.44.0.0/24')
    guest = machine.add_guest(network_id, 'web-1')
    pid = eventually(lambda: machine.dhcp_pid(network_id))
    machine.stop()
    assert guest.boot()['ip'] == guest.port.addresses[0]
    machine.start()
    assert machine.dhcp_pid(network_id) == pid
    assert guest.fetch('http://169.254.169.254/') == f'you are {guest.server_id}'


def test_what_is_broken_by_hand_is_put_right(machine):
    network_id = machine.add_network('10.44.0.0/24')
    guest = machine.add_guest(network_id, 'web-1')
    guest.boot()
    bridge = guest.port.bridge
    os.kill(machine.dhcp_pid(network_id), signal.SIGKILL)
    in_namespace(machine.name, 'nft', 'delete', 'table', 'ip', 'nova_network')
    run('ip', '-n', machine.name, 'link', 'delete', bridge)
    eventually(lambda: machine.dhcp_pid(network_id) is None)
    machine.service.host.reconcile()
    run('ip', '-n', machine.name, 'link', 'set', guest.port.devname, 'master', bridge)
    assert guest.boot_again()['ip'] == guest.port.addresses[0]
    assert guest.fetch('http://169.254.169.254/') == f'you are {guest.server_id}'


def test_a_deleted_network_leaves_nothing(machine):
    network_id = machine.add_network('10.44.0.0/24')
    guest = machine.add_guest(network_id, 'web-1')
    pid, bridge = eventually(lambda: machine.dhcp_pid(network_id)), guest.port.bridge
    machine.client().release_ports(ALICE, guest.server_id, [guest.port])
    machine.api('DELETE', f'networks/{network_id}')
    eventually(lambda: bridge not in machine.links())
    eventually(lambda: not _is_dnsmasq(pid))
    assert not list((machine.directory / 'state' / 'networks').iterdir())


def test_a_process_that_only_has_the_number_of_ours_is_left_alone(machine):
    network_id = machine.add_network('10.44.0.0/24')
    eventually(lambda: machine.dhcp_pid(network_id))
    machine.stop()
    directory = machine.directory / 'state' / 'networks' / network_id
    dnsmasq.stop(directory)
    foreign = subprocess.Popen(['sleep', '60'])
    try:
        (directory / 'pid').write_text(f'{foreign.pid}\n')
        machine.start()
        assert foreign.poll() is None
        assert machine.dhcp_pid(network_id) not in (None, foreign.pid)
    finally:
        foreign.kill()
        foreign.wait()


def test_purge_takes_all_of_it_and_nothing_else(machine):
    network_id = machine.add_network('10.44.0.0/24')
    pid = eventually(lambda: machine.dhcp_pid(network_id))
    run('ip', '-n', machine.name, 'link', 'add', 'brqforeign', 'type', 'bridge')
    machine.stop()
    assert network_service.purge(machine.conf) == []
    assert {link for link in machine.links() if link.startswith('brq')} == {'brqforeign'}
    assert 'nova_network' not in in_namespace(machine.name, 'nft', 'list', 'tables')
    eventually(lambda: not _is_dnsmasq(pid))
    assert network_service.purge(machine.conf) == []


def test_what_cannot_be_done_is_said_in_the_checks(machine):
    machine.service.host.check()
    machine.conf.set_override('namespace', 'no-such-namespace', 'network_service')
    other = network_service.build(machine.conf)
    with pytest.raises(Exception, match='namespace no-such-namespace does not exist'):
        other.start()
    machine.conf.set_override('namespace', machine.name, 'network_service')


def test_the_daemon_serves_until_told_to_stop(tmp_path):
    port, health = free_port(), free_port()
    config = tmp_path / 'nova.conf'
    config.write_text(
        f'[network_service]\nlisten = 127.0.0.1\nport = {port}\nbackend = none\nauth_strategy = noauth\n'
        f'state_dir = {tmp_path}/state\n[health]\nnetwork_port = {health}\n'
    )
    daemon = subprocess.Popen(
        [sys.executable, '-m', 'nova.cmd.network', '--config-file', str(config)], stderr=subprocess.PIPE
    )
    try:
        ready = eventually(lambda: _get(f'http://127.0.0.1:{health}/readyz'))
        assert json.loads(ready) == {'ready': True, 'checks': {'database': {'ok': True}}}
        assert json.loads(_get(f'http://127.0.0.1:{port}/v2.0/networks')) == {'networks': []}
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    finally:
        daemon.kill()
        daemon.wait()
        daemon.stderr.close()


def _get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read()
    except (urllib.error.URLError, ConnectionError):
        return None


def _is_dnsmasq(pid):
    try:
        with open(f'/proc/{pid}/cmdline', 'rb') as file:
            return b'dnsmasq' in file.read()
    except OSError:
        return False
