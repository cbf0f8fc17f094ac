"""What the API database keeps for all cells: flavors, key pairs, quotas, aggregates, mappings."""

import dataclasses

import pytest

from nova import errors
from nova.db.stores import aggregates, cells, flavors, host_mappings, keypairs, mappings, quotas, server_groups
from nova.domain.cell import CELL0_ID, Cell
from nova.domain.flavor import Flavor
from nova.domain.keypair import KeyPair
from nova.domain.queries import FlavorQuery
from nova.domain.usage import Usage
from tests.unit.db.builders import ASTRAL, NOON, SMALL, an_id

FLAVORS = (
    Flavor('1', 'small', 1, 512, 1, created_at=NOON),
    Flavor('2', 'medium', 2, 1024, 10, created_at=NOON, extra_specs={'hw:cpu_policy': 'shared', 'x': ASTRAL}),
    Flavor('3', 'large', 4, 4096, 20, created_at=NOON, description=ASTRAL),
    Flavor('4', 'private', 4, 4096, 20, created_at=NOON, is_public=False),
    Flavor('5', 'secret', 8, 9999, 20, created_at=NOON, is_public=False, disabled=True),
)


@pytest.fixture
def api_tx(api):
    with api.writing() as connection:
        yield connection


@pytest.fixture
def stocked(api_tx):
    for flavor in FLAVORS:
        flavors.create(api_tx, flavor, projects=('p',) if flavor.id == '4' else ())
    return api_tx


def test_flavors_come_back_as_they_were_kept(stocked):
    assert [flavors.get(stocked, flavor.id) for flavor in FLAVORS] == list(FLAVORS)


@pytest.mark.parametrize(
    ('query', 'ids'),
    [
        (FlavorQuery(), '123'),
        (FlavorQuery(project_id='p'), '1234'),
        (FlavorQuery(project_id='q'), '123'),
        (FlavorQuery(is_public=False), '45'),
        (FlavorQuery(is_public=None), '12345'),
        (FlavorQuery(is_public=None, disabled=False), '1234'),
        (FlavorQuery(min_memory_mb=1024), '23'),
        (FlavorQuery(min_disk_gb=20), '3'),
        (FlavorQuery(sort=(('memory_mb', 'desc'),)), '321'),
        (FlavorQuery(sort=(('disk_gb', 'desc'), ('name', 'desc')), is_public=None), '54321'),
        (FlavorQuery(sort=(('description', 'desc'),)), '312'),
        (FlavorQuery(limit=2), '12'),
        (FlavorQuery(limit=2, marker='2'), '3'),
        (FlavorQuery(sort=(('vcpus', 'desc'),), is_public=None, marker='5'), '3421'),
        (FlavorQuery(sort=(('vcpus', 'desc'),), is_public=None, marker='3', limit=2), '42'),
        (FlavorQuery(sort=(('description', 'asc'),), marker='1'), '23'),
    ],
)
def test_flavor_lists(stocked, query, ids):
    assert ''.join(flavor.id for flavor in flavors.listing(stocked, query)) == ids


def test_an_unknown_marker_is_refused(stocked):
    with pytest.raises(errors.Invalid, match='marker nothing'):
        flavors.listing(stocked, FlavorQuery(marker='nothing'))


@pytest.mark.parametrize(('flavor_id', 'project_id', 'seen'), [('1', 'q', True), ('4', 'p', True), ('4', 'q', False)])
def test_private_flavors_are_for_their_projects(stocked, flavor_id, project_id, seen):
    if seen:
        assert flavors.get(stocked, flavor_id, project_id).id == flavor_id
    else:
        with pytest.raises(errors.NotFound, match='Flavor 4 could not be found'):
            flavors.get(stocked, flavor_id, project_id)


@pytest.mark.parametrize(
    ('change', 'error', 'text'),
    [
        (
            lambda api_tx: flavors.create(api_tx, dataclasses.replace(SMALL, name='new')),
            errors.Conflict,
            'ID 1 already exists',
        ),
        (
            lambda api_tx: flavors.create(api_tx, Flavor('9', 'small', 1, 1, 1)),
            errors.Conflict,
            'name small already exists',
        ),
        (lambda api_tx: flavors.grant(api_tx, '4', 'p'), errors.Conflict, 'already exists for flavor 4 and project p'),
        (lambda api_tx: flavors.grant(api_tx, '9', 'p'), errors.NotFound, 'Flavor 9'),
        (lambda api_tx: flavors.revoke(api_tx, '4', 'q'), errors.NotFound, 'not found for 4 / q'),
        (lambda api_tx: flavors.revoke(api_tx, '9', 'q'), errors.NotFound, 'Flavor 9 could'),
        (lambda api_tx: flavors.remove(api_tx, '9'), errors.NotFound, 'Flavor 9'),
        (lambda api_tx: flavors.set_description(api_tx, '9', 'x'), errors.NotFound, 'Flavor 9'),
        (lambda api_tx: flavors.set_extra_specs(api_tx, '9', {}), errors.NotFound, 'Flavor 9'),
        (lambda api_tx: flavors.remove_extra_spec(api_tx, '2', 'y'), errors.NotFound, 'no extra specs with key y'),
    ],
)
def test_what_flavors_refuse(stocked, change, error, text):
    with pytest.raises(error, match=text):
        change(stocked)
    # The transaction goes on after a refusal.
    assert len(flavors.listing(stocked, FlavorQuery(is_public=None))) == 5


