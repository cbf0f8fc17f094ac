"""What Placement does, as far as we rely on it: run against the fake and against the real one, so that they agree."""

import uuid
from typing import Any

import pytest

from nova import errors
from nova.clients.placement import Changed, NoCapacity, PlacementClient
from nova.domain.placement import Claim, Wanted

SMALL = {'VCPU': 1, 'MEMORY_MB': 128, 'DISK_GB': 1}
SOUGHT = Wanted(tuple(sorted(SMALL.items())))


def new_id() -> str:
    return str(uuid.uuid4())


def inventory(total: int, ratio: float = 1.0, **other: Any) -> dict[str, Any]:
    common = {'reserved': 0, 'min_unit': 1, 'max_unit': total, 'step_size': 1}
    return {'total': total, 'allocation_ratio': ratio, **common, **other}


def a_claim(provider_id: str, consumer_id: str | None = None, generation: int | None = None, **resources: int) -> Claim:
    return Claim(consumer_id or new_id(), 'project', 'user', {provider_id: resources or SMALL}, generation)


def inventories(client: PlacementClient, provider_id: str) -> dict[str, dict[str, Any]]:
    return client.neighbour.request('GET', f'/resource_providers/{provider_id}/inventories').json()['inventories']


def consumers_on(client: PlacementClient, provider_id: str) -> dict[str, dict[str, int]]:
    """What each consumer has claimed of a provider."""
    response = client.neighbour.request('GET', f'/resource_providers/{provider_id}/allocations')
    return {consumer: entry['resources'] for consumer, entry in response.json()['allocations'].items()}


