"""The API on real stores, with a user's image, flavor and network, and stand-ins for what lies beyond it."""

import datetime
import json
import shutil
import uuid
from pathlib import Path

import webob
from oslo_config import cfg

from nova import errors
from nova.api import app
from nova.api.services import Services, Settings
from nova.db.database import Database
from nova.db.engine import Databases
from nova.db.stores import cells, flavors, host_mappings, keypairs, mappings, servers, services
from nova.domain.cell import CELL0_ID
from nova.domain.flavor import Flavor
from nova.domain.guest import ConsoleAddress
from nova.domain.image import Image
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import Power, State
from nova.domain.network import FixedIP, Network, Port, Subnet
from nova.domain.server import Server
from nova.virt.fake.driver import SIMULATED_FIGURES
from tests.fakes import databases
from tests.fakes.identity import FakeIdentity
from tests.fakes.network import FakeNetwork

IMAGE_ID = '70a599e0-31e7-49b7-b260-868f441e862b'
CELL_ID = 'c0ffee00-0000-4000-8000-000000000001'
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)
GB = 1 << 30
PORT = Port(
    id='ce531f90-199f-48c0-816c-13e38010b442',
    mac='fa:16:3e:4c:2c:30',
    network=Network('3cb9bc59-5699-4588-a4b1-b87f96708bc6', 'private', 1500, (Subnet('subnet-1', '192.168.1.0/24'),)),
    fixed_ips=(FixedIP('192.168.1.30', 'f8a6e8f8-c2ec-497c-9f23-da9616de54ef'),),
    active=True,
    tag='public',
)


