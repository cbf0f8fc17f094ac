"""Each daemon as a process: with nothing around it, with a real broker and database, and when it is told to stop."""

import contextlib
import datetime
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

import pytest
import websocket

from nova.db import migrations
from nova.db.database import Database
from nova.db.stores import console_tokens
from nova.domain.guest import ConsoleAddress, ConsoleGrant
from tests.unit.cmd.processes import eventually, free_port, get, log_of, readiness, running

pytestmark = pytest.mark.integration

BROKER = '/usr/lib/rabbitmq/bin/rabbitmq-server'
BUS_DAEMONS = ('scheduler', 'conductor', 'compute')


class Cloud:
    """The configuration that all daemons of a test share, and their ports."""

    def __init__(self, directory):
        self.directory = directory
        self.bus_port, self.console_port, self.api_port = free_port(), free_port(), free_port()
        self.health = {name: free_port() for name in (*BUS_DAEMONS, 'novncproxy', 'api')}
        self.cell = Database(f'sqlite:///{directory}/cell.db')
        self.api = Database(f'sqlite:///{directory}/api.db')
        self.config = directory / 'nova.conf'
        self.config.write_text(self._text())

    def give_tables(self):
        migrations.upgrade(self.cell, 'cell')
        migrations.upgrade(self.api, 'api')

    @contextlib.contextmanager
    def daemon(self, name):
        config = self.directory / f'nova-{name}.conf'
        shutil.copy(self.config, config)
        with running(f'nova.cmd.{name}', config) as process:
            process.config = config
            yield process

    def checks(self, name):
        answer = readiness(self.health[name])
        return answer[1]['checks'] if answer else None

    def _text(self):
        # Nobody listens there: what a daemon asks of Keystone, and through it of the others, fails at once.
        login = f"""auth_type = password
auth_url = http://127.0.0.1:{free_port()}/v3
username = nova
password = verysecret
project_name = service
user_domain_id = default
project_domain_id = default
"""
        groups = ''.join(f'[{group}]\n{login}' for group in ('placement', 'glance', 'neutron', 'keystone'))
        ports = '\n'.join(f'{name}_port = {port}' for name, port in self.health.items())
        return f"""[DEFAULT]
host = here
state_path = {self.directory}
compute_driver = fake.FakeDriver
transport_url = rabbit://guest:guest@127.0.0.1:{self.bus_port}/
enabled_apis = osapi_compute
osapi_compute_listen = 127.0.0.1
osapi_compute_listen_port = {self.api_port}
osapi_compute_workers = 2
graceful_shutdown_timeout = 10
web = {self.directory}
[database]
connection = {self.cell.url}
[api_database]
connection = {self.api.url}
[vnc]
novncproxy_host = 127.0.0.1
novncproxy_port = {self.console_port}
novncproxy_base_url = http://127.0.0.1:{self.console_port}/vnc_auto.html
[health]
max_age = 0
{ports}
[oslo_reports]
log_dir = {self.directory}
[keystone_authtoken]
www_authenticate_uri = http://127.0.0.1:5000
{login}{groups}"""


@pytest.fixture
def cloud(tmp_path):
    return Cloud(tmp_path)


@contextlib.contextmanager
def broker(cloud):
    """A private RabbitMQ."""
    if not os.path.exists(BROKER):
        pytest.skip('The package rabbitmq-server is not installed.')
    home = cloud.directory / 'broker'
    home.mkdir()
    (home / 'rabbitmq.conf').write_text(f'listeners.tcp.1 = 127.0.0.1:{cloud.bus_port}\nlog.file = false\n')
    (home / 'enabled_plugins').write_text('[].\n')
    (home / 'environment').write_text('')
    names = {'ERL_EPMD_PORT': str(free_port()), 'ERL_EPMD_ADDRESS': '127.0.0.1'}
    settings = {
        'HOME': str(home),
        'RABBITMQ_NODENAME': f'nova-test-{os.getpid()}@localhost',
        'RABBITMQ_DIST_PORT': str(free_port()),
        'RABBITMQ_CONFIG_FILE': str(home / 'rabbitmq.conf'),
        'RABBITMQ_CONF_ENV_FILE': str(home / 'environment'),
        'RABBITMQ_ENABLED_PLUGINS_FILE': str(home / 'enabled_plugins'),
        'RABBITMQ_MNESIA_BASE': str(home / 'mnesia'),
        'RABBITMQ_LOG_BASE': str(home),
        'RUNNING_UNDER_SYSTEMD': 'true',
    }
    with open(home / 'log', 'wb') as log:
        options = {'stdout': log, 'stderr': log}
        mapper = subprocess.Popen(
            ['epmd', '-port', names['ERL_EPMD_PORT'], '-address', '127.0.0.1'], env={**os.environ, **names}, **options
        )
        rabbit = subprocess.Popen([BROKER], env={**os.environ, **names, **settings}, **options)
    try:
        yield
    finally:
        for process in (rabbit, mapper):
            process.terminate()
            process.wait(60)


