"""Count what requests cost the databases and the neighbours, summed over this API's worker processes."""

import threading
from typing import Any

import prometheus_client

_SQL = prometheus_client.Counter('nova_sql_statements', 'Statements sent to databases.')
_NEIGHBOURS = prometheus_client.Counter(
    'nova_neighbour_requests', 'Requests sent to neighbours.', labelnames=('neighbour', 'method', 'status')
)
_TOLD = prometheus_client.Counter('nova_notifications_sent', 'Notifications sent.')
_DROPPED = prometheus_client.Counter('nova_notifications_dropped', 'Notifications that could not be sent.')


class Meter:
    """Adds to the counters what has been sent since it last looked."""

    def __init__(self):
        self._statements = self._told = self._dropped = 0
        self._calls: dict[tuple[str, str, str], int] = {}
        self._lock = threading.Lock()

    def read(self, services: Any) -> None:
        statements = services.databases.statements.value
        told, dropped = services.notifier.sent, services.notifier.dropped
        calls = {
            (client.neighbour.name.lower(), method, status): count
            for client in (services.images, services.network, services.placement, services.identity)
            if client is not None and hasattr(client, 'neighbour')
            for (method, status), count in client.neighbour.calls.copy().items()
        }
        with self._lock:
            _SQL.inc(max(0, statements - self._statements))
            self._statements = max(statements, self._statements)
            _TOLD.inc(max(0, told - self._told))
            _DROPPED.inc(max(0, dropped - self._dropped))
            self._told, self._dropped = max(told, self._told), max(dropped, self._dropped)
            for labels, count in calls.items():
                if count > (known := self._calls.get(labels, 0)):
                    _NEIGHBOURS.labels(*labels).inc(count - known)
                    self._calls[labels] = count