class PlacementBehaviour:
    """Subclasses give the fixture `client`, a PlacementClient, and `others`, another one of the same Placement."""

    @pytest.fixture
    def host(self, client: PlacementClient) -> str:
        return self.make_host(client)

    def make_host(self, client: PlacementClient, vcpus: int = 4) -> str:
        provider_id = new_id()
        client.ensure_provider(provider_id, f'host-{provider_id}')
        rows = {'VCPU': inventory(vcpus), 'MEMORY_MB': inventory(4096), 'DISK_GB': inventory(100)}
        client.update_inventories(provider_id, lambda current: rows)
        return provider_id

    def test_a_provider_is_made_once(self, client):
        provider_id = new_id()
        made, new = client.ensure_provider(provider_id, f'name-{provider_id}')
        assert (made.id, new) == (provider_id, True)
        assert client.ensure_provider(provider_id, made.name) == (made, False)
        assert client.provider(new_id()) is None

    def test_a_provider_with_the_same_name_and_another_id_is_refused(self, client):
        provider_id = new_id()
        client.ensure_provider(provider_id, f'name-{provider_id}')
        with pytest.raises(errors.Conflict, match='by another id'):
            client.ensure_provider(new_id(), f'name-{provider_id}')

    def test_inventories_are_written_only_when_they_differ(self, client, host):
        same = inventories(client, host)
        assert not client.update_inventories(host, lambda current: dict(current))
        assert client.update_inventories(host, lambda current: {**current, 'VCPU': inventory(8, ratio=2.0)})
        assert inventories(client, host)['VCPU']['allocation_ratio'] == 2.0
        assert inventories(client, host)['DISK_GB'] == same['DISK_GB']

    def test_a_change_that_others_interrupt_is_made_on_top_of_theirs(self, client, others, host):
        interrupted = []

        def change(current):
            if not interrupted:
                interrupted.append(others.update_traits(host, lambda traits: {*traits, 'CUSTOM_THEIRS'}))
            return {*current, 'COMPUTE_NODE'}

        assert client.update_traits(host, change)
        assert client.traits(host) == {'CUSTOM_THEIRS', 'COMPUTE_NODE'}

    def test_traits_that_placement_does_not_know_are_left_out(self, client, host):
        client.update_traits(host, lambda current: {'COMPUTE_NODE', 'COMPUTE_FROM_THE_FUTURE', 'CUSTOM_NEW'})
        assert client.traits(host) == {'COMPUTE_NODE', 'CUSTOM_NEW'}

    def test_aggregates(self, client, host):
        aggregate = new_id()
        assert client.update_aggregates(host, lambda current: {aggregate})
        assert client.aggregates(host) == {aggregate}
        found = client.candidates(Wanted(SOUGHT.resources, member_of=(aggregate, new_id())), 10)
        assert [candidate.roots for candidate in found] == [(host,)]

    def test_a_missing_provider_is_not_found(self, client):
        for read in (client.traits, client.aggregates):
            with pytest.raises(errors.NotFound):
                read(new_id())

    def test_candidates_have_room_and_traits(self, client, host):
        other = self.make_host(client)
        client.update_traits(host, lambda current: {'CUSTOM_FAST'})
        client.update_traits(other, lambda current: {'COMPUTE_STATUS_DISABLED'})

        def found(**more: Any) -> set[str]:
            wanted = Wanted(more.pop('resources', SOUGHT.resources), **more)
            return {root for candidate in client.candidates(wanted, 1000) for root in candidate.roots}

        assert {host, other} <= found()
        assert found(required=('CUSTOM_FAST',)) == {host}
        assert other not in found(forbidden=('COMPUTE_STATUS_DISABLED',))
        assert found(in_tree=host) == {host}
        assert found(in_tree=host, resources=(('VCPU', 5),)) == set()

    def test_a_candidate_tells_what_is_free(self, client, host):
        client.claim([a_claim(host, VCPU=3)])
        (candidate,) = client.candidates(Wanted(SOUGHT.resources, in_tree=host), 10)
        assert candidate.allocations == {host: SMALL}
        assert candidate.free[host] == {'VCPU': 1, 'MEMORY_MB': 4096, 'DISK_GB': 100}

    def test_the_number_of_candidates_is_limited(self, client, host):
        self.make_host(client)
        assert len(client.candidates(SOUGHT, 1)) == 1

    def test_an_unknown_trait_is_invalid(self, client):
        with pytest.raises(errors.Invalid, match='Placement cannot look for that'):
            client.candidates(Wanted(SOUGHT.resources, required=('CUSTOM_UNHEARD_OF',)), 10)

    def test_a_claim_can_be_read_and_released(self, client, host):
        claim = a_claim(host)
        client.claim([claim])
        assert client.allocation(claim.consumer_id) == a_claim(host, claim.consumer_id, generation=1)
        assert consumers_on(client, host) == {claim.consumer_id: SMALL}
        client.release(claim.consumer_id)
        client.release(claim.consumer_id)
        assert client.allocation(claim.consumer_id) is None
        assert consumers_on(client, host) == {}

    def test_many_claims_are_made_together_or_not_at_all(self, client, host):
        fitting = [a_claim(host, VCPU=2), a_claim(host, VCPU=2)]
        with pytest.raises(NoCapacity) as refused:
            client.claim([*fitting, a_claim(host, VCPU=1)])
        assert refused.value.provider_ids == {host}
        assert consumers_on(client, host) == {}
        client.claim(fitting)
        assert len(consumers_on(client, host)) == 2

    def test_a_claim_of_a_provider_that_is_gone_names_it(self, client, host):
        gone = new_id()
        with pytest.raises(NoCapacity) as refused:
            client.claim([a_claim(host), a_claim(gone)])
        assert refused.value.provider_ids == {gone}

    def test_a_consumer_that_has_a_claim_cannot_make_a_first_one(self, client, host):
        claim = a_claim(host)
        client.claim([claim])
        with pytest.raises(Changed):
            client.claim([a_claim(host), claim])
        assert set(consumers_on(client, host)) == {claim.consumer_id}

    def test_a_claim_moves_with_its_generation(self, client, host):
        other = self.make_host(client)
        claim = a_claim(host)
        client.claim([claim])
        client.claim([a_claim(other, claim.consumer_id, generation=1)])
        assert consumers_on(client, host) == {}
        assert client.allocation(claim.consumer_id).allocations == {other: SMALL}

    def test_a_provider_in_use_stays(self, client, host):
        claim = a_claim(host)
        client.claim([claim])
        with pytest.raises(errors.Conflict):
            client.remove_provider(host)
        client.release(claim.consumer_id)
        client.remove_provider(host)
        client.remove_provider(host)
        assert client.provider(host) is None

    def test_all_that_a_consumer_has_moves_to_another_at_once(self, client, host):
        server, migration = new_id(), new_id()
        client.claim([a_claim(host, server, VCPU=3)])
        client.move(server, migration, consumer_type='MIGRATION')
        # Again is fine: there is nothing left to move.
        client.move(server, migration, consumer_type='MIGRATION')
        held = client.allocation(migration)
        assert (held.allocations, held.consumer_type) == ({host: {'VCPU': 3}}, 'MIGRATION')
        assert client.allocation(server) is None
        client.claim([a_claim(host, server, VCPU=1)])

    @pytest.mark.parametrize('is_new', [False, True])
    def test_what_is_moved_takes_the_place_of_what_the_other_had(self, client, host, is_new):
        server, migration = new_id(), new_id()
        client.claim([a_claim(host, server, VCPU=1), a_claim(host, migration, VCPU=3)])
        client.move(migration, server, is_new=is_new)
        assert client.allocation(server).allocations == {host: {'VCPU': 3}}
        assert set(consumers_on(client, host)) == {server}

    def test_a_move_that_others_interrupt_is_made_on_top_of_theirs(self, client, others, host):
        server, migration = new_id(), new_id()
        client.claim([a_claim(host, server, VCPU=1)])
        held, asked = client.allocation, []

        def interrupted(consumer_id):
            found = held(consumer_id)
            if not asked:
                asked.append(others.claim([a_claim(host, server, found.generation, VCPU=2)]))
            return found

        client.allocation = interrupted
        client.move(server, migration)
        assert held(migration).allocations == {host: {'VCPU': 2}}
