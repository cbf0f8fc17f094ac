import pytest

from tests.unit.network.cloud import NetworkCloud


@pytest.fixture
def cloud(tmp_path):
    made = NetworkCloud(f'sqlite:///{tmp_path}/network.sqlite')
    yield made
    made.database.close()
