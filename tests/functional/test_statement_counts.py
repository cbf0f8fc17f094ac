"""What a read costs does not depend on how much there is: every GET of the API, with few rows and with many."""

import datetime
import re

import pytest

from nova.api import routes
from nova.api.microversions import MAX
from nova.db.stores import (
    aggregates,
    flavors,
    host_mappings,
    hosts,
    keypairs,
    mappings,
    migrations,
    operations,
    quotas,
    server_groups,
    servers,
)
from nova.domain import record
from nova.domain.cell import CELL0_ID
from nova.domain.flavor import Flavor
from nova.domain.host import HostReport, Inventory
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import Power, State
from nova.domain.migration import LIVE, Migration
from nova.domain.network import FixedIP, Network, Port, Subnet
from nova.domain.operation import DONE, OperationRow
from nova.domain.server import Fault, Server
from nova.saga.journal import Entry
from tests.functional.cloud import CELL_ID, IMAGE_ID, Cloud

pytestmark = pytest.mark.every_database

# These belong to the user of the token `admin`.
PROJECT, USER = 'admin-project', 'admin'
FEW, MANY = range(1, 3), range(3, 12)
AT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
READS = sorted({(entry.path, entry.since, entry.until) for entry in routes.collect() if entry.method == 'GET'})
# What asks for all that there is, where a list would show less.
QUERIES = {
    '/servers': 'all_tenants=1&limit=1000',
    '/servers/detail': 'all_tenants=1&limit=1000',
    '/flavors': 'is_public=none',
    '/flavors/detail': 'is_public=none',
    '/os-server-groups': 'all_projects=1',
    '/os-simple-tenant-usage': 'detailed=1&start=2026-01-01T00:00:00&end=2026-01-03T00:00:00',
    '/os-simple-tenant-usage/{project_id}': 'start=2026-01-01T00:00:00&end=2026-01-03T00:00:00',
    '/os-hypervisors': 'with_servers=true',
    '/os-hypervisors/detail': 'with_servers=true',
}


def an_id(kind, number):
    return f'00000000-0000-4000-8{kind:03}-{number:012}'


class Rows:
    """Writes rows of everything straight into the databases, and knows the names of the first of each."""

    def __init__(self, cloud):
        self._cloud, self.first = cloud, {}

    def add(self, numbers):
        with self._cloud.databases.api.writing() as tx:
            for number in numbers:
                self._in_api(tx, number)
        with self._cloud.databases.own.writing() as tx:
            for number in numbers:
                self._in_cell(tx, number)
        with self._cloud.databases.cell0.writing() as tx:
            for number in numbers:
                servers.create(tx, self._server(number, 2, state=State.ERROR, fault=Fault(500, 'No valid host.')))

    def _in_api(self, tx, number):
        specs = {'hw:cpu_policy': 'shared', 'n': str(number)}
        flavors.create(tx, Flavor(f'f{number}', f'flavor-{number}', 1, 128, 1, is_public=False, extra_specs=specs))
        flavors.grant(tx, f'f{number}', PROJECT)
        keypairs.create(tx, KeyPair(f'key-{number}', USER, 'ssh-rsa AAAA', 'fi:ng'))
        aggregate = aggregates.create(tx, f'aggregate-{number}', {'availability_zone': f'zone-{number}'})
        host_mappings.add(tx, CELL_ID, [f'host-{number}'])
        aggregates.add_host(tx, aggregate.id, f'host-{number}')
        group = server_groups.create(tx, f'group-{number}', PROJECT, USER, 'anti-affinity')
        for kind, cell_id in ((1, CELL_ID), (2, CELL0_ID)):
            mappings.create(tx, an_id(kind, number), PROJECT, USER, cell_id, 1, 128)
        server_groups.add_members(tx, group.id, [an_id(1, number)])
        quotas.set_user_limits(tx, PROJECT, f'user-{number}', {'instances': 5})
        self.first.setdefault('aggregate_id', aggregate.id)
        self.first.setdefault('group_id', group.id)

    def _in_cell(self, tx, number):
        inventory = Inventory(vcpus=8, memory_mb=8192, disk_gb=100)
        hosts.report(tx, HostReport(f'host-{number}', f'node-{number}', an_id(3, number), 'fake', 1, inventory), AT)
        servers.create(tx, self._server(number, 1, host='h1' if number == 1 else f'host-{number}'))
        server_id = an_id(1, 1)
        migrations.record(tx, Migration(an_id(4, number), server_id, LIVE, 'running', user_id=USER, project_id=PROJECT))
        steps = record.dump([Entry(f'step-{step}', 1, 1.0, 2.0, 'did') for step in range(number)])
        done = OperationRow(
            id=an_id(5, number), verb='stop', server_id=server_id, cell_id=CELL_ID, request_id=f'req-{number}',
            project_id=PROJECT, user_id=USER, status=DONE, steps=steps, created_at=AT, finished_at=AT,
        )  # fmt: skip
        operations.start(tx, done)

    def _server(self, number, kind, **fields):
        network = Network('net', 'private', 1500, (Subnet('subnet', '10.0.0.0/24'),))
        address = FixedIP(f'10.0.0.{number}', 'subnet')
        values = {
            'id': an_id(kind, number),
            'name': f'server-{number}',
            'hostname': f'server-{number}',
            'project_id': PROJECT,
            'user_id': USER,
            'flavor': Flavor('small', 'm1.small', 1, 128, 1),
            'state': State.ACTIVE,
            'power': Power.RUNNING,
            'image_id': IMAGE_ID,
            'ports': (Port(f'port-{number}', f'fa:16:3e:00:00:{number:02}', network, (address,)),),
            'metadata': {'n': str(number)},
            'tags': (f'tag-{number}',),
            'launched_at': AT,
            'created_at': AT,
        }
        return Server(**values | fields)


