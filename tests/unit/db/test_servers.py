import dataclasses

import pytest

from nova import errors
from nova.db.stores import servers
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import TRANSITIONS, Activity, Power, State
from nova.domain.server import Fault
from tests.unit.db.builders import ASTRAL, NOON, a_port, a_server, an_id, later

DELETE = TRANSITIONS['delete']
OPERATION, OTHER = an_id(900), an_id(901)


def keep(cell, *wanted):
    with cell.writing() as tx:
        for server in wanted:
            servers.create(tx, server)


def read(cell, number=1):
    with cell.reading() as tx:
        return servers.get(tx, an_id(number))


def a_full_server():
    return a_server(
        name=ASTRAL,
        cell_id=an_id(7),
        host='h1',
        node='n1',
        launched_on='h1',
        operation_id=OPERATION,
        activity=Activity.SPAWNING,
        power=Power.RUNNING,
        image_id='i',
        image_properties={'hw_disk_bus': 'virtio'},
        ports=(a_port('10.0.0.1', 'fd00::1'),),
        security_groups=('default',),
        keypair=KeyPair('k', 'u', 'ssh-rsa AAA', 'aa:bb'),
        metadata={'a': '1', ASTRAL[:10]: ASTRAL},
        system_metadata={'x': 'y'},
        tags=('blue', 'green'),
        description=ASTRAL,
        locked=True,
        locked_reason='because',
        user_data='QQ==' * 30000,
        config_drive=True,
        pinned_availability_zone='z',
        availability_zone='z',
        access_ip_v4='1.2.3.4',
        access_ip_v6='fd00::2',
        progress=3,
        disk_config='AUTO',
        reservation_id='r-1',
        launch_index=2,
        root_device_name='/dev/vda',
        trusted_image_certificates=('c',),
        state=State.ERROR,
        fault=Fault(500, 'It broke.', 'in pieces', NOON),
        launched_at=later(5),
    )


def test_a_server_comes_back_as_it_was_kept(cell):
    server = a_full_server()
    with cell.writing() as tx:
        number = servers.create(tx, server)
    assert read(cell) == dataclasses.replace(server, number=number)


def test_numbers_are_never_given_twice(cell):
    with cell.writing() as tx:
        first = servers.create(tx, a_server(1))
        servers.remove(tx, an_id(1))
        assert servers.create(tx, a_server(2)) > first


def test_a_server_has_one_record(cell):
    keep(cell, a_server(1))
    with pytest.raises(errors.Conflict):
        keep(cell, a_server(1))


def test_an_unknown_server_is_not_found(cell):
    with cell.reading() as tx:
        assert servers.find(tx, an_id(1)) is None
        with pytest.raises(errors.NotFound, match='could not be found'):
            servers.get(tx, an_id(1))


@pytest.mark.parametrize(
    ('fields', 'override', 'refusal'),
    [
        ({}, False, None),
        ({'state': State.ERROR}, False, None),
        ({'locked': True}, True, None),
        ({'locked': True}, False, f'Instance {an_id(1)} is locked'),
        ({'operation_id': OTHER, 'activity': Activity.SPAWNING}, False, 'while it is in task_state spawning'),
        ({'state': State.DELETED}, False, 'could not be found'),
    ],
)
def test_the_door_opens_only_to_who_may_enter(cell, fields, override, refusal):
    server = a_server(**fields)
    keep(cell, server)
    with cell.writing() as tx:
        if refusal is None:
            servers.begin(tx, server.id, DELETE, OPERATION, may_override_lock=override)
        else:
            with pytest.raises(errors.Refused, match=refusal):
                servers.begin(tx, server.id, DELETE, OPERATION, may_override_lock=override)
    after = read(cell)
    if refusal is None:
        assert (after.operation_id, after.activity, after.state) == (OPERATION, Activity.DELETING, server.state)
        assert after.updated_at > server.updated_at or after.updated_at != server.updated_at
    else:
        assert after == dataclasses.replace(server, number=after.number)


def test_a_verb_is_refused_in_states_that_it_does_not_know(cell):
    keep(cell, a_server(state=State.ACTIVE))
    with (
        cell.writing() as tx,
        pytest.raises(errors.Conflict, match=f"Cannot 'create' instance {an_id(1)} while it is in vm_state active"),
    ):
        servers.begin(tx, an_id(1), TRANSITIONS['create'], OPERATION)


def test_nobody_begins_on_a_server_that_is_not_there(cell):
    with cell.writing() as tx, pytest.raises(errors.NotFound):
        servers.begin(tx, an_id(1), DELETE, OPERATION)


def test_finishing_lets_go_and_changes_what_is_given(cell):
    keep(cell, a_server(state=State.BUILDING, operation_id=OPERATION, activity=Activity.SPAWNING))
    with cell.writing() as tx:
        done = servers.finish(tx, an_id(1), OPERATION, State.ACTIVE, power=Power.RUNNING, launched_at=NOON)
    after = read(cell)
    assert done
    assert (after.state, after.power, after.launched_at) == (State.ACTIVE, Power.RUNNING, NOON)
    assert (after.operation_id, after.activity) == (None, None)


def test_finishing_without_a_state_keeps_the_old_one(cell):
    keep(cell, a_server(state=State.STOPPED, operation_id=OPERATION))
    with cell.writing() as tx:
        servers.finish(tx, an_id(1), OPERATION, None)
    assert read(cell).state is State.STOPPED


