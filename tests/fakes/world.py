"""A small cloud for operations to act on: real databases (SQLite), simulated hosts, and neighbours that behave."""

import contextlib
import copy
import dataclasses
import datetime
import tempfile
import types
import uuid
from pathlib import Path

from nova import errors
from nova.clients.image import ImageClient
from nova.compute.guests import Guests
from nova.compute.service import ComputeService
from nova.compute.tpms import Tpms
from nova.context import admin_context
from nova.db.database import Database
from nova.db.engine import Databases
from nova.db.stores import cells, guests, mappings, operations, server_groups, servers
from nova.db.stores import hosts as host_records
from nova.domain.cell import CELL0_ID
from nova.domain.flavor import Flavor
from nova.domain.image import Image
from nova.domain.network import NetworkRequest
from nova.domain.request import Choice, Selection
from nova.domain.server import ServerRequest
from nova.virt.fake.driver import FakeDriver
from tests.fakes import databases
from tests.fakes.image import FakeGlance
from tests.fakes.keys import FakeKeys
from tests.fakes.network import FakeNetwork

CELL = str(uuid.UUID(int=1))
HOSTS = ('h1', 'h2')
PROJECT = 'demo-project'


def make_databases(directory: Path) -> Databases:
    """An API database, cell0 and one cell, with their tables."""
    kinds = {'api': 'api', 'cell0': 'cell', 'cell1': 'cell'}
    urls = {name: databases.file(kind, directory / f'{name}.db') for name, kind in kinds.items()}
    api, own = Database(urls['api']), Database(urls['cell1'])
    with api.writing() as tx:
        cells.create(tx, 'cell0', 'none:///', urls['cell0'], cell_id=CELL0_ID)
        cells.create(tx, 'cell1', 'fake://', urls['cell1'], cell_id=CELL)
    return Databases(api, own)


class Room:
    """Claims on hosts, as Placement keeps them; `select` is the scheduler's part, on the first host that may be used."""

    def __init__(self, hosts=HOSTS):
        self.claims: dict[str, str] = {}
        # Why a host cannot run what its servers shall be made from.
        self.objections: dict[str, str] = {}
        self.hosts = hosts

    def select(self, context, requests):
        return tuple(self._choice(request) for request in requests)

    def _choice(self, request):
        open_to_it = [host for host in self.hosts if host not in request.excluding]
        host = self.claims.get(request.server_id) or next(iter(open_to_it), None)
        if host is None:
            return Choice(None, dict.fromkeys(self.hosts, 'It failed before.'))
        self.claims[request.server_id] = host
        return Choice(Selection(request.server_id, host, host, f'{host}-id', CELL, 'nova'), {})

    def objection(self, context, request, host):
        return self.objections.get(host)

    def move(self, from_id, to_id, consumer_type='INSTANCE', is_new=False):
        if from_id in self.claims:
            self.claims[to_id] = self.claims.pop(from_id)

    def release(self, server_id):
        self.claims.pop(server_id, None)


class Hosts:
    """The hosts' side of the Compute contract, called directly. A host in `away` does not answer."""

    def __init__(self, glance=None):
        self.drivers = {host: FakeDriver(host, tpms=True) for host in HOSTS}
        self.glance = glance or FakeGlance()
        self.away: set[str] = set()
        self.keys = FakeKeys()
        self._directory = tempfile.TemporaryDirectory(prefix='fake-hosts-')

    def client(self, host):
        if host in self.away:
            raise errors.HostAway(f'No answer from {host}.')
        tpms = Tpms(self.drivers[host], self.keys, f'{self._directory.name}/{host}')
        return _HostClient(self.drivers[host], host, self.glance, tpms)


class _HostClient:
    """Calls the daemon's endpoint by the contract's names, without a bus between."""

    def __init__(self, driver, host, glance, tpms):
        images = _NoImages(ImageClient(glance))
        guests = Guests(driver, images, None, host, tpms=tpms)
        nothing = types.SimpleNamespace(check=None)
        self._endpoint = ComputeService(host, driver, guests, images, nothing, nothing)

    def __getattr__(self, name):
        return getattr(self._endpoint, name)


