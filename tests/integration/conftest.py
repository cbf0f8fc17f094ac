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
