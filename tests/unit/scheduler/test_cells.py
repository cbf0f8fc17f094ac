"""Reading hosts from the cells."""

import datetime

import pytest

from nova.db.engine import Databases
from nova.db.stores import aggregates, cells, host_mappings, hosts, services
from nova.domain.cell import CELL0_ID
from nova.domain.host import HostReport, Inventory
from nova.scheduler.cells import AGGREGATES_AGE, CellHosts
from tests.fakes import databases as fresh
from tests.unit.scheduler.test_hosts import Clock

# Long ago: what the stores date by the clock on the wall is later than all that these tests do.
NOON = datetime.datetime(2020, 1, 2, 12, 0, 0, tzinfo=datetime.UTC)
ONE, TWO = '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002'


class World:
    """An API database, cell0, and two cells."""

    def __init__(self, where):
        api = fresh.migrated(where, 'api')
        self.cells = {cell_id: fresh.migrated(where, 'cell') for cell_id in (CELL0_ID, ONE, TWO)}
        with api.writing() as tx:
            for number, (cell_id, database) in enumerate(self.cells.items()):
                bus = f'rabbit://bus{number}/' if number else 'none:///'
                url = database.url.render_as_string(hide_password=False)
                cells.create(tx, f'cell{number}', bus, url, cell_id=cell_id)
        self.api, self.databases = api, Databases(api)
        self.now, self.clock = NOON, Clock()
        self.source = CellHosts(self.databases, now=lambda: self.now, clock=self.clock)

    def report(self, name, cell_id=ONE, mapped=True):
        report = HostReport(name, name, f'{name}-id', 'QEMU', 1, Inventory(1, 1, 1))
        with self.cells[cell_id].writing() as tx:
            hosts.report(tx, report, self.now)
        if mapped:
            with self.api.writing() as tx:
                host_mappings.add(tx, cell_id, [name])

    def names(self):
        found, silent = self.source.all()
        return sorted(host.name for host in found), silent

    def changed(self):
        return sorted(host.name for host in self.source.changed())

    def later(self, seconds):
        self.now += datetime.timedelta(seconds=seconds)
        self.clock.now += seconds


@pytest.fixture
def world():
    with fresh.server('sqlite') as where:
        made = World(where)
        yield made
        made.databases.close()


def test_the_mapped_hosts_of_all_cells_are_read(world):
    world.report('a', ONE)
    world.report('b', TWO)
    world.report('new', ONE, mapped=False)
    assert world.names() == (['a', 'b'], [])
    assert {host.name: host.cell_id for host in world.source.all()[0]} == {'a': ONE, 'b': TWO}


def test_disabled_cells_are_left_out(world):
    world.report('a', ONE)
    world.report('b', TWO)
    with world.api.writing() as tx:
        cells.change(tx, TWO, disabled=True)
    assert world.names() == (['a'], [])


def test_a_cell_that_is_away_is_named(world):
    world.report('a', ONE)
    world.report('b', TWO)
    with world.api.writing() as tx:
        cells.change(tx, TWO, database_connection='sqlite:////nowhere/at/all.db')
    assert world.names() == (['a'], [TWO])


def test_only_what_has_changed_is_read_again(world):
    world.report('a')
    world.report('b')
    world.names()
    world.later(10)
    world.changed()
    world.later(10)
    assert world.changed() == []
    world.report('b')
    assert world.changed() == ['b']
    world.later(10)
    world.changed()
    world.later(10)
    with world.cells[ONE].writing() as tx:
        service = services.find(tx, 'a', 'nova-compute')
        services.change(tx, service.uuid, enabled=False)
    found = world.source.changed()
    assert [(host.name, host.enabled) for host in found] == [('a', False)]


def test_zones_and_aggregates_are_known_and_followed(world):
    world.report('a')
    world.report('b')
    with world.api.writing() as tx:
        zone = aggregates.create(tx, 'zone', {'availability_zone': 'north'})
        fast = aggregates.create(tx, 'fast', {'ssd': 'true'})
        for aggregate in (fast, zone):
            aggregates.add_host(tx, aggregate.id, 'a')
    found = {host.name: (host.availability_zone, host.aggregates) for host in world.source.all()[0]}
    assert found == {'a': ('north', ({'availability_zone': 'north'}, {'ssd': 'true'})), 'b': (None, ())}
    with world.api.writing() as tx:
        aggregates.remove_host(tx, zone.id, 'a')
    world.later(AGGREGATES_AGE + 5)
    assert {host.name: host.availability_zone for host in world.source.changed()} == {'a': None, 'b': None}


def test_hosts_are_discovered_once(world):
    world.report('a', ONE, mapped=False)
    world.report('b', TWO)
    assert world.source.discover() == ['a']
    assert world.source.discover() == []
    assert world.names() == (['a', 'b'], [])