def test_flavors_change(stocked):
    assert flavors.set_description(stocked, '1', ASTRAL).description == ASTRAL
    assert flavors.set_extra_specs(stocked, '2', {'x': '1', 'y': '2'}) == {
        'hw:cpu_policy': 'shared',
        'x': '1',
        'y': '2',
    }
    flavors.remove_extra_spec(stocked, '2', 'x')
    assert flavors.get(stocked, '2').extra_specs == {'hw:cpu_policy': 'shared', 'y': '2'}
    flavors.grant(stocked, '4', 'q')
    assert flavors.accesses(stocked, '4') == ['p', 'q']
    flavors.revoke(stocked, '4', 'p')
    assert flavors.accesses(stocked, '4') == ['q']
    flavors.remove(stocked, '4')
    assert flavors.accesses(stocked, '4') == []


def a_keypair(name, user='u'):
    return KeyPair(name, user, 'ssh-rsa AAAA', 'aa:bb', created_at=NOON)


def test_keypairs(api_tx):
    for name in ('b', 'a', ASTRAL, 'A'):
        keypairs.create(api_tx, a_keypair(name))
    keypairs.create(api_tx, a_keypair('a', 'other'))
    found = keypairs.get(api_tx, 'u', ASTRAL)
    assert dataclasses.replace(found, id=None) == a_keypair(ASTRAL)
    assert [pair.name for pair in keypairs.listing(api_tx, 'u')] == ['A', 'a', 'b', ASTRAL]
    assert [pair.name for pair in keypairs.listing(api_tx, 'u', marker='A', limit=2)] == ['a', 'b']
    assert keypairs.count(api_tx, 'u') == 4
    keypairs.remove(api_tx, 'u', 'a')
    assert keypairs.find(api_tx, 'u', 'a') is None
    assert keypairs.find(api_tx, 'other', 'a') is not None


@pytest.mark.parametrize(
    ('change', 'error'),
    [
        (lambda api_tx: keypairs.get(api_tx, 'u', 'x'), errors.NotFound),
        (lambda api_tx: keypairs.remove(api_tx, 'u', 'x'), errors.NotFound),
        (lambda api_tx: keypairs.listing(api_tx, 'u', marker='x'), errors.Invalid),
        (lambda api_tx: keypairs.create(api_tx, a_keypair('a')), errors.Conflict),
    ],
)
def test_what_keypairs_refuse(api, change, error):
    with api.writing() as api_tx:
        keypairs.create(api_tx, a_keypair('a'))
    with pytest.raises(error), api.writing() as api_tx:
        change(api_tx)


def test_the_nearest_limit_holds(api_tx):
    options = {'cores': 20, 'instances': 10, 'ram': 1, 'key_pairs': 100}
    quotas.set_class_limits(api_tx, 'default', {'instances': 11, 'ram': 2, 'cores': 21})
    quotas.set_class_limits(api_tx, 'gold', {'key_pairs': 5})
    quotas.set_project_limits(api_tx, 'p', {'ram': 3, 'cores': 22})
    quotas.set_user_limits(api_tx, 'p', 'u', {'cores': 23})
    assert quotas.limits(api_tx, 'q', defaults=options) == {'cores': 21, 'instances': 11, 'ram': 2, 'key_pairs': 100}
    assert quotas.limits(api_tx, 'p', defaults=options) == {'cores': 22, 'instances': 11, 'ram': 3, 'key_pairs': 100}
    assert quotas.limits(api_tx, 'p', 'u', options) == {'cores': 23, 'instances': 11, 'ram': 3, 'key_pairs': 100}
    assert quotas.class_limits(api_tx, 'gold') == {'key_pairs': 5}


