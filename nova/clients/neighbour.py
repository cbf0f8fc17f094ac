"""Send requests to a neighbour over HTTP: count them, and put its absence into our words."""

from collections.abc import Iterable
from typing import Any

import keystoneauth1.exceptions
import prometheus_client
import requests
from prometheus_client.core import CounterMetricFamily

from nova import errors

# A server that answers with one of these may do better a moment later.
AWAY = frozenset({500, 502, 503, 504})


class Neighbour:
    """One neighbour behind a keystoneauth adapter, or anything with such a `request`.

    The adapter's session finds the endpoint, carries the token, and keeps connections open.
    """

    def __init__(self, name: str, adapter: Any):
        self._name, self._adapter = name, adapter
        # How many requests were sent, by method and by status ('away' for those without an answer).
        self.calls: dict[tuple[str, str], int] = {}

    @property
    def name(self) -> str:
        return self._name

    def request(self, method: str, path: str, refused: Iterable[int] = (), **options: Any) -> Any:
        """The response, whose status is below 400 or one of `refused`. Any other is ServiceDown."""
        try:
            response = self._adapter.request(path, method, raise_exc=False, **options)
        except (keystoneauth1.exceptions.ClientException, requests.RequestException, OSError) as failure:
            self._count(method, 'away')
            raise errors.ServiceDown(f'{self._name} cannot be reached: {failure}') from failure
        self._count(method, str(response.status_code))
        if response.status_code < 400 or response.status_code in refused:
            return response
        raise errors.ServiceDown(self._complaint(method, path, response))

    def address(self) -> str:
        """The endpoint, without a slash at its end."""
        try:
            endpoint = self._adapter.get_endpoint()
        except keystoneauth1.exceptions.ClientException as failure:
            raise errors.ServiceDown(f'{self._name} cannot be found: {failure}') from failure
        return (endpoint or '').rstrip('/')

    def collect(self) -> Iterable[CounterMetricFamily]:
        """For a Prometheus registry: the number of requests."""
        family = CounterMetricFamily(
            'nova_neighbour_requests', 'Requests sent to neighbours.', labels=('neighbour', 'method', 'status')
        )
        for (method, status), count in sorted(self.calls.copy().items()):
            family.add_metric((self._name.lower(), method, status), count)
        yield family

    def register(self, registry: prometheus_client.CollectorRegistry) -> None:
        registry.register(self)

    def _count(self, method: str, status: str) -> None:
        self.calls[method, status] = self.calls.get((method, status), 0) + 1

    def _complaint(self, method: str, path: str, response: Any) -> str:
        what = f'{method} {path.partition("?")[0]}'
        if response.status_code in AWAY:
            return f'{self._name} is not well: it answered {response.status_code} to {what}.'
        if response.status_code in (401, 403):
            return (
                f'{self._name} refuses our credentials ({response.status_code} to {what}). '
                'Check the group of its options, and the roles of that user.'
            )
        return f'{self._name} answered {response.status_code} to {what}: {response.text[:300]}'
