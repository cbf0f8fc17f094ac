"""Where Keystone, Glance, Placement and the `openstack` program are installed for these tests."""

import os
import sys
from pathlib import Path

import pytest

from nova.standalone.layout import default_neighbours

NEIGHBOURS = Path(os.environ.get('NOVA_TEST_NEIGHBOURS') or default_neighbours())
# Clouds of these tests have their ports from here on.
OFFSET = 17000

needs_neighbours = pytest.mark.skipif(
    not (NEIGHBOURS / 'bin' / 'keystone-manage').exists() or not Path('/usr/lib/rabbitmq/bin/rabbitmq-server').exists(),
    reason='RabbitMQ or the environment with Keystone, Glance and Placement is missing; tools/test installs both.',
)


def openstack_program() -> Path:
    """The unmodified client. Skips the test if it is not installed."""
    for environment in (NEIGHBOURS, Path(sys.prefix)):
        if (environment / 'bin' / 'openstack').exists():
            return environment / 'bin' / 'openstack'
    pytest.skip('There is no openstack client in the environments.')
