"""nova-conductor: runs operations, keeps what hosts report, and mends what drifts."""

import dataclasses
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
from nova.conductor import image_caching, ports, powers
from nova.conductor.reconcilers import RECONCILERS
from nova.conductor.runner import Runner
from nova.context import Context
from nova.db.engine import Databases
from nova.db.stores import deletions, guests, hosts, servers, services
from nova.domain.external_event import FOR_HOSTS, OUT_OF_DATE, ExternalEvent
from nova.domain.guest_devices import Description, records
from nova.domain.host import HostReport
from nova.domain.lifecycle import Power
from nova.domain.notifications import payloads
from nova.operations.cloud import Cloud
from nova.operations.power_on import PowerOn
from nova.rpc import notifier
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
        notifier=notifier.of(conf),
        images=ImageClient(identity.adapter(conf, 'glance'), attempts=conf.glance.num_retries + 1),
        shelved_offload_time=conf.shelved_offload_time,
        shelved_poll_interval=conf.shelved_poll_interval,
        operation_deadline=conf.operations.deadline,
        reclaim_interval=conf.reclaim_instance_interval,
        resize_confirm_window=conf.resize_confirm_window,
        rescue_timeout=conf.rescue_timeout,
        service_down_time=conf.service_down_time,
        journal_days=conf.operations.keep_days,
        image_patience=conf.operations.image_patience,
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
                    args=(
                        reconciler.seconds(self._cloud),
                        lambda reconciler=reconciler: reconciler.repair(self._cloud),
                    ),
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
        told = self._cloud.notifier
        for name, value, text in (('sent', told.sent, 'sent'), ('dropped', told.dropped, 'that could not be sent')):
            yield CounterMetricFamily(f'nova_notifications_{name}', f'Notifications {text}.', value=value)

    # The contract

    def run_operation(self, context: Context, operation_id: str, cell_id: str | None) -> None:
        self._runner.submit(operation_id, cell_id)

    def report_host(self, context: Context, report: HostReport) -> bool | None:
        told = self._cloud.notifier
        with self._cloud.databases.own.writing() as tx:
            is_new = told.on and services.find(tx, report.host, 'nova-compute') is None
            hosts.report(tx, report, self._cloud.now(), enabled=self._enable_new_services)
            changed = services.follow(tx, report.host, report.trouble)
            service = services.find(tx, report.host, 'nova-compute')
        if changed:
            LOG.warning('Host %s is %s.', report.host, 'enabled again' if service.enabled else service.disabled_reason)
        if is_new or changed:
            event = 'service.create' if is_new else 'service.update'
            what = payloads.service(dataclasses.replace(service, seen_at=None) if is_new else service)
            told.send([told.notification('nova-compute', event, what, host=report.host)])
        return service.enabled

    def host_alive(self, context: Context, host: str, node_id: str) -> None:
        with self._cloud.databases.own.writing() as tx:
            known = hosts.alive(tx, host, self._cloud.now())
        if not known:
            self._cloud.bus.client(Compute, host=host).report_now(context)

    def guest_changed(self, context: Context, host: str, server_id: str, power: Power | None) -> None:
        cell_id = self._cloud.databases.own_cell_id
        powers.follow(self._cloud, context, cell_id, host, server_id, power or Power.NOSTATE)

    def guests_down(self, context: Context, host: str, server_ids: tuple[str, ...]) -> None:
        for server_id in server_ids:
            powers.begin(self._cloud, PowerOn(server_id, self._cloud.databases.own_cell_id, host))

    def deleted_servers(self, context: Context, server_ids: tuple[str, ...]) -> dict[str, float]:
        with self._cloud.databases.own.reading() as tx:
            deleted = deletions.at(tx, server_ids)
        now = self._cloud.now()
        return {server_id: (now - at).total_seconds() for server_id, at in deleted.items()}

    def guest_described(self, context: Context, host: str, server_id: str, description: Description) -> None:
        with self._cloud.databases.own.writing() as tx:
            servers.change_system_metadata(tx, server_id, host, lambda known: records(description, known))

    def guests_expected(self, context: Context, host: str) -> dict[str, str]:
        with self._cloud.databases.own.reading() as tx:
            return {server_id: state.value for server_id, state in guests.expected(tx, host)}

    def cache_images(
        self, context: Context, hosts: tuple[str, ...], image_ids: tuple[str, ...], aggregate_id: int | None = None
    ) -> None:
        # Takes as long as the hosts do, which must not keep a worker of the bus.
        threading.Thread(
            target=image_caching.cache_images,
            args=(self._cloud, context, hosts, image_ids, self._caching_hosts, aggregate_id),
            name='cache-images',
            daemon=True,
        ).start()

    def external_events(self, context: Context, events: tuple[ExternalEvent, ...]) -> None:
        database = self._cloud.databases.own
        ports.note_wiring(database, events)
        self._tell_hosts(context, tuple(event for event in events if event.name in FOR_HOSTS))
        ports.refresh(self._cloud, database, context, [event for event in events if event.name in OUT_OF_DATE])

    def _tell_hosts(self, context: Context, events: tuple[ExternalEvent, ...]) -> None:
        """Have the hosts unplug what is gone from the guests, and go on with those that wait for what is wired."""
        if not events:
            return
        with self._cloud.databases.own.reading() as tx:
            found = guests.of_servers(tx, {event.server_id for event in events})
        for host in sorted({host for hosts_of_one in found.values() for host in hosts_of_one}):
            of_host = tuple(event for event in events if host in found.get(event.server_id, ()))
            try:
                self._cloud.bus.client(Compute, host=host).external_events(context, events=of_host)
            except errors.ServiceDown as failure:
                LOG.warning('Host %s was not told of ports that are wired or gone: %s', host, failure)

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
