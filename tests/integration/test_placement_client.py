"""The Placement client, on a real Placement."""

import pytest

from nova.clients.placement import PlacementClient
from tests.fakes.placement_behaviour import PlacementBehaviour
from tests.integration.placement_server import Adapter, placement

pytestmark = pytest.mark.integration


@pytest.fixture(scope='module')
def url(tmp_path_factory):
    with placement(tmp_path_factory.mktemp('placement')) as address:
        yield address


class TestOnTheRealOne(PlacementBehaviour):
    @pytest.fixture
    def client(self, url):
        return PlacementClient(Adapter(url))

    @pytest.fixture
    def others(self, url):
        return PlacementClient(Adapter(url))
