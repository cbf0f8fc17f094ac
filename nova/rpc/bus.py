"""Reach the daemons of a cell over its AMQP bus, and answer them."""

import contextlib
import functools
import logging
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import kombu
from oslo_service import backend

# Native threads: else oslo.service, which oslo.messaging imports, would load its eventlet backend.
backend.init_backend(backend.BackendType.THREADING)

import oslo_messaging  # noqa: E402
from oslo_messaging._metrics import client as metrics  # noqa: E402
from oslo_messaging._tracing import client as tracing  # noqa: E402

from nova import errors  # noqa: E402
from nova.context import Context  # noqa: E402
from nova.rpc import contract, wire  # noqa: E402

LOG = logging.getLogger(__name__)

# How often a dead peer of a call is looked for, in seconds. The peer tells that it lives only when a call takes longer.
CALL_MONITOR_TIMEOUT = 10


class Bus:
    """The transports of this process: its own cell's by default, and one for each other cell that is asked for by URL."""

    def __init__(self, conf: Any, url: str | None = None):
        # oslo.messaging declares these only on its global configuration, and then reads them from ours.
        conf.register_opts(metrics.oslo_messaging_metrics, group='oslo_messaging_metrics')
        conf.register_opts(tracing.oslo_messaging_tracing, group='oslo_messaging_tracing')
        self._conf = conf
        self._url = url
        self._transports: dict[str | None, Any] = {}
        self._lock = threading.Lock()

    def client(self, kind: type[contract.Contract], host: str | None = None, url: str | None = None) -> 'Client':
        """A caller of `kind`: of the daemon on `host`, or of any that serves the topic."""
        return Client(kind, self._rpc_client(kind, url or self._url), host)

    def serve(self, kind: type[contract.Contract], endpoint: object, host: str) -> 'Server':
        """Answer calls of `kind` with `endpoint`'s methods, as `host`. The caller starts and stops what is returned."""
        contract.refuse_mismatch(kind, endpoint)
        target = oslo_messaging.Target(topic=kind.topic, server=host)
        server = oslo_messaging.get_rpc_server(
            self.transport(self._url),
            target,
            [_endpoint(kind, endpoint)],
            serializer=wire.Serializer(),
            access_policy=oslo_messaging.DefaultRPCAccessPolicy,
        )
        return Server(server)

    def transport(self, url: str | None = None) -> Any:
        with self._lock:
            if url not in self._transports:
                self._transports[url] = oslo_messaging.get_rpc_transport(self._conf, url=url)
            return self._transports[url]

    def prepare(self) -> None:
        """Load the driver, for processes that are forked from this one to share. Connects to nothing."""
        # A wrong URL is said by whoever uses it.
        with contextlib.suppress(oslo_messaging.MessagingException):
            self.transport(self._url)
            if oslo_messaging.TransportURL.parse(self._conf, self._url).transport in ('rabbit', 'kombu'):
                kombu.Connection('amqp://').get_transport_cls()
        self.close()

    def check(self) -> None:
        """Raise ServiceDown with a sentence unless one of the brokers lets us in."""
        self.transport(self._url)  # which declares the options of its driver
        url = oslo_messaging.TransportURL.parse(self._conf, self._url)
        if url.transport != 'rabbit':
            return
        rabbit = self._conf.oslo_messaging_rabbit
        brokers = ';'.join(
            f'amqp://{quote(host.username or "")}:{quote(host.password or "")}@{host.hostname}:{host.port or 5672}/'
            f'{quote(url.virtual_host or "/", safe="")}'
            for host in url.hosts
        )
        connection = kombu.Connection(brokers, connect_timeout=2, ssl=bool(rabbit.ssl))
        try:
            connection.ensure_connection(max_retries=len(url.hosts), interval_start=0, interval_step=0)
        except Exception as failure:
            named = ', '.join(f'{host.hostname}:{host.port or 5672}' for host in url.hosts)
            raise errors.ServiceDown(f'The message bus at {named} does not answer: {failure}') from failure
        finally:
            connection.release()

    def close(self) -> None:
        with self._lock:
            for transport in self._transports.values():
                transport.cleanup()
            self._transports.clear()

    @functools.cache  # noqa: B019 - one client per contract and cell, for the life of the process
    def _rpc_client(self, kind: type[contract.Contract], url: str | None) -> Any:
        target = oslo_messaging.Target(topic=kind.topic, version=kind.version)
        return oslo_messaging.get_rpc_client(self.transport(url), target, serializer=wire.Serializer())


class Client:
    """Has the methods of a contract; each takes the context and keyword arguments, and does what the contract declares."""

    def __init__(self, kind: type[contract.Contract], rpc_client: Any, host: str | None):
        self._rpc_client, self._host = rpc_client, host
        for name, method in _methods(kind).items():
            setattr(self, name, functools.partial(self._send, method))

    def _send(self, method: contract.Method, context: Context, **arguments: Any) -> Any:
        plain = method.dump_arguments(arguments)
        options: dict[str, Any] = {'version': method.version_for(arguments)}
        if self._host:
            options['server'] = self._host
        if method.timeout:
            options['timeout'] = method.timeout
        if method.timeout and method.timeout > CALL_MONITOR_TIMEOUT:
            options['call_monitor_timeout'] = CALL_MONITOR_TIMEOUT
        prepared = self._rpc_client.prepare(**options)
        try:
            if method.kind == 'cast':
                return prepared.cast(context, method.name, **plain)
            return wire.open_answer(method.returns, prepared.call(context, method.name, **plain))
        except oslo_messaging.MessagingException as failure:
            raise self._no_answer(method, failure) from failure

    def _no_answer(self, method: contract.Method, failure: Exception) -> errors.ServiceDown:
        why = f'{type(failure).__name__}: {failure}'
        if self._host and isinstance(failure, (oslo_messaging.MessagingTimeout, oslo_messaging.MessageUndeliverable)):
            return errors.HostAway(f'{self._host} does not answer to {method.name}: {why}')
        return errors.ServiceDown(f'No answer to {method.name} over the bus: {why}')


class Server:
    """A serving endpoint. `stop` refuses new messages and waits for those that are being answered."""

    def __init__(self, server: Any):
        self._server = server

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()
        self._server.wait()


@functools.cache
def _methods(kind: type[contract.Contract]) -> dict[str, contract.Method]:
    return kind.methods()


def _endpoint(kind: type[contract.Contract], endpoint: object) -> object:
    def handler(method: contract.Method) -> Callable:
        function = getattr(endpoint, method.name)

        def handle(self: object, context: Context, **plain: Any) -> Any:
            try:
                value = function(context, **method.load_arguments(plain))
            except errors.NovaError as failure:
                if method.kind == 'cast':
                    LOG.warning('%s: %s', method.name, failure)
                return wire.failure(failure)
            except Exception as failure:
                LOG.exception('%s failed.', method.name)
                return wire.failure(errors.HostFailed(f'{method.name} failed: {type(failure).__name__}: {failure}'))
            return wire.answer(value) if method.kind == 'call' else None

        return handle

    members: dict[str, Any] = {name: handler(method) for name, method in kind.methods().items()}
    members['target'] = oslo_messaging.Target(version=kind.version)
    return type(f'{kind.__name__}Endpoint', (), members)()