class _NoImages:
    def __init__(self, client):
        self.client = client

    def as_kept(self, image):
        return image

    def path(self, image, disk_gb, guest_id=None):
        return '/nowhere'

    def settle(self, guest_id, image):
        pass


@dataclasses.dataclass(frozen=True)
class World:
    """Has what `nova.operations.cloud.Cloud` has, and shows what is in it."""

    databases: Databases
    room: Room = dataclasses.field(default_factory=Room)
    hosts: Hosts = dataclasses.field(default_factory=Hosts)
    network: FakeNetwork = dataclasses.field(default_factory=FakeNetwork)
    instance_name_template: str = 'instance-%08x'
    max_attempts: int = 3
    # Shelved servers stay where they are.
    shelved_offload_time: int = -1
    operation_deadline: int = 3600
    context = admin_context()

    @property
    def scheduler(self):
        return self.room

    @property
    def placement(self):
        return self.room

    @property
    def images(self):
        return ImageClient(self.hosts.glance)

    def compute(self, host, cell_id):
        return self.hosts.client(host)

    def now(self):
        return datetime.datetime.now(datetime.UTC)

    def server_request(self, **options) -> ServerRequest:
        """A request for a server with one port and a TPM; its mapping is made, as the API does."""
        network = next(iter(self.network.networks.values()), None) or self.network.add_network(PROJECT)
        request = ServerRequest(
            **{
                'server_id': str(uuid.uuid4()),
                'name': 'x',
                'hostname': 'x',
                'project_id': PROJECT,
                'user_id': 'someone',
                'flavor': Flavor('1', 'm1.nano', 1, 128, 1, extra_specs={'hw:tpm_version': '2.0'}),
                'image_id': 'tiny',
                'image': Image('tiny', 'tiny', disk_format='qcow2', size=1),
                'networks': (NetworkRequest(network.id),),
                'created_at': self.now(),
                **options,
            }
        )
        with self.databases.api.writing() as tx:
            size = request.flavor.vcpus, request.flavor.memory_mb
            mappings.create_many(tx, [(request.server_id, request.project_id, request.user_id, *size)])
        return request

    def seen(self) -> dict:
        """Everything that an operation may leave behind, for comparison."""
        with self.databases.own.reading() as tx:
            noted = {host: sorted(server_id for server_id, _state in guests.expected(tx, host)) for host in HOSTS}
            held = host_records.claimed(tx)
        with self.databases.api.reading() as tx:
            usage = mappings.count_usage(tx, PROJECT)
        return copy.deepcopy(
            {
                'claims': self.room.claims,
                'ports': sorted((port.id, port.server_id, port.host) for port in self.network.ports.values()),
                'guests': {
                    host: sorted(seen.id for seen in driver.list()) for host, driver in self.hosts.drivers.items()
                },
                'secrets': self.hosts.keys.names(),
                'noted guests': noted,
                'disks set aside': {host: driver.set_aside() for host, driver in self.hosts.drivers.items()},
                'counted': usage,
                'room held': held,
            }
        )

    def add_group(self, policy='anti-affinity', **rules):
        """A server group; its id."""
        with self.databases.api.writing() as tx:
            return server_groups.create(tx, 'group', PROJECT, 'someone', policy, rules).id

    def find(self, server_id):
        """The server wherever it is, and the id of its cell; (None, None) while no cell has it."""
        with self.databases.api.reading() as tx:
            mapping = mappings.find(tx, server_id)
        for cell_id in (CELL, CELL0_ID):
            with self.databases.cell(cell_id).reading() as tx:
                server = servers.find(tx, server_id)
            if server is not None:
                assert mapping.cell_id == cell_id, 'the mapping leads to another cell than the one that has the server'
                return server, cell_id
        return None, None

    def operations(self, server_id):
        found = []
        for database in (self.databases.api, self.databases.own, self.databases.cell0):
            with database.reading() as tx:
                found += operations.of_server(tx, server_id)
        return found


@contextlib.contextmanager
def failing(owner, name, failure, before=True):
    """While this holds, `owner.name` raises `failure`: instead of its work, or after it."""
    original = getattr(owner, name)

    def broken(*arguments, **options):
        if not before:
            original(*arguments, **options)
        raise failure

    setattr(owner, name, broken)
    try:
        yield
    finally:
        setattr(owner, name, original)
