"""A Placement in memory that behaves: generations, inventories, capacity, traits, allocations, candidates.

It answers as the real one does (tests/integration/test_placement_client.py runs the same tests against both), behind the
interface of a keystoneauth adapter: `PlacementClient(FakePlacement())`.
"""

import dataclasses
import re
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any

import keystoneauth1.exceptions
import os_traits

from tests.fakes.http import Response

CONCURRENT_UPDATE = 'placement.concurrent_update'


@dataclasses.dataclass
class Provider:
    uuid: str
    name: str
    generation: int = 0
    inventories: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    traits: list[str] = dataclasses.field(default_factory=list)
    aggregates: list[str] = dataclasses.field(default_factory=list)

    def capacity(self, name: str) -> int:
        inventory = self.inventories[name]
        return int((inventory['total'] - inventory['reserved']) * inventory['allocation_ratio'])


@dataclasses.dataclass
class Consumer:
    project_id: str
    user_id: str
    consumer_type: str
    generation: int
    allocations: dict[str, dict[str, int]]


class FakePlacement:
    """`away` makes it unreachable. `requests` lists the (method, path) of all requests so far."""

    def __init__(self) -> None:
        self.providers: dict[str, Provider] = {}
        self.consumers: dict[str, Consumer] = {}
        self.known_traits = set(os_traits.get_traits())
        self.requests: list[tuple[str, str]] = []
        self.away = False
        # Called with the method and path before each request is answered: the place for somebody else to interfere.
        self.meanwhile: Callable[[str, str], None] = lambda method, path: None
        self._lock = threading.RLock()

    def add_host(self, provider_id: str, name: str, traits: tuple[str, ...] = (), **totals: int) -> Provider:
        inventories = {
            key.upper(): {
                'total': total,
                'reserved': 0,
                'min_unit': 1,
                'max_unit': total,
                'step_size': 1,
                'allocation_ratio': 1.0,
            }
            for key, total in totals.items()
        }
        self.providers[provider_id] = Provider(provider_id, name, inventories=inventories, traits=list(traits))
        return self.providers[provider_id]

    def used(self, provider_id: str, name: str) -> int:
        return sum(consumer.allocations.get(provider_id, {}).get(name, 0) for consumer in self.consumers.values())

    def request(
        self, path: str, method: str, raise_exc: bool = True, headers: Any = None, json: Any = None
    ) -> Response:
        if self.away:
            raise keystoneauth1.exceptions.ConnectFailure('Unable to establish connection')
        self.meanwhile(method, path)
        with self._lock:
            self.requests.append((method, path))
            place, _mark, query = path.partition('?')
            for verb, pattern, handler in self._routes():
                match = re.fullmatch(pattern, place)
                if verb == method and match:
                    return handler(*match.groups(), **self._extra(query, json))
        return _error(404, f'No route for {method} {path}')

    def _extra(self, query: str, json: Any) -> dict[str, Any]:
        extra = {'query': dict(urllib.parse.parse_qsl(query))} if query else {}
        return extra if json is None else {**extra, 'body': json}

    def _routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        one = '/resource_providers/([^/]+)'
        return [
            ('GET', '/', lambda: Response(200, {'versions': []})),
            ('POST', '/resource_providers', self._create),
            ('GET', one, self._with(self._show)),
            ('DELETE', one, self._with(self._delete)),
            ('GET', f'{one}/(inventories|traits|aggregates)', self._with(self._read)),
            ('PUT', f'{one}/(inventories|traits|aggregates)', self._with(self._write)),
            ('GET', f'{one}/allocations', self._with(self._allocations_on)),
            ('GET', '/traits', self._list_traits),
            ('PUT', '/traits/(CUSTOM_[A-Z0-9_]+)', self._add_trait),
            ('GET', '/allocation_candidates', self._candidates),
            ('POST', '/allocations', self._claim),
            ('GET', '/allocations/([^/]+)', self._show_allocations),
            ('DELETE', '/allocations/([^/]+)', self._release),
        ]

    def _with(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def find(provider_id: str, *arguments: Any, **extra: Any) -> Response:
            provider = self.providers.get(provider_id)
            if provider is None:
                return _error(404, f'No resource provider with uuid {provider_id} found')
            return handler(provider, *arguments, **extra)

        return find

    # Providers

    def _create(self, body: dict[str, Any]) -> Response:
        if any(known.name == body['name'] or known.uuid == body['uuid'] for known in self.providers.values()):
            return _error(409, f'Conflicting resource provider name: {body["name"]} already exists.')
        self.providers[body['uuid']] = Provider(body['uuid'], body['name'])
        return self._show(self.providers[body['uuid']])

    def _show(self, provider: Provider) -> Response:
        return Response(200, {'uuid': provider.uuid, 'name': provider.name, 'generation': provider.generation})

    def _delete(self, provider: Provider) -> Response:
        if any(provider.uuid in consumer.allocations for consumer in self.consumers.values()):
            return _error(409, 'Unable to delete resource provider: it has allocations.')
        del self.providers[provider.uuid]
        return Response(204)

    def _read(self, provider: Provider, what: str) -> Response:
        return Response(200, {what: getattr(provider, what), 'resource_provider_generation': provider.generation})

    def _write(self, provider: Provider, what: str, body: dict[str, Any]) -> Response:
        if body['resource_provider_generation'] != provider.generation:
            return _error(409, 'resource provider generation conflict', CONCURRENT_UPDATE)
        if what == 'traits' and (unknown := set(body[what]) - self.known_traits):
            return _error(400, f'No such trait {", ".join(sorted(unknown))}')
        if what == 'inventories':
            for name in set(provider.inventories) - set(body[what]):
                if self.used(provider.uuid, name):
                    return _error(409, f'update conflict: Inventory for {name} in use.')
        setattr(provider, what, body[what])
        provider.generation += 1
        return self._read(provider, what)

    def _allocations_on(self, provider: Provider) -> Response:
        found = {
            consumer_id: {'resources': consumer.allocations[provider.uuid], 'consumer_generation': consumer.generation}
            for consumer_id, consumer in self.consumers.items()
            if provider.uuid in consumer.allocations
        }
        return Response(200, {'allocations': found, 'resource_provider_generation': provider.generation})

    def _list_traits(self, query: dict[str, str]) -> Response:
        names = query['name'].removeprefix('in:').split(',')
        return Response(200, {'traits': [name for name in names if name in self.known_traits]})

    def _add_trait(self, name: str) -> Response:
        self.known_traits.add(name)
        return Response(204)

    # Room

    def _candidates(self, query: dict[str, str]) -> Response:
        resources = {name: int(amount) for name, amount in (part.split(':') for part in query['resources'].split(','))}
        traits = [name for name in query.get('required', '').split(',') if name]
        if unknown := {name.lstrip('!') for name in traits} - self.known_traits:
            return _error(400, f'No such trait(s): {", ".join(sorted(unknown))}.')
        fitting = [provider for provider in self.providers.values() if self._fits(provider, resources, traits, query)]
        fitting = fitting[: int(query.get('limit', len(fitting)))]
        summaries = {
            provider.uuid: {
                'resources': {
                    name: {'capacity': provider.capacity(name), 'used': self.used(provider.uuid, name)}
                    for name in provider.inventories
                },
                'traits': provider.traits,
                'root_provider_uuid': provider.uuid,
                'parent_provider_uuid': None,
            }
            for provider in fitting
        }
        requests = [{'allocations': {provider.uuid: {'resources': resources}}} for provider in fitting]
        return Response(200, {'allocation_requests': requests, 'provider_summaries': summaries})

    def _fits(self, provider: Provider, resources: dict[str, int], traits: list[str], query: dict[str, str]) -> bool:
        members = query.get('member_of', '').removeprefix('in:')
        return (
            all(self._lack(provider, name, amount, amount) is None for name, amount in resources.items())
            and all((name.lstrip('!') in provider.traits) != name.startswith('!') for name in traits)
            and (not members or not set(members.split(',')).isdisjoint(provider.aggregates))
            and query.get('in_tree') in (None, provider.uuid)
        )

    def _lack(self, provider: Provider, name: str, amount: int, total: int) -> str | None:
        """Why a claim of `amount`, one of several that make `total`, cannot be."""
        inventory = provider.inventories.get(name)
        if inventory is None:
            return f"Inventory for '{name}' on resource provider '{provider.uuid}' invalid."
        if not inventory['min_unit'] <= amount <= inventory['max_unit'] or amount % inventory['step_size']:
            return f"Unable to create allocation for '{name}' on resource provider '{provider.uuid}'. Constraints violated."
        if self.used(provider.uuid, name) + total > provider.capacity(name):
            return (
                f"Unable to create allocation for '{name}' on resource provider '{provider.uuid}'. "
                'The requested amount would exceed the capacity.'
            )
        return None

    def _claim(self, body: dict[str, Any]) -> Response:
        for consumer_id, wanted in body.items():
            known = self.consumers.get(consumer_id)
            if (known.generation if known else None) != wanted['consumer_generation']:
                return _error(409, 'consumer generation conflict', CONCURRENT_UPDATE)
            for provider_id in wanted['allocations']:
                if provider_id not in self.providers:
                    return _error(400, f"Allocation for resource provider '{provider_id}' that does not exist.")
        replaced = {consumer_id: self.consumers.pop(consumer_id, None) for consumer_id in body}
        if lack := self._first_lack(body):
            self.consumers |= {consumer_id: known for consumer_id, known in replaced.items() if known}
            return _error(409, f'Unable to allocate inventory: {lack}')
        for consumer_id, wanted in body.items():
            if wanted['allocations']:
                known = replaced[consumer_id]
                self.consumers[consumer_id] = Consumer(
                    wanted['project_id'],
                    wanted['user_id'],
                    wanted['consumer_type'],
                    known.generation + 1 if known else 1,
                    {provider_id: dict(part['resources']) for provider_id, part in wanted['allocations'].items()},
                )
        for provider_id in {provider_id for wanted in body.values() for provider_id in wanted['allocations']}:
            self.providers[provider_id].generation += 1
        return Response(204)

    def _first_lack(self, body: dict[str, Any]) -> str | None:
        parts = [
            (provider_id, name, amount)
            for wanted in body.values()
            for provider_id, part in wanted['allocations'].items()
            for name, amount in part['resources'].items()
        ]
        totals: dict[tuple[str, str], int] = {}
        for provider_id, name, amount in parts:
            totals[provider_id, name] = totals.get((provider_id, name), 0) + amount
        lacks = (
            self._lack(self.providers[provider_id], name, amount, totals[provider_id, name])
            for provider_id, name, amount in parts
        )
        return next((lack for lack in lacks if lack), None)

    def _show_allocations(self, consumer_id: str) -> Response:
        known = self.consumers.get(consumer_id)
        if known is None or not known.allocations:
            return Response(200, {'allocations': {}})
        allocations = {
            provider_id: {'resources': part, 'generation': self.providers[provider_id].generation}
            for provider_id, part in known.allocations.items()
        }
        return Response(
            200,
            {
                'allocations': allocations,
                'project_id': known.project_id,
                'user_id': known.user_id,
                'consumer_generation': known.generation,
                'consumer_type': known.consumer_type,
            },
        )

    def _release(self, consumer_id: str) -> Response:
        if self.consumers.pop(consumer_id, None) is None:
            return _error(404, f"No allocations for consumer '{consumer_id}'")
        return Response(204)


def _error(status: int, detail: str, code: str = 'placement.undefined_code') -> Response:
    return Response(status, {'errors': [{'status': status, 'detail': detail, 'code': code}]})
