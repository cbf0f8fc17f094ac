"""What hosts note of servers among their system metadata."""

from nova.cmd.manage.libvirt import PROPERTY
from nova.db.stores import servers
from nova.domain.guest_wishes import RECORDED_MACHINE
from tests.unit.db.builders import a_server, an_id


def note(database, server_id, host, **values):
    with database.writing() as tx:
        servers.change_system_metadata(tx, server_id, host, lambda known: known | values)


def kept(database):
    with database.reading() as tx:
        return servers.get(tx, an_id(1)).system_metadata


def test_only_the_host_of_a_server_notes_things(cell):
    with cell.writing() as tx:
        servers.create(tx, a_server(1, host='h1', system_metadata={'password': 'x'}))
    note(cell, an_id(1), 'h2', lost='y')
    note(cell, an_id(1), 'h1', found='y')
    note(cell, an_id(1), None, anyone='y')
    note(cell, an_id(9), 'h1', nobody='y')
    assert kept(cell) == {'password': 'x', 'found': 'y', 'anyone': 'y'}


def test_servers_without_a_machine_type_are_found(cell):
    with cell.writing() as tx:
        servers.create(tx, a_server(1, image_properties={}))
        servers.create(tx, a_server(2, image_properties={PROPERTY: 'q35'}))
        servers.create(tx, a_server(3, image_properties={}, system_metadata={RECORDED_MACHINE: 'pc'}))
        assert servers.without_machine_type(tx, RECORDED_MACHINE, PROPERTY) == [an_id(1)]