def test_only_the_holder_finishes(cell):
    keep(cell, a_server(operation_id=OTHER))
    with cell.writing() as tx:
        assert not servers.finish(tx, an_id(1), OPERATION, State.ERROR, fault=Fault(500, 'no'))
    after = read(cell)
    assert (after.state, after.operation_id, after.fault) == (State.ACTIVE, OTHER, None)


def test_a_deleted_server_is_kept_out_of_counts_and_of_its_host(cell):
    keep(cell, a_server(1, operation_id=OPERATION, host='h1'), a_server(2, host='h1'))
    with cell.writing() as tx:
        servers.finish(tx, an_id(1), OPERATION, State.DELETED)
    with cell.reading() as tx:
        assert servers.on_host(tx, 'h1') == [(an_id(2), State.ACTIVE)]
        assert (servers.count(tx), servers.count(tx, deleted=None)) == (1, 2)
    after = read(cell, 1)
    assert after.deleted
    assert after.terminated_at is not None


def test_the_newest_fault_is_shown(cell):
    keep(cell, a_server(state=State.ERROR, fault=Fault(404, 'first')))
    with cell.writing() as tx:
        servers.add_fault(tx, an_id(1), Fault(500, 'x' * 300, 'why', NOON))
    assert read(cell).fault == Fault(500, 'x' * 255, 'why', NOON)


@pytest.mark.parametrize(('holder', 'shown'), [(OPERATION, True), (None, True), (OTHER, False)])
def test_activity_is_shown_for_the_holder(cell, holder, shown):
    keep(cell, a_server(operation_id=OPERATION, activity=Activity.SCHEDULING))
    with cell.writing() as tx:
        servers.show_activity(tx, an_id(1), holder, Activity.NETWORKING)
    assert (read(cell).activity is Activity.NETWORKING) is shown


def test_no_activity_is_shown_at_rest(cell):
    keep(cell, a_server())
    with cell.writing() as tx:
        servers.show_activity(tx, an_id(1), None, Activity.DELETING)
    assert read(cell).activity is None


@pytest.mark.parametrize(
    ('fields', 'building'),
    [
        ({'state': State.BUILDING, 'operation_id': OPERATION}, True),
        ({'state': State.BUILDING}, False),
        ({'operation_id': OPERATION}, False),
    ],
)
def test_building_is_what_an_operation_builds(cell, fields, building):
    keep(cell, a_server(**fields))
    with cell.reading() as tx:
        assert servers.is_building(tx, an_id(1)) is building


@pytest.mark.parametrize(
    ('host', 'power', 'changed'),
    [
        ('h1', Power.SHUTDOWN, True),
        (None, Power.SHUTDOWN, True),
        ('h2', Power.SHUTDOWN, False),
        ('h1', Power.RUNNING, False),
    ],
)
def test_power_is_taken_from_the_host_that_has_the_server(cell, host, power, changed):
    keep(cell, a_server(host='h1', power=Power.RUNNING))
    with cell.writing() as tx:
        servers.set_power(tx, an_id(1), host, power)
    assert read(cell).power is (power if changed else Power.RUNNING)


@pytest.mark.parametrize(
    ('before', 'operation_id', 'after'),
    [
        (State.ACTIVE, None, State.STOPPED),
        (State.ACTIVE, OPERATION, State.ACTIVE),
        (State.ERROR, None, State.ERROR),
        (State.RESCUED, None, State.RESCUED),
    ],
)
def test_state_follows_power_only_at_rest(cell, before, operation_id, after):
    keep(cell, a_server(host='h1', power=Power.RUNNING, state=before, operation_id=operation_id))
    with cell.writing() as tx:
        servers.set_power(tx, an_id(1), 'h1', Power.SHUTDOWN)
    assert read(cell).state is after


def test_fields_ports_and_place_can_be_changed(cell):
    keep(cell, a_server())
    port = a_port('10.0.0.9')
    with cell.writing() as tx:
        servers.change(tx, an_id(1), name=ASTRAL, description=None, access_ip_v4='9.9.9.9', locked=True)
        servers.set_ports(tx, an_id(1), [port])
        servers.place(tx, an_id(1), 'h2', 'n2', 'z2')
        servers.change_metadata(tx, an_id(1), lambda _known: {'a': 'b'})
        servers.change_tags(tx, an_id(1), lambda _known: ['t', 't'])
    after = read(cell)
    assert (after.name, after.access_ip_v4, after.locked) == (ASTRAL, '9.9.9.9', True)
    assert (after.host, after.node, after.availability_zone, after.launched_on) == ('h2', 'n2', 'z2', 'h2')
    assert (after.ports, after.metadata, after.tags) == ((port,), {'a': 'b'}, ('t',))


def test_metadata_and_tags_are_replaced(cell):
    keep(cell, a_server(metadata={'a': '1', 'b': '2'}, tags=('x', 'y')))
    with cell.writing() as tx:
        servers.change_metadata(tx, an_id(1), lambda _known: {'b': '3'})
        servers.change_tags(tx, an_id(1), lambda _known: ('z',))
    assert (read(cell).metadata, read(cell).tags) == ({'b': '3'}, ('z',))


def test_what_is_deleted_is_not_changed(cell):
    keep(cell, a_server(state=State.DELETED))
    with cell.writing() as tx, pytest.raises(errors.NotFound):
        servers.change(tx, an_id(1), name='new')


def test_a_field_that_has_no_column_is_a_bug(cell):
    keep(cell, a_server())
    with cell.writing() as tx, pytest.raises(TypeError, match='fault'):
        servers.change(tx, an_id(1), fault=None)