def test_limits_are_changed_and_given_up(api_tx):
    quotas.set_project_limits(api_tx, 'p', {'cores': 1})
    quotas.set_project_limits(api_tx, 'p', {'cores': -1, 'ram': 5})
    quotas.set_user_limits(api_tx, 'p', 'u', {'cores': 3})
    quotas.set_user_limits(api_tx, 'p', 'v', {'cores': 4})
    assert quotas.limits(api_tx, 'p') == {'cores': -1, 'ram': 5}
    quotas.remove_user_limits(api_tx, 'p', 'u')
    assert quotas.limits(api_tx, 'p', 'u') == {'cores': -1, 'ram': 5}
    quotas.remove_project_limits(api_tx, 'p')
    assert quotas.limits(api_tx, 'p', 'v') == {}


def test_aggregates_make_zones(api_tx):
    north = aggregates.create(api_tx, 'north', {'availability_zone': 'n', 'ssd': 'true'})
    other = aggregates.create(api_tx, ASTRAL, {'gpu': 'yes'})
    aggregates.add_host(api_tx, north.id, 'h1')
    aggregates.add_host(api_tx, other.id, 'h1')
    aggregates.add_host(api_tx, other.id, 'h2')
    assert aggregates.zones(api_tx) == {'h1': 'n'}
    assert aggregates.of_hosts(api_tx) == {'h1': (north.metadata, other.metadata), 'h2': (other.metadata,)}
    assert [(found.name, found.hosts) for found in aggregates.listing(api_tx)] == [
        ('north', ('h1',)),
        (ASTRAL, ('h1', 'h2')),
    ]
    aggregates.change(api_tx, north.id, metadata={'availability_zone': 'm'})
    aggregates.remove_host(api_tx, other.id, 'h2')
    aggregates.remove_host(api_tx, other.id, 'h1')
    aggregates.remove(api_tx, other.id)
    assert aggregates.zones(api_tx) == {'h1': 'm'}
    assert aggregates.get(api_tx, north.id).metadata == {'availability_zone': 'm'}


@pytest.mark.parametrize(
    ('change', 'error'),
    [
        (lambda api_tx, one: aggregates.create(api_tx, 'one'), errors.Conflict),
        (lambda api_tx, one: aggregates.add_host(api_tx, one, 'h1'), errors.Conflict),
        (lambda api_tx, one: aggregates.add_host(api_tx, one + 99, 'h1'), errors.NotFound),
        (lambda api_tx, one: aggregates.remove_host(api_tx, one, 'h2'), errors.NotFound),
        (lambda api_tx, one: aggregates.remove(api_tx, one + 99), errors.NotFound),
        (lambda api_tx, one: aggregates.remove(api_tx, one), errors.Invalid),
        (lambda api_tx, one: aggregates.get(api_tx, one + 99), errors.NotFound),
    ],
)
def test_what_aggregates_refuse(api, change, error):
    with api.writing() as api_tx:
        one = aggregates.create(api_tx, 'one').id
        aggregates.add_host(api_tx, one, 'h1')
    with pytest.raises(error), api.writing() as api_tx:
        change(api_tx, one)


def test_what_placement_is_to_be_told_of_memberships(api_tx):
    one = aggregates.create(api_tx, 'one')
    aggregates.add_host(api_tx, one.id, 'h1')
    aggregates.add_host(api_tx, one.id, 'h2')
    aggregates.remove_host(api_tx, one.id, 'h1')
    untold = aggregates.untold(api_tx)
    assert [(entry.aggregate_uuid, entry.host, entry.holds) for entry in untold] == [
        (one.uuid, 'h1', False),
        (one.uuid, 'h2', True),
    ]
    aggregates.told(api_tx, untold)
    assert aggregates.untold(api_tx) == []


def test_a_membership_that_changed_while_placement_was_told_is_told_again(api_tx):
    one = aggregates.create(api_tx, 'one')
    aggregates.add_host(api_tx, one.id, 'h1')
    (old,) = aggregates.untold(api_tx)
    aggregates.remove_host(api_tx, one.id, 'h1')
    # Somebody else tells Placement so, before the older state is told.
    aggregates.told(api_tx, aggregates.untold(api_tx))
    aggregates.told(api_tx, [old])
    assert [entry.holds for entry in aggregates.untold(api_tx)] == [False]


def test_server_groups_are_counted_and_listed_in_their_order(api_tx):
    assert server_groups.count(api_tx, 'p') == server_groups.count(api_tx, 'p', 'u') == 0
    made = [server_groups.create(api_tx, f'{name}{ASTRAL}', 'p', 'u', 'affinity') for name in 'cab']
    other = server_groups.create(api_tx, 'x', 'q', 'u', 'anti-affinity', {'max_server_per_host': 2})
    assert server_groups.count(api_tx, 'p') == server_groups.count(api_tx, 'p', 'u') == 3
    assert server_groups.count(api_tx, 'p', 'v') == 0
    assert server_groups.listing(api_tx, 'p', 10) == made
    assert server_groups.listing(api_tx, None, 2, 2) == [made[2], other]


