"""A whole cloud in one process: the daemons' own code over an in-memory bus, on real databases."""

import concurrent.futures
import contextlib
import dataclasses
import time
import uuid
from pathlib import Path

import sqlalchemy as sa

from nova.api import app
from nova.api.services import DEFAULT_QUOTAS, Services, Settings
from nova.clients.image import ImageClient
from nova.clients.placement import PlacementClient
from nova.clients.volume import VolumeClient
from nova.compute.guests import ConfigDrives, Guests
from nova.compute.images import ImageCache
from nova.compute.inventory import Reporter, Share
from nova.compute.plugging import Plugging
from nova.compute.service import ComputeService
from nova.compute.tpms import Tpms
from nova.conductor.runner import Runner
from nova.conductor.service import ConductorService
from nova.db import server_places
from nova.db.database import Statements
from nova.db.engine import Databases
from nova.db.stores import cells, flavors, guests, hosts, mappings, servers
from nova.db.tables.operations import api_operations
from nova.domain.cell import CELL0_ID
from nova.domain.flavor import Flavor
from nova.domain.host import Inventory
from nova.domain.operation import RUNNING, STUCK
from nova.operations.cloud import Cloud as Means
from nova.rpc.conductor import Conductor
from nova.rpc.notifier import SILENT
from nova.scheduler.cells import CellHosts
from nova.scheduler.choose import Chooser
from nova.scheduler.groups import Groups
from nova.scheduler.hosts import Hosts
from nova.scheduler.room import Room
from nova.scheduler.service import SchedulerService, rules
from nova.virt.fake.driver import FakeDriver
from tests.fakes.identity import FakeIdentity
from tests.functional.client import IMAGE_ID, Api
from tests.functional.reach import URL, Gate, Killed, Life, Outside, ReachableDatabase, Through, Wire

CELL_ID = 'c0ffee00-0000-4000-8000-000000000001'
# The table is the same in all databases.
UNENDED = sa.select(sa.func.count()).where(api_operations.c.status.in_((RUNNING, STUCK)))
# Nothing repeats itself unless a test asks for it.
NEVER = 3600
PLENTY = dict.fromkeys(DEFAULT_QUOTAS, -1) | {'metadata_items': 128, 'key_pairs': 100}


@dataclasses.dataclass(frozen=True)
class Urls:
    """Where the databases are; they have their tables, and no rows."""

    api: str
    cell0: str
    cell1: str


@dataclasses.dataclass
class Host:
    """A compute host: what is on it, and its daemon while that runs."""

    name: str
    driver: FakeDriver
    service: ComputeService | None = None
    reporter: Reporter | None = None


