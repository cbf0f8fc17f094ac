"""Tell Placement what hosts have, and claim room on them for servers."""

import dataclasses
import urllib.parse
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from nova import errors
from nova.clients.neighbour import Neighbour
from nova.domain.placement import Candidate, Claim, Provider, Wanted

HEADERS = {'OpenStack-API-Version': 'placement 1.39', 'Accept': 'application/json'}
CONCURRENT_UPDATE = 'placement.concurrent_update'
# How often a change is tried whose ground shifts; every try reads the new ground first.
ATTEMPTS = 6

Amounts = Mapping[str, Mapping[str, Any]]


class NoCapacity(errors.NoRoom):
    """What was to be claimed is not free any more. `provider_ids` are those that lack it, as far as Placement said."""

    def __init__(self, message: str, provider_ids: Collection[str] = ()):
        super().__init__(message)
        self.provider_ids = frozenset(provider_ids)


class Changed(errors.Conflict):
    """The consumer is not what the claim took it for, or too many wrote at once. Nothing was claimed."""


class PlacementClient:
    """Speaks to Placement behind a keystoneauth adapter that carries the cloud's own credentials."""

    def __init__(self, adapter: Any):
        self._neighbour = Neighbour('Placement', adapter)

    @property
    def neighbour(self) -> Neighbour:
        return self._neighbour

    def check(self) -> None:
        """Raise ServiceDown with a sentence unless Placement answers."""
        self._request('GET', '/')

    # Hosts as providers

    def provider(self, provider_id: str) -> Provider | None:
        response = self._request('GET', f'/resource_providers/{provider_id}', refused=(404,))
        return None if response.status_code == 404 else _provider(response.json())

    def ensure_provider(self, provider_id: str, name: str) -> tuple[Provider, bool]:
        """The provider, and whether it was made now. Refused (`Conflict`) if another one has the name."""
        if found := self.provider(provider_id):
            return found, False
        response = self._request(
            'POST', '/resource_providers', refused=(409,), json={'uuid': provider_id, 'name': name}
        )
        if response.status_code != 409:
            return _provider(response.json()), True
        if found := self.provider(provider_id):
            return found, False
        raise errors.Conflict(
            f'Placement knows the host {name} by another id than {provider_id}. If this host was installed anew, '
            f'give it its former id back, or delete the resource provider {name} once nothing is allocated of it.'
        )

    def remove_provider(self, provider_id: str) -> None:
        """Make the provider not exist. Refused (`Conflict`) while something is claimed of it."""
        response = self._request('DELETE', f'/resource_providers/{provider_id}', refused=(404, 409))
        if response.status_code == 409:
            raise errors.Conflict(_detail(response))

    def update_inventories(self, provider_id: str, change: Callable[[Amounts], Amounts]) -> bool:
        """Give the provider the inventories that `change` makes of its present ones; whether that wrote anything."""
        return self._update(provider_id, 'inventories', lambda current: dict(change(current)))

    def traits(self, provider_id: str) -> frozenset[str]:
        return frozenset(self._read(provider_id, 'traits')['traits'])

    def update_traits(self, provider_id: str, change: Callable[[frozenset[str]], Iterable[str]]) -> bool:
        """Give the provider the traits that `change` makes of its present ones; whether that wrote anything.

        Traits that this Placement is too old to know are left out; custom ones are made.
        """

        def known_traits(current: list[str]) -> list[str]:
            wanted = frozenset(change(frozenset(current)))
            return sorted(wanted & frozenset(current) | self._known(wanted - frozenset(current)))

        return self._update(provider_id, 'traits', known_traits)

    def aggregates(self, provider_id: str) -> frozenset[str]:
        return frozenset(self._read(provider_id, 'aggregates')['aggregates'])

    def update_aggregates(self, provider_id: str, change: Callable[[frozenset[str]], Iterable[str]]) -> bool:
        return self._update(provider_id, 'aggregates', lambda current: sorted(change(frozenset(current))))

    # Room for servers

    def candidates(self, wanted: Wanted, limit: int) -> tuple[Candidate, ...]:
        """Where there is room. Later claims of others may take it, so be ready to try more than one."""
        query = {'resources': ','.join(f'{name}:{amount}' for name, amount in wanted.resources), 'limit': limit}
        traits = [*wanted.required, *(f'!{name}' for name in wanted.forbidden)]
        if traits:
            query['required'] = ','.join(traits)
        if wanted.member_of:
            query['member_of'] = f'in:{",".join(wanted.member_of)}'
        if wanted.in_tree:
            query['in_tree'] = wanted.in_tree
        response = self._request('GET', f'/allocation_candidates?{urllib.parse.urlencode(query)}', refused=(400,))
        if response.status_code == 400:
            raise errors.Invalid(f'Placement cannot look for that: {_detail(response)}')
        found = response.json()
        summaries = found['provider_summaries']
        return tuple(_candidate(entry, summaries) for entry in found['allocation_requests'])

    def claim(self, claims: Sequence[Claim]) -> None:
        """Claim for all of the consumers, or for none. Errors: `NoCapacity`, `Changed`."""
        body = {claim.consumer_id: _allocation(claim) for claim in claims}
        response = self._request('POST', '/allocations', refused=(400, 409), json=body)
        if response.status_code < 400:
            return
        detail = _detail(response)
        if _code(response) == CONCURRENT_UPDATE:
            raise Changed(detail)
        providers = {provider_id for claim in claims for provider_id in claim.allocations}
        named = {provider_id for provider_id in providers if provider_id in detail}
        if response.status_code == 400 and not named:
            raise errors.Invalid(f'Placement cannot claim that: {detail}')
        raise NoCapacity(detail, named)

    def allocation(self, consumer_id: str) -> Claim | None:
        """What the consumer has claimed, or None."""
        found = self._request('GET', f'/allocations/{consumer_id}').json()
        if not found['allocations']:
            return None
        return Claim(
            consumer_id,
            found['project_id'],
            found['user_id'],
            {provider_id: entry['resources'] for provider_id, entry in found['allocations'].items()},
            found['consumer_generation'],
            found['consumer_type'],
        )

    def release(self, consumer_id: str) -> None:
        """Give all that the consumer has claimed back. A consumer without claims is fine.

        One consumer at a time: to clear several in one request their generations would have to be read first.
        """
        for _attempt in range(ATTEMPTS):
            response = self._request('DELETE', f'/allocations/{consumer_id}', refused=(404, 409))
            if response.status_code != 409:
                return
        raise errors.ServiceDown(f'The claims of {consumer_id} could not be released: {_detail(response)}')

    def move(self, from_id: str, to_id: str, consumer_type: str = 'INSTANCE', is_new: bool = False) -> None:
        """Give all that one consumer has claimed to another, in place of what that has claimed, at once.

        Nothing to move is fine: it was moved before. `is_new`: the other is not likely to have claimed anything, so it
        is looked for only if it has.
        """
        for attempt in range(ATTEMPTS):
            held = self.allocation(from_id)
            if held is None:
                return
            known = None if is_new and not attempt else self.allocation(to_id)
            # A consumer that was left without claims may be known still.
            generation = known.generation if known else (None, 0)[attempt % 2]
            given = dataclasses.replace(held, consumer_id=to_id, generation=generation, consumer_type=consumer_type)
            try:
                self.claim([dataclasses.replace(held, allocations={}), given])
                return
            except Changed:
                continue
        raise errors.ServiceDown(f'Others changed the claims of {from_id} or {to_id} all the time; trying again later.')

    def _read(self, provider_id: str, what: str) -> dict[str, Any]:
        response = self._request('GET', f'/resource_providers/{provider_id}/{what}', refused=(404,))
        if response.status_code == 404:
            raise errors.NotFound(f'Placement has no resource provider {provider_id}.')
        return response.json()

    def _update(self, provider_id: str, what: str, change: Callable[[Any], Any]) -> bool:
        """Read, change, and write unless somebody else wrote meanwhile; then once more."""
        for _attempt in range(ATTEMPTS):
            current = self._read(provider_id, what)
            wanted = change(current[what])
            if wanted == (current[what] if isinstance(wanted, dict) else sorted(current[what])):
                return False
            body = {'resource_provider_generation': current['resource_provider_generation'], what: wanted}
            path = f'/resource_providers/{provider_id}/{what}'
            response = self._request('PUT', path, refused=(400, 404, 409), json=body)
            if response.status_code < 400:
                return True
            if response.status_code == 400:
                raise errors.Invalid(f'Placement refuses the {what} of {provider_id}: {_detail(response)}')
            if response.status_code == 409 and _code(response) != CONCURRENT_UPDATE:
                raise errors.Conflict(f'Placement refuses the {what} of {provider_id}: {_detail(response)}')
        raise errors.ServiceDown(
            f'Others changed the resource provider {provider_id} all the time; trying again later.'
        )

    def _known(self, names: Collection[str]) -> frozenset[str]:
        if not names:
            return frozenset()
        path = f'/traits?name=in:{",".join(sorted(names))}'
        known = frozenset(self._request('GET', path).json()['traits'])
        custom = frozenset(name for name in names if name.startswith('CUSTOM_'))
        for name in custom - known:
            self._request('PUT', f'/traits/{name}')
        return known | custom

    def _request(self, method: str, path: str, **options: Any) -> Any:
        return self._neighbour.request(method, path, headers=HEADERS, **options)