class Images:
    """Glance, as its client shows it."""

    def __init__(self):
        self.kept = {IMAGE_ID: Image(IMAGE_ID, 'tiny', size=GB // 2, min_memory_mb=64)}
        # Those that have no data yet.
        self.recorded = {}

    def get(self, context, image_id):
        if image_id not in self.kept:
            raise errors.NotFound(f'Image {image_id} could not be found.')
        return self.kept[image_id]

    address = 'http://glance.test'

    def create(self, context, name, properties, **facts):
        image_id = str(uuid.uuid4())
        self.recorded[image_id] = {'name': name, 'owner': context.project_id, **properties, **facts}
        return image_id

    def remove(self, image_id):
        del self.recorded[image_id]


class Bus:
    """Takes what is sent to conductors, and answers as a host does."""

    def __init__(self):
        self.sent, self.away = [], False
        # Why passwords in guests cannot be changed.
        self.no_agent = None
        # Hosts that were asked to report.
        self.asked_hosts, self._host = [], None
        # Hosts and images of each request to fetch images ahead of time.
        self.cached = []
        # The host, or None for conductors, and what it was told.
        self.events = []

    def client(self, kind, host=None, url=None):
        self._host = host
        return self

    def take_servers(self, context, enabled):
        if self.away:
            raise errors.ServiceDown('The bus is away.')
        self.asked_hosts.append(self._host)

    def cache_images(self, context, hosts, image_ids):
        self.cached.append((hosts, image_ids))

    def run_operation(self, context, operation_id, cell_id):
        if self.away:
            raise errors.ServiceDown('The bus is away.')
        self.sent.append(operation_id)

    def check_password_change(self, context, server_id):
        if self.no_agent:
            raise errors.Conflict(self.no_agent)

    def stop_waiting(self, context, server_id):
        pass

    def diagnose_guest(self, context, server_id):
        return SIMULATED_FIGURES

    def external_events(self, context, events):
        self.events.append((self._host, events))

    def console_output(self, context, server_id, length=None):
        lines = ['FAKE CONSOLE OUTPUT', 'ANOTHER', 'LAST LINE']
        return '\n'.join(lines if length is None else lines[len(lines) - min(length, len(lines)) :])

    def console_address(self, context, server_id, kind):
        return ConsoleAddress(kind, '10.0.0.9', 5900)


class World:
    """One cloud of one cell. `get`, `post`, ... send requests with a token of `tests.fakes.identity`."""

    def __init__(self, directory: Path, template: Path, **settings):
        self.directory = directory
        for path in template.iterdir():
            shutil.copy(path, directory)
        api, cell, cell0 = (Database(f'sqlite:///{directory}/{name}.db') for name in ('api', 'cell1', 'cell0'))
        self.databases = Databases(api, cell)
        with api.writing() as tx:
            cells.create(tx, 'cell0', 'none:///', f'sqlite:///{directory}/cell0.db', cell_id=CELL0_ID)
            cells.create(tx, 'cell1', 'fake://', f'sqlite:///{directory}/cell1.db', cell_id=CELL_ID)
            host_mappings.add(tx, CELL_ID, ['compute'])
            flavors.create(tx, Flavor('1', 'm1.tiny', 1, 512, 1))
            flavors.create(tx, Flavor('big', 'm1.big', 4, 4096, 20, ephemeral_gb=2, swap_mb=512))
            flavors.create(tx, Flavor('none', 'diskless', 1, 512, 0))
            flavors.create(tx, Flavor('secret', 'm1.secret', 1, 512, 1, is_public=False))
            keypairs.create(tx, KeyPair('mykey', 'alice', 'ssh-rsa AAAA', 'fi:ng'))
        self.images, self.network, self.bus = Images(), FakeNetwork(), Bus()
        conf = cfg.ConfigOpts()
        conf([], project='nova-tests', default_config_files=[])
        self.services = Services(
            self.databases, self.bus, Settings(**settings), self.images, self.network, clock=lambda: NOW
        )
        self.app = app.build_with(self.services, None, FakeIdentity().wrap, conf)

    def request(self, method, path, body=None, version=None, token='member', status=None):
        headers = {'X-Auth-Token': token, 'Content-Type': 'application/json'}
        if version:
            headers['OpenStack-API-Version'] = f'compute {version}'
        raw = b'' if body is None else json.dumps(body).encode()
        asked = webob.Request.blank(f'/v2.1{path}', method=method, headers=headers, body=raw)
        answer = asked.get_response(self.app)
        if status is not None:
            assert answer.status_int == status, answer.text
        return answer

    def get(self, path, version=None, token='member', status=200):
        answer = self.request('GET', path, None, version, token, status)
        return answer.json if answer.body else None

    def send(self, method, path, body=None, version=None, token='member', status=None):
        answer = self.request(method, path, body, version, token, status)
        return answer.json if answer.body else None

    def fault(self, method, path, body=None, version=None, token='member'):
        """The status and the message of a refusal."""
        answer = self.request(method, path, body, version, token)
        (particulars,) = answer.json.values()
        return answer.status_int, particulars['message']

    def host(self, **fields):
        """The record of the compute host's daemon."""
        with self.databases.cell(CELL_ID).writing() as tx:
            services.alive(tx, 'compute', 'nova-compute', 'compute', at=NOW)
            if fields:
                services.change(tx, services.find(tx, 'compute', 'nova-compute').id, **fields)

    def server(self, number=1, cell_id=CELL_ID, **fields):
        """A server that runs on the host."""
        values = {
            'id': f'00000000-0000-4000-8000-{number:012}',
            'name': f'server-{number}',
            'hostname': f'server-{number}',
            'project_id': 'demo',
            'user_id': 'alice',
            'flavor': Flavor('1', 'm1.tiny', 1, 512, 1),
            'state': State.ACTIVE,
            'power': Power.RUNNING,
            'host': 'compute',
            'node': 'node',
            'image_id': IMAGE_ID,
            'ports': (PORT,),
            'security_groups': ('default',),
            'metadata': {'My Server Name': 'Apache1'},
            'access_ip_v4': '1.2.3.4',
            'access_ip_v6': '80fe::',
            'availability_zone': 'nova',
            'reservation_id': 'r-12345678',
            'root_device_name': '/dev/vda',
            'user_data': 'aGVsbG8=',
            'launched_at': NOW,
            'created_at': NOW + datetime.timedelta(seconds=number),
        }
        server = Server(**values | fields)
        with self.databases.cell(cell_id).writing() as tx:
            servers.create(tx, server)
        with self.databases.api.writing() as tx:
            mappings.create(
                tx, server.id, server.project_id, server.user_id, cell_id, server.flavor.vcpus, server.flavor.memory_mb
            )
        return server


def make_template(directory: Path) -> Path:
    """Empty databases with all tables, to be copied."""
    for name, kind in (('api', 'api'), ('cell1', 'cell'), ('cell0', 'cell')):
        databases.file(kind, directory / f'{name}.db')
    return directory