@pytest.mark.parametrize('name', [*BUS_DAEMONS, 'novncproxy'])
def test_a_daemon_alone_waits_says_for_what_and_can_be_stopped(cloud, name):
    with cloud.daemon(name) as process:
        checks = eventually(lambda: (found := cloud.checks(name)) and len(found) > 1 and found)
        assert not checks['start']['ok']
        missing = 'database' if name == 'novncproxy' else 'bus'
        assert not checks[missing]['ok']
        assert get(cloud.health[name], '/healthz')[0] == 200
        eventually(lambda: 'Waiting to start' in log_of(process.config))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert 'verysecret' not in log_of(process.config)


def test_daemons_begin_when_the_broker_and_the_tables_come(cloud):
    with contextlib.ExitStack() as stack:
        processes = {name: stack.enter_context(cloud.daemon(name)) for name in BUS_DAEMONS}
        for name in BUS_DAEMONS:
            eventually(lambda name=name: 'start' in (cloud.checks(name) or {}))
        cloud.give_tables()
        stack.enter_context(broker(cloud))
        for name in BUS_DAEMONS:
            eventually(lambda name=name: 'start' not in (cloud.checks(name) or {'start': None}), seconds=120)
            assert cloud.checks(name)['bus'] == {'ok': True}
        for name, process in processes.items():
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGUSR2)
            report = eventually(lambda name=name: list(cloud.directory.glob(f'nova-{name}_gurumeditation_*')))
            eventually(lambda report=report: 'Configuration' in report[0].read_text())
            assert 'verysecret' not in report[0].read_text()
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for name, process in processes.items():
            assert process.wait(60) == 0, name
            assert 'did not end its work' not in log_of(process.config), name


def test_the_api_answers_what_needs_nobody_while_all_are_away(cloud):
    with cloud.daemon('api') as process:
        status, body = eventually(lambda: get(cloud.api_port, '/'))
        assert status == 300
        assert 'v2.1' in body
        status, report = eventually(lambda: readiness(cloud.health['api']))
        assert status == 503
        assert not report['checks']['database']['ok']
        assert not report['checks']['bus']['ok']
        assert 'nova_api_requests_total' in get(cloud.health['api'], '/metrics')[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_console_opens_with_a_token_from_the_database(cloud):
    cloud.give_tables()
    greeting = b'RFB 003.008\n'
    with socket.create_server(('127.0.0.1', 0)) as guest, cloud.daemon('novncproxy') as process:
        expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)
        address = ConsoleAddress('novnc', '127.0.0.1', guest.getsockname()[1])
        grant = ConsoleGrant('00000000-0000-4000-8000-000000000001', address, 'http://127.0.0.1/vnc_auto.html', expires)
        hashed = hashlib.sha256(b'the-token').hexdigest()
        with cloud.cell.writing() as tx:
            console_tokens.create(tx, hashed, grant)
        eventually(lambda: (readiness(cloud.health['novncproxy']) or [0])[0] == 200)
        console = websocket.create_connection(
            f'ws://127.0.0.1:{cloud.console_port}/?token=the-token',
            origin=f'http://127.0.0.1:{cloud.console_port}',
            timeout=20,
        )
        connection, _ = guest.accept()
        connection.sendall(greeting)
        assert console.recv() == greeting
        console.send_binary(greeting)
        assert connection.recv(1024) == greeting
        assert 'nova_console_sessions 1.0' in get(cloud.health['novncproxy'], '/metrics')[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert connection.recv(1024) == b''
        connection.close()
    assert 'the-token' not in log_of(process.config)


@pytest.mark.parametrize('name', ['api', 'api_metadata', 'compute', 'conductor', 'network', 'novncproxy', 'scheduler'])
def test_every_daemon_tells_its_version_and_its_options(name):
    for option, word in (('--version', '.'), ('--help', '--config-file')):
        done = subprocess.run(
            [sys.executable, '-m', f'nova.cmd.{name}', option],
            capture_output=True,
            text=True,
            cwd=pathlib.Path(__file__).parents[2],
        )
        assert done.returncode == 0, done.stderr
        assert word in done.stdout