def _provider(found: Mapping[str, Any]) -> Provider:
    return Provider(found['uuid'], found['name'], found['generation'])


def _candidate(entry: Mapping[str, Any], summaries: Mapping[str, Any]) -> Candidate:
    allocations = {provider_id: part['resources'] for provider_id, part in entry['allocations'].items()}
    roots = dict.fromkeys(summaries[provider_id]['root_provider_uuid'] for provider_id in allocations)
    free = {
        provider_id: {
            name: amount['capacity'] - amount['used'] for name, amount in summaries[provider_id]['resources'].items()
        }
        for provider_id in allocations
    }
    return Candidate(allocations, tuple(roots), free)


def _allocation(claim: Claim) -> dict[str, Any]:
    return {
        'allocations': {provider_id: {'resources': dict(part)} for provider_id, part in claim.allocations.items()},
        'project_id': claim.project_id,
        'user_id': claim.user_id,
        'consumer_generation': claim.generation,
        'consumer_type': claim.consumer_type,
    }


def _error(response: Any) -> Mapping[str, Any]:
    try:
        return response.json()['errors'][0]
    except (ValueError, LookupError, TypeError):
        return {}


def _code(response: Any) -> str | None:
    return _error(response).get('code')


def _detail(response: Any) -> str:
    return ' '.join(_error(response).get('detail', response.text).split())