def test_members_of_a_group_are_its_living_servers(api_tx):
    group = server_groups.create(api_tx, 'x', 'p', 'u', 'affinity')
    mappings.create_many(api_tx, [(an_id(number), 'p', 'u') for number in (1, 2, 3)])
    server_groups.add_members(api_tx, group.id, [an_id(2), an_id(1), an_id(9)])
    mappings.queue_for_delete(api_tx, an_id(2))
    assert server_groups.get(api_tx, group.id).members == (an_id(1),)
    server_groups.remove(api_tx, group.id)
    assert server_groups.count_members(api_tx, group.id) == 0


def test_cells(api_tx):
    one = cells.create(api_tx, 'one', 'rabbit://a', 'mysql://a')
    zero = cells.create(api_tx, 'cell0', 'none:///', 'mysql://0', cell_id=CELL0_ID)
    assert cells.listing(api_tx) == [zero, one]
    cells.change(api_tx, one.id, name=ASTRAL, disabled=True)
    assert cells.get(api_tx, one.id) == Cell(one.id, ASTRAL, 'rabbit://a', 'mysql://a', True)
    cells.remove(api_tx, one.id)
    assert cells.find(api_tx, one.id) is None


@pytest.mark.parametrize(('bus', 'database'), [('rabbit://a', 'mysql://b'), ('rabbit://b', 'mysql://a')])
def test_cells_do_not_share(api_tx, bus, database):
    cells.create(api_tx, 'one', 'rabbit://a', 'mysql://a')
    with pytest.raises(errors.Conflict):
        cells.create(api_tx, 'two', bus, database)


def test_hosts_belong_to_one_cell(api_tx):
    one, two = (cells.create(api_tx, name, f'rabbit://{name}', f'mysql://{name}').id for name in ('one', 'two'))
    assert host_mappings.add(api_tx, one, ['h2', 'h1', 'h1']) == ['h1', 'h2']
    assert host_mappings.add(api_tx, one, ['h1', 'h3']) == ['h3']
    assert host_mappings.add(api_tx, one, []) == []
    with pytest.raises(errors.Conflict, match='h1'):
        host_mappings.add(api_tx, two, ['h1'])
    host_mappings.add(api_tx, two, ['h4'])
    assert host_mappings.listing(api_tx, two) == [('h4', two)]
    assert [host for host, _cell in host_mappings.listing(api_tx)] == ['h1', 'h2', 'h3', 'h4']
    assert host_mappings.find(api_tx, 'h4') == two
    assert host_mappings.remove(api_tx, 'h4')
    assert not host_mappings.remove(api_tx, 'h4')
    assert host_mappings.remove_all_of_cell(api_tx, one) == 3


def test_a_server_is_mapped_from_its_request_to_its_cell(api_tx):
    cell = cells.create(api_tx, 'one', 'rabbit://a', 'mysql://a').id
    mappings.create_many(api_tx, [(an_id(1), 'p', 'u', 2, 512), (an_id(2), 'p', 'v', 1, 256), (an_id(3), 'q', 'u')])
    assert mappings.count_usage(api_tx, 'p') == Usage(2, 3, 768)
    assert mappings.count_usage(api_tx, 'p', 'v') == Usage(1, 1, 256)
    assert mappings.find(api_tx, an_id(1))[:4] == (None, 'p', 'u', False)
    mappings.set_cell(api_tx, an_id(1), cell)
    mappings.queue_for_delete(api_tx, an_id(2))
    assert mappings.find(api_tx, an_id(1)).cell_id == cell
    assert mappings.count_usage(api_tx, 'p') == Usage(1, 2, 512)
    assert mappings.count_in_cell(api_tx, cell) == 1
    assert set(mappings.find_many(api_tx, [an_id(1), an_id(3), an_id(9)])) == {an_id(1), an_id(3)}
    assert mappings.remove_all_of_cell(api_tx, cell) == 1
    assert mappings.find(api_tx, an_id(1)) is None


def test_requests_are_kept_for_moves(api_tx):
    mappings.keep_request(api_tx, an_id(1), {'a': 1})
    mappings.keep_request(api_tx, an_id(1), {'a': ASTRAL})
    assert mappings.find_request(api_tx, an_id(1)) == {'a': ASTRAL}
    mappings.remove_request(api_tx, an_id(1))
    assert mappings.find_request(api_tx, an_id(1)) is None
