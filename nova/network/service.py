"""Put nova-network together from its options, start and stop it, and take it off the machine."""

import logging
import os
import time
from collections.abc import Callable
from typing import Any

import prometheus_client
from oslo_config import cfg

from nova import errors
from nova.network.app import Application, Settings
from nova.network.caller import Caller
from nova.network.database import Database
from nova.network.host import desired
from nova.network.host.dnsmasq import DhcpSettings, DnsmasqServers
from nova.network.host.firewall import Firewall
from nova.network.host.metadata_proxy import Forwarder, MetadataProxies
from nova.network.host.namespace import Namespace
from nova.network.host.reconcile import Host, remove_all
from nova.network.http_server import HttpServer

LOG = logging.getLogger(__name__)


class NetworkService:
    """The API, and, where the backend has one, the machine's side."""

    def __init__(self, conf: cfg.ConfigOpts):
        self._conf, self._options = conf, conf.network_service
        self.database = Database(_database_url(self._options))
        self.host: Host | None = None
        self._server: HttpServer | None = None
        self._seconds: prometheus_client.Histogram | None = None

    @property
    def checks(self) -> dict[str, Callable[[], None]]:
        checks = {'database': self._check_database}
        if self.host:
            checks['machine'] = self.host.check
        return checks

    def start(self) -> None:
        self.database.sync()
        if self._options.backend == 'bridge':
            self.host = self.host or _host(self._conf, self.database)
            self.host.start()
        if self._server is None:
            self._server = self._serve(self.application())
        LOG.info('nova-network answers on %s port %s.', self._options.listen, self._options.port)

    def application(self) -> Callable:
        """The WSGI application, with whoever checks its callers in front."""
        settings = Settings(
            mtu=self._options.mtu,
            dns_domain=self._options.dns_domain,
            max_limit=self._options.pagination_max_limit,
            # On a machine all networks are in one routing table.
            ranges_may_overlap=self._options.backend != 'bridge',
        )
        changed = self.host.poke if self.host else (lambda: None)
        if self._options.auth_strategy == 'noauth':
            return self._timed(Application(self.database, settings, Caller.from_headers, changed))
        from keystonemiddleware import auth_token

        application = Application(self.database, settings, Caller.from_keystone, changed)
        # The application refuses by itself, since its version documents are for everybody.
        options = {'oslo_config_config': self._conf, 'delay_auth_decision': True}
        return self._timed(auth_token.AuthProtocol(application, options))

    def stop(self, deadline_seconds: float) -> None:
        if self._server is not None:
            self._server.stop(deadline_seconds)
        if self.host:
            self.host.stop()
        self.database.close()

    def metrics(self, registry: prometheus_client.CollectorRegistry) -> None:
        self._seconds = prometheus_client.Histogram(
            'nova_network_request_seconds',
            'How long requests to the network API took.',
            ['method', 'status'],
            registry=registry,
        )

    def _serve(self, application: Callable) -> HttpServer:
        try:
            server = HttpServer(application, self._options.listen, self._options.port, self._options.threads)
        except OSError as failure:
            raise SystemExit(
                f'nova-network cannot listen on {self._options.listen} port {self._options.port}: '
                f'{failure.strerror}. Free the port, or choose another in group [network_service].'
            ) from failure
        server.start()
        return server

    def _check_database(self) -> None:
        # Before the start there may be no tables yet: the start itself makes them.
        if self._server is not None and not self.database.is_current():
            raise errors.ServiceDown('The tables of the network database are not those that this version needs.')

    def _timed(self, application: Callable) -> Callable:
        def timed(environ: dict[str, Any], start_response: Callable) -> Any:
            began, seen = time.monotonic(), []

            def start(status: str, *arguments: Any) -> Any:
                seen.append(status[:3])
                return start_response(status, *arguments)

            try:
                return application(environ, start)
            finally:
                if self._seconds:
                    labels = self._seconds.labels(environ['REQUEST_METHOD'], seen[-1] if seen else '500')
                    labels.observe(time.monotonic() - began)

        return timed


def build(conf: cfg.ConfigOpts) -> NetworkService:
    return NetworkService(conf)


def purge(conf: cfg.ConfigOpts) -> list[str]:
    """Take bridges, DHCP servers and firewall of this nova-network off the machine; problems in words, if any.

    The database and the rest of the state directory stay. nova-network must not be running.
    """
    options = conf.network_service
    if options.backend != 'bridge':
        return []
    try:
        namespace = Namespace(options.namespace)
    except errors.ServiceDown:
        # What was in a namespace has gone with it, except for processes.
        namespace = Namespace()
        _dhcp(options, namespace).remove_all()
        return []
    return remove_all(namespace, _owner(options), _dhcp(options, namespace), _firewall(options, namespace))


def _host(conf: cfg.ConfigOpts, database: Database) -> Host:
    options = conf.network_service
    namespace = Namespace(options.namespace)

    def read() -> Any:
        with database.reading() as tx:
            return desired.read(tx, options.dns_domain)

    def device_at(network_id: str, address: str) -> Any:
        with database.reading() as tx:
            return desired.device_at(tx, network_id, address)

    forwarder = Forwarder(options.metadata_url, conf.neutron.metadata_proxy_shared_secret, device_at)
    return Host(
        namespace,
        _owner(options),
        _dhcp(options, namespace),
        _firewall(options, namespace),
        MetadataProxies(namespace, options.metadata_proxy_port, forwarder),
        read,
        options.reconcile_interval,
    )


def _owner(options: Any) -> str:
    return f'nova-network:{options.nft_table}'


def _dhcp(options: Any, namespace: Namespace) -> DnsmasqServers:
    settings = DhcpSettings(options.dhcp_lease_duration, tuple(str(address) for address in options.dns_servers))
    return DnsmasqServers(namespace, os.path.join(options.state_dir, 'networks'), settings)


def _firewall(options: Any, namespace: Namespace) -> Firewall:
    return Firewall(namespace, options.nft_table, options.metadata_proxy_port)


def _database_url(options: Any) -> str:
    return options.connection or f'sqlite:///{os.path.abspath(options.state_dir)}/network.sqlite'
