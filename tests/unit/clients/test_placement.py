"""The Placement client, on a Placement in memory."""

import pytest

from nova import errors
from nova.clients.placement import PlacementClient
from tests.fakes.http import Response
from tests.fakes.placement import FakePlacement
from tests.fakes.placement_behaviour import SOUGHT, PlacementBehaviour, a_claim


class TestOnTheFake(PlacementBehaviour):
    @pytest.fixture
    def placement(self):
        return FakePlacement()

    @pytest.fixture
    def client(self, placement):
        return PlacementClient(placement)

    @pytest.fixture
    def others(self, placement):
        return PlacementClient(placement)


class Broken:
    """A neighbour that answers everything with one status."""

    def __init__(self, status):
        self._status = status

    def request(self, path, method, **options):
        return Response(self._status, content=b'<html>')


def test_an_absent_placement_is_a_service_that_is_down():
    placement = FakePlacement()
    client = PlacementClient(placement)
    placement.away = True
    for ask in (client.check, lambda: client.candidates(SOUGHT, 1), lambda: client.claim([a_claim('a-provider')])):
        with pytest.raises(errors.ServiceDown, match='Placement cannot be reached'):
            ask()
    assert client.neighbour.calls == {('GET', 'away'): 2, ('POST', 'away'): 1}


@pytest.mark.parametrize(
    ('status', 'sentence'),
    [
        (500, 'Placement is not well: it answered 500 to GET /allocations/c.'),
        (503, 'Placement is not well: it answered 503 to GET /allocations/c.'),
        (401, 'Placement refuses our credentials (401 to GET /allocations/c).'),
        (418, 'Placement answered 418 to GET /allocations/c: <html>'),
    ],
)
def test_unexpected_answers_are_a_service_that_is_down(status, sentence):
    with pytest.raises(errors.ServiceDown) as failure:
        PlacementClient(Broken(status)).allocation('c')
    assert str(failure.value).startswith(sentence)


def test_a_provider_that_others_change_all_the_time_is_left_for_later():
    placement = FakePlacement()
    client = PlacementClient(placement)
    placement.add_host('id', 'host', vcpu=1)

    def interfere(method, path):
        if method == 'PUT':
            placement.providers['id'].generation += 1

    placement.meanwhile = interfere
    with pytest.raises(errors.ServiceDown, match='Others changed'):
        client.update_traits('id', lambda current: {'COMPUTE_NODE'})


def test_requests_are_counted():
    placement = FakePlacement()
    client = PlacementClient(placement)
    client.ensure_provider('id', 'host')
    (family,) = client.neighbour.collect()
    counted = {(sample.labels['method'], sample.labels['status']): sample.value for sample in family.samples}
    assert counted == {('GET', '404'): 1, ('POST', '200'): 1}