def path_of(path, first):
    """The path with the first of each thing in it."""
    named = {
        'server_id': an_id(1, 1), 'port_id': 'port-1', 'request_id': 'req-1', 'migration_id': '1', 'key': 'n',
        'label': 'private', 'tag': 'tag-1', 'flavor_id': 'f1', 'hypervisor_id': an_id(3, 1), 'host_name': 'host-1',
        'pattern': 'node', 'project_id': PROJECT, 'name': 'key-1', **first,
    }  # fmt: skip
    if path.startswith('/flavors/'):
        named['name'] = 'hw:cpu_policy'
    return re.sub(r'\{(\w+)\}', lambda found: str(named.get(found[1], 'nothing')), path)


@pytest.fixture(scope='module')
def cost_of_all(fresh, tmp_path_factory):
    """What each read answered and the statements that it took, first with few rows and then with many."""
    directory, found = tmp_path_factory.mktemp('counts'), {}
    cloud = Cloud(fresh(directory), directory, host_names=('h1',), quiet=True)
    cloud.start()
    try:
        rows = Rows(cloud)
        for numbers in (FEW, MANY):
            rows.add(numbers)
            for read in READS:
                found.setdefault(read, []).append(_cost(cloud, read, rows.first))
    finally:
        cloud.stop()
    return found


def _cost(cloud, read, first):
    path, _since, until = read
    version = str(min(until, MAX))
    address = f'{path_of(path, first)}?{QUERIES.get(path, "")}'.rstrip('?')
    admin = cloud.api('admin')
    admin.ask('GET', address, version=version)
    before = cloud.statements.value
    answer = admin.ask('GET', address, version=version)
    return answer.status_int, cloud.statements.value - before


@pytest.mark.parametrize('read', READS, ids=lambda read: f'{read[0]} {read[1]}')
def test_a_read_costs_the_same_with_few_rows_and_with_many(cost_of_all, read):
    (status, few), (same_status, many) = cost_of_all[read]
    assert (status, few) == (same_status, many)


def test_most_reads_find_what_they_ask_for(cost_of_all):
    """Else the counts would say nothing."""
    answered = [read for read, costs in cost_of_all.items() if costs[0][0] == 200]
    assert len(answered) > len(READS) // 2
