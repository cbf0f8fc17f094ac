import dataclasses
import itertools

import pytest

from nova import errors
from nova.db.stores import servers
from nova.domain.flavor import Flavor
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.queries import ServerQuery
from nova.domain.server import Fault
from tests.unit.db.builders import ASTRAL, a_port, a_server, an_id, later

CAST = (
    a_server(1, name='web-1', host='h1', metadata={'role': 'web', 'n': '1'}, tags=('blue', 'green')),
    a_server(2, name='web-2', host='h2', metadata={'role': 'web'}, tags=('blue',), user_id='v', power=Power.RUNNING),
    a_server(
        3, name=ASTRAL, image_id='i', state=State.ERROR, fault=Fault(500, 'why'), locked=True, availability_zone='z'
    ),
    a_server(
        4, name='db', project_id='q', reservation_id='r-1', ports=(a_port('10.0.0.1', 'fd00::1'), a_port('10.1.0.2'))
    ),
    a_server(5, name='DB', activity=Activity.SPAWNING, state=State.BUILDING, keypair=KeyPair('k', 'u', 'key', 'fp')),
    a_server(6, name='gone', state=State.DELETED, flavor=Flavor('2', 'm1.large', 4, 4096, 10)),
    a_server(7, name='twin', created_at=later(8)),
    a_server(8, name='twin', created_at=later(8), tags=('red',)),
)
FILTERS = [
    (ServerQuery(), '12345 78'),
    (ServerQuery(deleted=None), '12345678'),
    (ServerQuery(deleted=True), '6'),
    (ServerQuery(project_id='q'), '4'),
    (ServerQuery(project_id='p', user_id='v'), '2'),
    (ServerQuery(name='web'), '12'),
    (ServerQuery(name='^w.*2$'), '2'),
    (ServerQuery(name='🚀'), '3'),
    (ServerQuery(name='^db$'), '4'),
    (ServerQuery(ids=(an_id(1), an_id(4), an_id(99))), '14'),
    (ServerQuery(ids=()), ''),
    (ServerQuery(states=(State.ERROR, State.BUILDING)), '35'),
    (ServerQuery(states=()), ''),
    (ServerQuery(activity=Activity.SPAWNING), '5'),
    (ServerQuery(busy=True), '5'),
    (ServerQuery(busy=False), '123478'),
    (ServerQuery(power=Power.RUNNING), '2'),
    (ServerQuery(host='h1'), '1'),
    (ServerQuery(image_id='i'), '3'),
    (ServerQuery(locked=True), '3'),
    (ServerQuery(locked=False), '124578'),
    (ServerQuery(availability_zone='z'), '3'),
    (ServerQuery(reservation_id='r-1'), '4'),
    (ServerQuery(flavor_id='2', deleted=None), '6'),
    (ServerQuery(key_name='k'), '5'),
    (ServerQuery(ip='10.0'), '4'),
    (ServerQuery(ip='^10[.]1'), '4'),
    (ServerQuery(ip='0.2$'), '4'),
    (ServerQuery(ip='^0'), ''),
    (ServerQuery(ip='fd00'), ''),
    (ServerQuery(ip6='^fd00'), '4'),
    (ServerQuery(metadata={'role': 'web'}), '12'),
    (ServerQuery(metadata={'role': 'web', 'n': '1'}), '1'),
    (ServerQuery(metadata={'role': 'WEB'}), ''),
    (ServerQuery(tags=('blue',)), '12'),
    (ServerQuery(tags=('blue', 'green')), '1'),
    (ServerQuery(tags_any=('green', 'red')), '18'),
    (ServerQuery(not_tags=('blue', 'green')), '234578'),
    (ServerQuery(not_tags_any=('blue', 'red')), '3457'),
    (ServerQuery(changes_since=later(5)), '578'),
    (ServerQuery(changes_before=later(2)), '12'),
    (ServerQuery(changes_since=later(2), changes_before=later(4), deleted=None), '234'),
    (ServerQuery(created=(later(8), later(9))), '78'),
    (ServerQuery(created=(later(1), later(2)), deleted=None), '1'),
    (ServerQuery(launched=(later(1), later(2))), ''),
    (ServerQuery(phases=((State.BUILDING, (Activity.SPAWNING,)),)), '5'),
    (ServerQuery(phases=((State.BUILDING, (None,)), (State.ERROR, (None, Activity.DELETING)))), '3'),
    (ServerQuery(phases=((State.ERROR, (None, *Activity)),)), '3'),
    (ServerQuery(phases=()), ''),
    (ServerQuery(deleted=True, soft_deleted=True), '6'),
    (ServerQuery(soft_deleted=False), '12345 78'),
    (ServerQuery(image_properties={'kernel_id': 'k%"_'}), ''),
    (ServerQuery(locked_by='owner'), ''),
    (ServerQuery(description='none has this'), ''),
]