class Cloud:
    """One cell with hosts. Names in `away` (see `Outside`) do not answer. `stop()` ends everything.

    In a `quiet` one only requests cause work, so that it can be counted: nobody looks for orphans or for hosts.
    """

    def __init__(self, urls: Urls, directory: Path, host_names=('h1', 'h2'), quiet=False, notifier=SILENT, **settings):
        self.urls, self.directory, self.quiet = urls, directory, quiet
        self.outside, self.notifier = Outside(), notifier
        self.away, self.placement = self.outside.away, self.outside.placement
        self.glance, self.network = self.outside.glance, self.outside.network
        self.cinder = self.outside.cinder
        self.statements = Statements()
        # Since nobody gives signs of life periodically, silence does not mean that a host is down.
        self.settings = Settings(**{'quotas': PLENTY, 'service_down_time': NEVER} | settings)
        self.outside.conf.set_override('service_down_time', NEVER)
        # Seconds after which shelved servers leave their hosts.
        self.shelved_offload_time = 0
        # Seconds that guests on hosts that start from now on wait for their ports, and whether they need them.
        self.vif_plugging = (0, True)
        # Seconds before what did not answer is tried again; for conductors that start from now on.
        self.pauses = (0.1, 0.2, 0.3)
        # The key manager of hosts that are made from now on; their guests may have TPMs.
        self.keys = None
        # By which what is remembered for a while grows old; a test may hold it, before the start.
        self.clock = time.monotonic
        self._made: list[Databases] = []
        self._lives: list[Life] = []
        # Those of the test itself, whose statements are not counted.
        self.databases = self._databases(statements=Statements())
        self._killed: list[ConductorService] = []
        self.conductors: list[tuple[ConductorService, Life]] = []
        self.hosts: dict[str, Host] = {}
        self.scheduler: SchedulerService | None = None
        self._host_names = host_names

    def start(self):
        self._seed()
        self.app = self.new_app()
        self.start_conductor()
        self.start_scheduler()
        for name in self._host_names:
            self.add_host(name)

    # Using it

    def api(self, as_='member', of=None):
        """The REST API for one of the users of tests.fakes.identity."""
        return Api(of or self.app, as_)

    def new_app(self):
        """One more process of nova-api: an application with connections of its own."""
        services = Services(
            self._databases(),
            Wire(self.outside, Life()),
            self.settings,
            ImageClient(self.glance, for_user=self.glance.acting_for, clock=self.clock),
            self.network,
            PlacementClient(self.placement),
            volumes=VolumeClient(self.cinder.acting_for),
            notifier=self.notifier,
        )
        return app.build_with(services, None, FakeIdentity().wrap, self.outside.conf)

    @property
    def means(self):
        """What a conductor works with."""
        return self.conductors[0][0]._cloud

    def paused(self, owner, name):
        return Gate(owner, name)

    def settle(self):
        """Wait until no operation runs any more."""
        self.until(lambda: not self.running())

    def running(self):
        total = 0
        for database in self.all_databases():
            with database.reading() as tx:
                total += tx.execute(UNENDED).scalar_one()
        return total

    def until(self, holds, seconds=60):
        ends = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < ends, 'what was waited for did not come to be'
            time.sleep(0.01)

    def cost(self):
        """What has been sent so far: SQL statements, bus messages, calls of neighbours."""
        calls = len(self.placement.requests) + len(self.glance.requests) + len(self.network.calls)
        return self.statements.value, self.outside.messages(), calls

    def left(self):
        """Everything that living servers have, or dead ones have left behind."""
        self.settle()
        with self.databases.own.reading() as tx:
            records = servers.count(tx)
            noted = sorted(
                [server_id for name in self.hosts for server_id, _state in guests.expected(tx, name)]
                + [guest.server_id for guest in guests.abandoned(tx)]
            )
        with self.databases.api.reading() as tx:
            usage = mappings.count_usage(tx, 'demo')
        found = {
            'claims': sorted(self.placement.consumers),
            'ports': sorted(port.id for port in self.network.ports.values() if port.server_id),
            'guests': {name: [seen.id for seen in host.driver.list()] for name, host in self.hosts.items()},
            'records': records,
            'noted guests': noted,
            'counted': usage.instances,
        }
        found['guests'] = {name: ids for name, ids in found['guests'].items() if ids}
        return {name: value for name, value in found.items() if value}

    def all_databases(self):
        return self.databases.api, self.databases.own, self.databases.cell0

    # Its parts

    def start_conductor(self):
        life = Life()
        means = Means(
            self._databases(life),
            Wire(self.outside, life),
            Through(PlacementClient(self.placement), life),
            Through(self.network, life),
            images=Through(ImageClient(self.glance, clock=self.clock), life),
            service_down_time=NEVER,
            shelved_offload_time=self.shelved_offload_time,
            notifier=self.notifier,
        )
        name = f'controller{len(self.conductors) + 1}'
        runner = Runner(
            means,
            name,
            lease_seconds=NEVER if self.quiet else 1.5,
            takeover_interval=NEVER if self.quiet else 0.3,
            workers=32,
            pauses=self.pauses,
            unclaimed_after=NEVER if self.quiet else 0.2,
            told_within=1.5,
        )
        service = ConductorService(means, name, runner, report_interval=NEVER)
        service.start()
        self.conductors.append((service, life))
        return service

    def kill_conductor(self):
        """Let the oldest conductor die: from now on nothing that it does has an effect, and it gives up nothing."""
        service, life = self.conductors.pop(0)
        _end_loops(service)
        life.over = True
        self._killed.append(service)
        service._server.stop()

    def start_scheduler(self):
        databases = self._databases()
        cells_hosts = CellHosts(databases)
        known = Hosts(cells_hosts)
        placement = PlacementClient(self.placement)
        room = Room(placement, 1000, self.clock)
        chooser = Chooser(
            placement,
            known,
            room,
            rules(self.outside.conf),
            time.monotonic,
            Groups.of(databases),
            lambda server_ids: server_places.read(databases, server_ids),
        )
        self._discover, self._refresh = cells_hosts.discover, lambda: known.refresh(whole=True)
        self.scheduler = SchedulerService(
            chooser,
            known,
            Wire(self.outside, Life()),
            'controller',
            databases,
            placement,
            report_interval=NEVER,
        )
        self.scheduler.start()
        if self.quiet:
            self.scheduler._refresher.stop()
            self.scheduler._refresher._thread.join()

    def stop_scheduler(self):
        self.scheduler.stop(5)
        self.scheduler = None

    def add_host(self, name, vcpus=1000):
        """A new host, which reports itself and may be used at once."""
        host = self.hosts[name] = Host(name, self._driver(name, vcpus))
        self.start_host(name)
        self.discover()
        return host

    def start_host(self, name, driver=None, **options):
        """Start the daemon of a host, with options of its service, and wait until it has reported."""
        host = self.hosts[name]
        host.driver = driver or host.driver
        wire = Wire(self.outside, Life())
        conductor = wire.client(Conductor)
        images = ImageCache(
            str(self.directory / name / '_base'), ImageClient(self.glance, clock=self.clock), force_raw=False
        )
        placement = PlacementClient(self.placement)
        host.reporter = Reporter(
            host.driver, conductor, placement, name, self.node_id(name), Share(), '10.0.0.1', interval=NEVER
        )
        host.service = ComputeService(
            name,
            host.driver,
            Guests(
                host.driver,
                images,
                conductor,
                name,
                ConfigDrives(),
                max_builds=0,
                plugging=Plugging(*self.vif_plugging),
                tpms=self._tpms(name, host.driver),
            ),
            images,
            host.reporter,
            wire,
            **{'compare_interval': NEVER} | options,
        )
        host.service.start()
        self.until(lambda: not _trouble(host.reporter.check))

    def restart_host(self, name, **options):
        """As after a reboot of its daemon: a new process, and the guests that the host has kept."""
        self.stop_host(name)
        self.start_host(name, self._driver(name), **options)

    def stop_host(self, name):
        """Nobody answers for the host any more; its guests run on."""
        host = self.hosts[name]
        if host.service:
            host.service.stop(5)
            host.service = None

    def discover(self):
        """Map new hosts to their cell, and tell the scheduler at once."""
        self._discover()
        self._refresh()

    def node_id(self, name):
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))

    def service_of(self, host):
        """What is known of a host."""
        with self.databases.own.reading() as tx:
            return hosts.get(tx, host)

    def stop(self):
        """End everything, all at once; no thread outlives this."""
        self.away.clear()
        self.placement.away = self.glance.away = False
        self.outside.ending = True
        ends = [lambda name=name: self.stop_host(name) for name in self.hosts]
        ends += [lambda service=service: service.stop(5) for service, _life in self.conductors]
        ends += [lambda service=service: _bury(service) for service in self._killed]
        if self.scheduler:
            ends.append(self.stop_scheduler)
        for service, _life in self.conductors:
            _end_loops(service)
        with concurrent.futures.ThreadPoolExecutor(len(ends) or 1) as pool:
            for ended in [pool.submit(end) for end in ends]:
                ended.result()
        # What still waits for something that nobody answers any more must not write where the next cloud lives.
        for life in self._lives:
            life.over = True
        for made in self._made:
            made.close()

    # How it is made

    def _databases(self, life=None, statements=None):
        life, statements = life or Life(), statements or self.statements

        def connect(url):
            return ReachableDatabase(url, self.outside, life, statements)

        own = connect(self.urls.api), connect(self.urls.cell1)
        made = Databases(*own, connect=connect, clock=lambda: self.clock())
        self._made.append(made)
        self._lives.append(life)
        return made

    def _seed(self):
        with self.databases.api.writing() as tx:
            cells.create(tx, 'cell0', 'none:///', self.urls.cell0, cell_id=CELL0_ID)
            cells.create(tx, 'cell1', URL, self.urls.cell1, cell_id=CELL_ID)
            flavors.create(tx, Flavor('small', 'm1.small', 1, 128, 1))
            flavors.create(tx, Flavor('huge', 'm1.huge', 100_000, 128, 1))
        self.glance.add(id=IMAGE_ID, name='tiny')

    def _tpms(self, name, driver):
        return self.keys and Tpms(driver, self.keys, str(self.directory / name / 'secrets-to-delete'))

    def _driver(self, name, vcpus=1000):
        inventory = Inventory(vcpus=vcpus, memory_mb=800_000, disk_gb=600_000)
        return FakeDriver(name, inventory, str(self.directory / name / 'simulated'), tpms=self.keys is not None)


def _bury(service):
    """End the threads of a daemon that was killed; it can let go of nothing any more."""
    with contextlib.suppress(Killed):
        service.stop(0)


def _end_loops(service):
    """Let what a conductor does periodically come to its end before it finds nothing to work with."""
    service._stopping.set()
    service._runner._stopping.set()


def _trouble(check):
    try:
        check()
    except Exception as failure:
        return str(failure)
    return None


__all__ = ('CELL_ID', 'IMAGE_ID', 'Cloud', 'Killed', 'Urls')
