"""Every published request for servers is granted at its version, or is told what is still to come."""

import re

import pytest

from nova.db.stores import aggregates, flavors, host_mappings, hosts
from nova.db.tables.server_groups import server_groups
from nova.domain.flavor import Flavor
from nova.domain.host import HostReport, Inventory
from nova.domain.network import Network, Subnet
from tests import published
from tests.unit.api.servers.world import CELL_ID, NOW

NETWORK_ID = '3cb9bc59-5699-4588-a4b1-b87f96708bc6'
GROUP_ID = 'f3d86fe6-4246-4be8-b87c-eb894626c741'
HOST = 'openstack-node-01'
PATTERNS = ('servers/**/server-create-req*.json', 'os-multiple-create/*-post-req.json')
NAMES = sorted(
    str(path.relative_to(published.DIRECTORY)) for pattern in PATTERNS for path in published.DIRECTORY.glob(pattern)
)
# Published as it never was: `networks` is missing, `personality` had been removed long before.
IMPOSSIBLE = {'servers/v2.90/server-create-req.json', 'servers/v2.94/server-create-req.json'}


def version_of(name):
    found = re.search(r'v2\.?(\d+)', name)
    return int(found[1]) if found else 1


CASES = [name for name in NAMES if name not in IMPOSSIBLE and version_of(name) <= 96]


@pytest.fixture
def world(world):
    """With all that the samples name."""
    with world.databases.api.writing() as tx:
        aggregate = aggregates.create(tx, 'west', {'availability_zone': 'us-west'})
        aggregates.add_host(tx, aggregate.id, 'compute')
        host_mappings.add(tx, CELL_ID, [HOST])
        flavors.create(tx, Flavor('6', 'm1.tiny.specs', 1, 512, 1))
        group = {'id': GROUP_ID, 'name': 'a', 'project_id': 'demo', 'user_id': 'alice', 'policy': 'affinity'}
        tx.execute(server_groups.insert().values(**group, rules={}, created_at=NOW))
    with world.databases.cell(CELL_ID).writing() as tx:
        hosts.report(tx, HostReport(HOST, HOST, 'node-id', 'QEMU', 1, Inventory(1, 1, 1)), NOW)
    subnets = (Subnet('subnet', '10.0.0.0/24'),)
    world.network.networks[NETWORK_ID] = Network(NETWORK_ID, 'private', 1500, subnets, project_id='demo')
    return world


@pytest.mark.parametrize('name', CASES)
def test_a_published_request_is_granted(world, name):
    sample, version = published.sample(name), version_of(name)
    server = sample['server']
    if server.get('availability_zone', '').startswith('%'):
        server['availability_zone'] = 'us-west'
    later = 'block_device_mapping_v2' in server
    answer = world.request('POST', '/servers', sample, f'2.{version}', token='owner')
    assert answer.status_int == (501 if later else 202), answer.text
    if answer.status_int == 202 and 'multiple' in name:
        assert published.differences(answer.json, published.sample(name.replace('-req', '-resp'))) == []


@pytest.mark.parametrize('name', sorted(IMPOSSIBLE))
def test_two_were_never_possible_but_for_the_host_name(world, name):
    sample = published.sample(name)
    del sample['server']['personality']
    sample['server']['networks'] = 'auto'
    world.send('POST', '/servers', sample, f'2.{version_of(name)}', status=202)
