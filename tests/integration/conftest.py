"""A whole cloud with simulated guests, made once for all tests that use one through its own files."""

import pytest

from nova.standalone.cloud import Cloud
from tests.integration.neighbours import NEIGHBOURS, OFFSET


@pytest.fixture(scope='session')
def whole(tmp_path_factory):
    """A running cloud of real parts, with two hosts and the server `first`; leave it as you find it."""
    directory = tmp_path_factory.mktemp('whole') / 'state'
    with Cloud(directory, port_offset=OFFSET + 500, driver='fake', computes=2, neighbours=NEIGHBOURS) as cloud:
        yield cloud


# These files start clouds at the same ports, or use the one above: one after the other, in one process.
CLOUDS = {'test_clients', 'test_openstack_client', 'test_sdk_journey', 'test_standalone'}


# First, since what shares the tests out reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests of a file stay together where they are shared among processes (`-n 2 --dist loadgroup`)."""
    for item in items:
        name = item.path.stem
        item.add_marker(pytest.mark.xdist_group('clouds' if name in CLOUDS else name))
