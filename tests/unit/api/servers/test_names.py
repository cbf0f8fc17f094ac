"""Names of servers, where the operator wants each only once."""

import pytest

from nova.domain.lifecycle import State
from tests.unit.api.servers.asking import create, refused
from tests.unit.api.servers.world import IMAGE_ID, World


@pytest.fixture
def unique(tmp_path, template):
    """A world of which each project's servers have names of their own."""
    made = World(tmp_path, template, unique_server_name_scope='project')
    yield made
    made.databases.close()


def refusal(name):
    return 409, f'Another instance is already named {name}.'


@pytest.mark.parametrize('name', ['web', 'WEB', 'x' * 255, '(a+b)*?', 'Grün'])
def test_letters_may_be_any_and_small_or_capital(unique, name):
    unique.server(name=name)
    assert refused(unique, name=name) == refusal(name)
    assert refused(unique, name=name.swapcase()) == refusal(name.swapcase())
    create(unique, name='y')
    assert refused(unique, name='Y') == refusal('Y')


def test_a_deleted_server_needs_its_name_no_more(unique):
    unique.server(name='web', state=State.DELETED)
    create(unique, name='web')


def test_a_server_gets_no_other_servers_name_later(unique):
    unique.server(1, name='web')
    unique.server(2, name='web', project_id='other', user_id='bob')
    path = f'/servers/{unique.server(3, name="db").id}'
    taken = refusal('Web')
    assert unique.fault('PUT', path, {'server': {'name': 'Web'}}) == taken
    # The server's project counts, whoever changes it.
    assert unique.fault('PUT', path, {'server': {'name': 'Web'}}, token='admin') == taken
    assert unique.fault('POST', f'{path}/action', {'rebuild': {'imageRef': IMAGE_ID, 'name': 'Web'}}) == taken
    assert unique.get(path)['server']['name'] == 'db'


@pytest.mark.parametrize('name', ['db', 'DB', 'new'])
def test_a_server_may_keep_its_name_and_take_a_free_one(unique, name):
    server = unique.server(name='db')
    shown = unique.send('PUT', f'/servers/{server.id}', {'server': {'name': name}}, status=200)
    assert shown['server']['name'] == name
