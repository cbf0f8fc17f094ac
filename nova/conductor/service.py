"""nova-conductor: runs operations, keeps what hosts report, and mends what drifts."""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

import prometheus_client
from prometheus_client.core import CounterMetricFamily

from nova import errors
from nova.clients import identity
from nova.clients.image import ImageClient
from nova.clients.network import NetworkClient
from nova.clients.placement import PlacementClient
from nova.conductor import image_caching, ports
from nova.conductor.reconcilers import RECONCILERS
from nova.conductor.runner import Runner
from nova.context import Context
from nova.db.engine import Databases
from nova.db.stores import guests, hosts, servers, services
from nova.domain import lifecycle
from nova.domain.external_event import ExternalEvent
from nova.domain.host import HostReport
from nova.domain.lifecycle import Power
from nova.operations.cloud import Cloud
from nova.rpc.bus import Bus
from nova.rpc.compute import Compute
from nova.rpc.conductor import Conductor

LOG = logging.getLogger(__name__)

VERSION = 1


def build(conf: Any) -> 'ConductorService':
    """The service as the options describe it; connects to nothing yet."""
    databases = Databases.from_conf(conf)
    bus = Bus(conf)
    cloud = Cloud(
        databases=databases,
        bus=bus,
        placement=PlacementClient(identity.adapter(conf, 'placement')),
        network=NetworkClient(identity.adapter(conf, 'neutron'), extension_age=conf.neutron.extension_sync_interval),
        instance_name_template=conf.instance_name_template,
        max_attempts=conf.scheduler.max_attempts,
        usage_audit_period=conf.instance_usage_audit_period if conf.instance_usage_audit else None,
        images=ImageClient(identity.adapter(conf, 'glance'), attempts=conf.glance.num_retries + 1),
        shelved_offload_time=conf.shelved_offload_time,
        shelved_poll_interval=conf.shelved_poll_interval,
        operation_deadline=conf.operations.deadline,
    )
    return ConductorService(
        cloud,
        host=conf.host,
        runner=Runner(
            cloud,
            conf.host,
            lease_seconds=conf.operations.lease,
            takeover_interval=conf.operations.takeover_interval,
            workers=conf.conductor.workers or conf.operations.workers,
        ),
        report_interval=conf.report_interval,
        enable_new_services=conf.enable_new_services,
        caching_hosts=conf.image_cache.precache_concurrency,
        checks={
            'database': databases.check,
            'bus': bus.check,
            'placement': cloud.placement.check,
        },
    )


class ConductorService:
    """The Conductor contract's endpoint, and the daemon around it."""

    def __init__(
        self,
        cloud: Cloud,
        host: str,
        runner: Runner,
        report_interval: int = 10,
        enable_new_services: bool = True,
        checks: dict[str, Callable[[], None]] | None = None,
        caching_hosts: int = 1,
    ):
        self._cloud, self._host, self._runner = cloud, host, runner
        self._report_interval, self._enable_new_services = report_interval, enable_new_services
        self._caching_hosts = caching_hosts
        self.checks = checks or {}
        self._server: Any = None
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    # The daemon

    def start(self) -> None:
        self._cloud.databases.check()
        self._alive()
        self._server = self._cloud.bus.serve(Conductor, self, self._host)
        self._server.start()
        self._runner.start()
        self._stopping.clear()
        self._threads = [
            threading.Thread(target=self._every, args=(self._report_interval, self._alive), name='alive', daemon=True)
        ]
        for reconciler in RECONCILERS:
            self._threads.append(
                threading.Thread(
                    target=self._every,
                    args=(reconciler.interval, lambda reconciler=reconciler: reconciler.repair(self._cloud)),
                    name=reconciler.name,
                    daemon=True,
                )
            )
        for thread in self._threads:
            thread.start()

    def stop(self, deadline_seconds: float) -> None:
        self._stopping.set()
        if self._server:
            self._server.stop()
        self._runner.stop(deadline_seconds)
        self._cloud.bus.close()

    def metrics(self, registry: Any) -> None:
        """Register gauges; each is read when it is asked for."""
        registry.register(self)
        for client in (self._cloud.placement, self._cloud.network, self._cloud.images):
            client.neighbour.register(registry)

        def gauge(name: str, text: str, read: Callable[[], float]) -> None:
            prometheus_client.Gauge(name, text, registry=registry).set_function(read)

        gauge('operations_running', 'Operations that this conductor runs or has queued.', lambda: self._runner.queued)
        gauge('operations_past_deadline', 'Operations that should have ended; must be 0.', self._runner.past_deadline)
        for outcome in self._runner.outcomes:
            gauge(
                f'operations_{outcome}',
                f'Runs that ended {outcome} since the start.',
                lambda outcome=outcome: self._runner.outcomes[outcome],
            )

    def collect(self) -> Iterable[Any]:
        """For a Prometheus registry."""
        yield CounterMetricFamily(
            'nova_sql_statements', 'Statements sent to databases.', value=self._cloud.databases.statements.value
        )

    # The contract

    def run_operation(self, context: Context, operation_id: str, cell_id: str | None) -> None:
        self._runner.submit(operation_id, cell_id)

    def report_host(self, context: Context, report: HostReport) -> bool | None:
        with self._cloud.databases.own.writing() as tx:
            hosts.report(tx, report, self._cloud.now(), enabled=self._enable_new_services)
            return services.find(tx, report.host, 'nova-compute').enabled

    def host_alive(self, context: Context, host: str, node_id: str) -> None:
        with self._cloud.databases.own.writing() as tx:
            known = hosts.alive(tx, host, self._cloud.now())
        if not known:
            self._cloud.bus.client(Compute, host=host).report_now(context)

    def guest_changed(self, context: Context, host: str, server_id: str, power: Power | None) -> None:
        with self._cloud.databases.own.writing() as tx:
            power = power or Power.NOSTATE
            servers.set_power(tx, server_id, host, power, lifecycle.power_to_state(power))

    def guests_expected(self, context: Context, host: str) -> dict[str, str]:
        with self._cloud.databases.own.reading() as tx:
            return {server_id: state.value for server_id, state in guests.expected(tx, host)}

    def cache_images(self, context: Context, hosts: tuple[str, ...], image_ids: tuple[str, ...]) -> None:
        # Takes as long as the hosts do, which must not keep a worker of the bus.
        threading.Thread(
            target=image_caching.cache_images,
            args=(self._cloud, context, hosts, image_ids, self._caching_hosts),
            name='cache-images',
            daemon=True,
        ).start()

    def external_events(self, context: Context, events: tuple[ExternalEvent, ...]) -> None:
        ports.refresh(self._cloud, self._cloud.databases.own, context, events)

    def _alive(self) -> None:
        with self._cloud.databases.own.writing() as tx:
            services.alive(tx, self._host, 'nova-conductor', Conductor.topic, VERSION, self._cloud.now())

    def _every(self, seconds: float, task: Callable[[], None]) -> None:
        while not self._stopping.wait(seconds):
            try:
                task()
            except errors.ServiceDown as failure:
                LOG.warning('%s', failure)
            except Exception:
                LOG.exception('A periodic task failed; it is tried again in %s s.', seconds)
