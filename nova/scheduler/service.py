"""nova-scheduler: answers which host a server shall have, and claims its room."""

import datetime
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from nova import errors
from nova.clients import identity
from nova.clients.placement import PlacementClient
from nova.context import Context
from nova.db import server_places
from nova.db.engine import Databases
from nova.db.stores import services
from nova.domain.request import Choice, PlacementRequest
from nova.rpc.bus import Bus
from nova.rpc.scheduler import Scheduler
from nova.scheduler import filters, image_fit, weighers
from nova.scheduler.batch import Batches
from nova.scheduler.cells import CellHosts
from nova.scheduler.choose import Chooser, Rules
from nova.scheduler.groups import Groups
from nova.scheduler.hosts import Hosts, Refresher
from nova.scheduler.room import Room

LOG = logging.getLogger(__name__)

BINARY = 'nova-scheduler'


def build(conf: Any) -> 'SchedulerService':
    """The service as the options describe it. Refuses unknown filters; connects to nothing yet."""
    databases = Databases.from_conf(conf)
    placement = PlacementClient(identity.adapter(conf, 'placement'))
    cells = CellHosts(databases)
    hosts = Hosts(cells)
    room = Room(placement, conf.scheduler.max_placement_results)
    return SchedulerService(
        Chooser(
            placement,
            hosts,
            room,
            rules(conf),
            time.monotonic,
            Groups.of(databases),
            lambda server_ids: server_places.read(databases, server_ids),
        ),
        hosts,
        Bus(conf),
        conf.host,
        databases=databases,
        placement=placement,
        report_interval=conf.report_interval,
        discover=cells.discover,
        discover_interval=conf.scheduler.discover_hosts_in_cells_interval,
        reread=lambda: rules(conf),
    )


def rules(conf: Any) -> Rules:
    """How hosts are compared. Raises Invalid if a filter or weigher is not known."""
    options = conf.filter_scheduler
    settings = filters.Settings(
        service_down_time=conf.service_down_time,
        default_zone=conf.default_availability_zone,
        default_architecture=options.image_properties_default_architecture,
        max_servers=options.max_instances_per_host,
    )
    multipliers = {kind.name: getattr(options, f'{kind.name}_weight_multiplier') for kind in weighers.WEIGHERS.values()}
    return Rules(
        filters.build(options.enabled_filters, settings),
        weighers.build(options.weight_classes, multipliers),
        default_zone=conf.default_availability_zone,
        subset_size=options.host_subset_size,
        shuffle_equals=options.shuffle_best_same_weighed_hosts,
    )


class SchedulerService:
    """The Scheduler contract's endpoint, and the daemon around it."""

    def __init__(
        self,
        chooser: Chooser,
        hosts: Hosts,
        bus: Any,
        host: str,
        databases: Any = None,
        placement: PlacementClient | None = None,
        report_interval: float = 10.0,
        discover: Callable[[], list[str]] | None = None,
        discover_interval: int = -1,
        reread: Callable[[], Rules] | None = None,
    ):
        self._chooser, self._hosts, self._bus, self._host = chooser, hosts, bus, host
        self._databases, self._placement = databases, placement
        self._report_interval = report_interval
        self._discover, self._discover_interval = discover, discover_interval
        self._reread = reread
        self._batches = Batches(chooser.choose)
        self._refresher = Refresher(hosts)
        self._server: Any = None
        self._stopping = threading.Event()
        self.checks: dict[str, Callable[[], None]] = {'bus': bus.check}
        if databases:
            self.checks['database'] = databases.check
        if placement:
            self.checks['placement'] = placement.check

    # The daemon

    def start(self) -> None:
        self._hosts.refresh(whole=True)
        self._bus.check()
        self._alive()
        if self._server is None:
            self._server = self._bus.serve(Scheduler, self, self._host)
            self._server.start()
        self._refresher.start()
        self._repeat(self._report_interval, self._alive, 'alive')
        if self._discover and self._discover_interval > 0:
            self._repeat(self._discover_interval, self._discover_hosts, 'discover-hosts')

    def stop(self, deadline_seconds: float) -> None:
        self._stopping.set()
        if self._server:
            # Waits for the answers under way; each ends within the time that its caller waits.
            self._server.stop()
        self._refresher.stop()
        self._bus.close()
        if self._databases:
            self._databases.close()

    def reload(self) -> None:
        if self._reread:
            self._chooser.rules = self._reread()
        if self._databases:
            self._databases.forget()
        self._hosts.refresh(whole=True)

    def metrics(self, registry: Any) -> None:
        registry.register(self)
        if self._placement:
            self._placement.neighbour.register(registry)

    def collect(self) -> Iterable[Any]:
        """For a Prometheus registry."""
        done = CounterMetricFamily('nova_scheduler_choices', 'Choices made, and claims lost.', labels=('outcome',))
        for outcome, count in self._chooser.counts.items():
            done.add_metric((outcome,), count)
        yield done
        yield GaugeMetricFamily('nova_scheduler_waiting', 'Requests that wait.', value=self._batches.waiting)
        yield GaugeMetricFamily('nova_scheduler_hosts', 'Hosts that are known.', value=len(self._hosts.view()))
        if self._databases:
            yield CounterMetricFamily(
                'nova_sql_statements', 'Statements sent to databases.', value=self._databases.statements.value
            )

    # The contract

    def select(self, context: Context, requests: tuple[PlacementRequest, ...]) -> tuple[Choice, ...]:
        if not requests:
            return ()
        began = time.monotonic()
        choices = self._batches.submit(requests)
        took = (time.monotonic() - began) * 1000
        for request, choice in zip(requests, choices, strict=True):
            where = choice.selection.host if choice.selection else 'no host'
            LOG.info('Server %s: %s (%d left out), %d ms.', request.server_id, where, len(choice.rejected), took)
            for host, reason in choice.rejected.items():
                LOG.debug('Server %s, host %s: %s', request.server_id, host, reason)
        return choices

    def objection(self, context: Context, request: PlacementRequest, host: str) -> str | None:
        known = next((each for each in self._hosts.view().values() if each.name == host), None)
        if known is None:
            # A host that is not known here yet is asked by nobody; it tells itself what it cannot do.
            return None
        traits = self._placement.traits(known.node_id) if self._placement else frozenset(known.traits)
        return image_fit.objection(known, request, self._chooser.rules.filters, traits)

    def _alive(self) -> None:
        if self._databases is None:
            return
        now = datetime.datetime.now(datetime.UTC)
        self._own_database().write(lambda tx: services.alive(tx, self._host, BINARY, Scheduler.topic, at=now))

    def _own_database(self) -> Any:
        try:
            return self._databases.own
        except errors.ServiceDown:
            # Without a cell of its own the daemon is listed in cell0.
            pass
        try:
            return self._databases.cell0
        except errors.NotFound as failure:
            raise errors.ServiceDown(f'There is no database to note this daemon in yet: {failure}') from failure

    def _discover_hosts(self) -> None:
        for host in self._discover():
            LOG.info('Host %s is mapped to its cell.', host)

    def _repeat(self, interval: float, task: Callable[[], None], name: str) -> None:
        def run() -> None:
            while not self._stopping.wait(interval):
                try:
                    task()
                except errors.NovaError as failure:
                    LOG.warning('%s', failure)
                except Exception:
                    LOG.exception('%s failed; it is tried again in %g s.', name, interval)

        threading.Thread(target=run, name=name, daemon=True).start()