@pytest.fixture
def cast(cell):
    with cell.writing() as tx:
        for server in CAST:
            servers.create(tx, server)
    return cell


def numbers(found):
    return ''.join(sorted(str(int(server.id[-2:], 16)) for server in found))


@pytest.mark.parametrize(('query', 'expected'), FILTERS)
def test_the_database_and_values_in_memory_agree_on_filters(cast, query, expected):
    expected = expected.replace(' ', '')
    with cast.reading() as tx:
        assert numbers(servers.listing(tx, query)) == expected
    assert numbers(server for server in CAST if query.accepts(server)) == expected


SORTS = [
    (('created_at', 'desc'),),
    (('created_at', 'asc'),),
    (('name', 'asc'),),
    (('name', 'desc'), ('created_at', 'asc')),
    (('host', 'asc'), ('user_id', 'desc')),
    (('activity', 'desc'),),
    (('launched_at', 'asc'),),
    (('locked', 'desc'), ('power', 'asc')),
    (('key_name', 'asc'),),
    (('flavor_id', 'desc'),),
    (('id', 'asc'),),
    (),
]


@pytest.mark.parametrize(('sort', 'limit'), list(itertools.product(SORTS, (1, 3, 100))))
def test_pages_join_to_the_whole_list_in_one_order(cast, sort, limit):
    query = ServerQuery(deleted=None, sort=sort, limit=limit)
    whole = ServerQuery(deleted=None, sort=sort).in_order(CAST)
    found, marker = [], None
    with cast.reading() as tx:
        while page := servers.listing(tx, dataclasses.replace(query, marker=marker)):
            found += page
            marker = query.position(page[-1])
            assert len(page) <= limit
    assert [server.id for server in found] == [server.id for server in whole]


@pytest.mark.parametrize('sort', SORTS)
def test_values_in_memory_are_paged_alike(sort):
    query = ServerQuery(deleted=None, sort=sort)
    whole = query.in_order(CAST)
    rest = dataclasses.replace(query, marker=query.position(whole[2]), limit=3)
    assert rest.in_order(server for server in CAST if rest.accepts(server)) == whole[3:6]


def test_a_page_costs_a_fixed_number_of_statements(cast):
    with cast.reading() as tx:
        for limit in (1, 8):
            before = cast.statements.value
            found = servers.listing(tx, ServerQuery(deleted=None, sort=(('id', 'asc'),), limit=limit))
            assert len(found) == limit
            assert cast.statements.value - before <= 4


def test_a_list_has_what_belongs_to_its_servers(cast):
    with cast.reading() as tx:
        first, second, third, *_ = servers.listing(tx, ServerQuery(sort=(('id', 'asc'),)))
    assert (first.metadata, first.tags) == ({'role': 'web', 'n': '1'}, ('blue', 'green'))
    assert (second.metadata, second.tags, second.fault) == ({'role': 'web'}, ('blue',), None)
    assert third.fault.message == 'why'


@pytest.mark.parametrize(
    'fields',
    [
        {'name': '('},
        {'name': '*'},
        {'name': 'x' * 256},
        {'name': '(a+)+$'},
        {'ip': 'a*b*c*d*e*f*'},
        {'ip6': '(?i)fd'},
        {'sort': (('nothing', 'asc'),)},
        {'sort': (('name', 'up'),)},
    ],
)
def test_bad_questions_are_refused(fields):
    with pytest.raises(errors.Invalid):
        ServerQuery(**fields)
