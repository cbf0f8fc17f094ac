import contextlib
import re

import pytest

from nova.cmd import manage
from nova.cmd.manage.table import mask
from nova.db import migrations
from nova.db.database import Database
from nova.db.stores import cells, host_mappings, hosts, mappings, servers
from nova.domain.cell import CELL0_ID
from nova.domain.lifecycle import State
from tests.unit.db.builders import NOON, a_report, a_server, an_id


class Site:
    """A configuration file, the databases that it names, and nova-manage with it."""

    def __init__(self, directory, transport_url='rabbit://u:secret@h:5672/'):
        self.directory = directory
        self.conf = directory / 'nova.conf'
        self.url = f'sqlite:///{directory}/nova.db'
        self.main, self.api = Database(self.url), Database(f'sqlite:///{directory}/nova_api.db')
        bus = f'transport_url = {transport_url}' if transport_url else ''
        self.conf.write_text(
            f'[DEFAULT]\n{bus}\n[database]\nconnection = {self.url}\n[api_database]\nconnection = {self.api.url}\n'
        )

    def __call__(self, command):
        with contextlib.suppress(SystemExit):
            return manage.run([*command.split(), '--config-file', str(self.conf)])
        return 'usage'

    def set_up(self):
        """Tables, cell0 and one cell; the cell's id."""
        assert self('api_db sync + cell_v2 map_cell0 + db sync + cell_v2 create_cell --name one') == 0
        with self.api.reading() as tx:
            return next(cell.id for cell in cells.listing(tx) if not cell.is_cell0)

    def report(self, *names):
        with self.main.writing() as tx:
            for name in names:
                hosts.report(tx, a_report(name), NOON)

    def put(self, cell_id, number=1, **fields):
        with self.main.writing() as tx:
            servers.create(tx, a_server(number, **fields))
        with self.api.writing() as tx:
            mappings.create(tx, an_id(number), 'p', 'u', cell_id)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.fixture
def busless(tmp_path):
    return Site(tmp_path, transport_url=None)


@pytest.mark.parametrize(
    ('command', 'says'),
    [('', ['api_db', 'cell_v2', 'db']), ('db', ['sync', 'version']), ('cell_v2', ['map_cell0', 'discover_hosts'])],
)
def test_what_there_is_is_listed(site, capsys, command, says):
    assert site(command) == 0
    said = capsys.readouterr().out
    assert all(re.search(rf'^ +{word}\b', said, re.MULTILINE) for word in says)


def test_tables_are_made_and_their_version_told(site, capsys):
    assert site('api_db sync') == 0
    assert site('db sync --local_cell') == 0
    assert site('api_db version') == site('db version') == 0
    assert capsys.readouterr().out.split() == [migrations.head('api'), migrations.head('cell')]


@pytest.mark.parametrize('command', ['db sync 402', 'api_db sync 67', 'db sync nothing'])
def test_versions_of_another_time_are_refused(site, command):
    assert site(command) == 1


@pytest.mark.parametrize(
    ('written', 'told'),
    [
        ('[database]\nconnection = ::secret::\n', 'mysql+pymysql://user:password@host/nova'),
        ('[database]\nconnection = oracle://u:secret@h/nova\n', 'sqlite, mysql, mariadb, postgresql'),
        ('[database]\nconnection = mysql+none://u:secret@h/nova\n', 'mysql+pymysql://user:password@host/nova'),
        ('', 'set [database] connection'),
        ('no option\n', '{conf}:1'),
        ('[quota]\ncores = many\n', 'cores from {conf} is not valid'),
        (None, '{conf}'),
    ],
)
def test_a_configuration_that_cannot_be_used_is_said_in_a_sentence(site, capsys, written, told):
    site.conf.unlink()
    if written is not None:
        site.conf.write_text(written)
    assert site('db version') == 1
    said = capsys.readouterr().err
    assert told.format(conf=site.conf) in said
    assert len(said.splitlines()) == 1
    assert 'secret' not in said


@pytest.mark.parametrize('command', ['db sync', 'cell_v2 create_cell', 'image_property set'])
def test_help_shows_an_example(capsys, command):
    with pytest.raises(SystemExit):
        manage.run([*command.split(), '--help'])
    assert f'Example: nova-manage {command} ' in ' '.join(capsys.readouterr().out.split())


def test_tables_of_a_newer_version_are_left_alone(site, capsys):
    assert site('db sync --local_cell') == 0
    with site.main.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = 'cell_9999'")
    capsys.readouterr()
    assert site('db sync --local_cell') == 1
    said = capsys.readouterr().err
    assert 'cell_9999' in said
    assert len(said.splitlines()) == 1


def test_a_file_that_is_no_database_is_named(site, capsys):
    (site.directory / 'nova.db').write_bytes(b'no database' * 1000)
    assert site('db version') == 1
    said = capsys.readouterr().err
    assert f'{site.directory}/nova.db' in said
    assert len(said.splitlines()) == 1


def test_options_stand_before_or_after_the_command(site, capsys):
    assert manage.run(['--config-file', str(site.conf), '--debug', 'api_db', 'sync']) == 0
    assert manage.run(['api_db', 'version', '--config-file', str(site.conf), '--nodebug']) == 0
    assert manage.run(['api_db', '--config-file', str(site.conf), 'version', '--log-file', '/dev/null']) == 0
    assert capsys.readouterr().out.split() == [migrations.head('api')] * 2
    assert manage.run(['--version']) == 0


def test_a_run_ends_with_the_first_command_that_fails(site, capsys):
    assert site('api_db sync + db sync 402 + api_db version') == 1
    assert migrations.head('api') not in capsys.readouterr().out


@pytest.mark.parametrize(('before', 'migrated'), [('api_db sync + cell_v2 map_cell0', True), ('api_db sync', False)])
def test_cell0_gets_its_tables_with_the_main_database(site, before, migrated):
    assert site(before) == 0
    assert site('db sync') == 0
    zero = Database(f'sqlite:///{site.directory}/nova_cell0.db')
    assert (migrations.version(zero, 'cell') is not None) is migrated


def test_cell0_that_cannot_be_reached_is_told_and_the_main_database_is_served(site):
    assert site('db sync') == 1
    assert migrations.version(site.main, 'cell') == migrations.head('cell')


def test_a_cell_is_made_once(site, capsys):
    cell_id = site.set_up()
    assert site('cell_v2 create_cell --name again') == 2
    assert (
        site('cell_v2 create_cell --name b --transport-url rabbit://b --database_connection sqlite:////b --disabled')
        == 0
    )
    assert capsys.readouterr().out == ''
    assert site('cell_v2 create_cell --verbose --transport-url rabbit://c --database_connection sqlite:////c') == 0
    assert re.fullmatch(r'[0-9a-f-]{36}\n', capsys.readouterr().out)
    assert site('cell_v2 list_cells') == 0
    listed = capsys.readouterr().out
    assert re.search(rf'\| one +\| {cell_id} \| rabbit://u:\*\*\*\*@h:5672/ .*\| False +\|', listed)
    assert re.search(r'\| b +\|.*\| True +\|', listed)
    assert 'secret' not in listed
    site('cell_v2 list_cells --verbose')
    assert 'secret' in capsys.readouterr().out


@pytest.mark.parametrize(
    'command',
    [
        'cell_v2 create_cell',
        'cell_v2 simple_cell_setup',
        'cell_v2 map_cell_and_hosts',
        'cell_v2 create_cell --transport-url nonsense',
        'cell_v2 create_cell --transport-url rabbit://h --database_connection nonsense',
    ],
)
def test_a_cell_needs_a_bus_and_a_database(busless, command):
    assert busless('api_db sync') == 0
    assert busless(command) == 1


def test_hosts_are_discovered_once(site, capsys):
    cell_id = site.set_up()
    assert site('cell_v2 discover_hosts --strict') == 1
    assert site('cell_v2 discover_hosts') == 0
    site.report('h1', 'h2')
    assert site('cell_v2 discover_hosts --strict --verbose') == 0
    assert 'h2' in capsys.readouterr().out
    assert site('cell_v2 discover_hosts') == 0
    assert site(f'cell_v2 discover_hosts --cell_uuid {cell_id} --strict') == 1
    assert site(f'cell_v2 discover_hosts --cell_uuid {an_id(9)}') == 1
    assert site('cell_v2 list_hosts') == 0
    assert re.search(rf'\| one +\| {cell_id} \| h1 +\|', capsys.readouterr().out)
    assert site(f'cell_v2 list_hosts --cell_uuid {an_id(9)}') == 1


def test_a_host_in_two_cells_is_told(site):
    site.set_up()
    site.report('h1')
    with site.api.writing() as tx:
        other = cells.create(tx, 'other', 'rabbit://o', f'sqlite:///{site.directory}/other.db')
        host_mappings.add(tx, other.id, ['h1'])
    assert site('cell_v2 discover_hosts') == 2


def test_a_simple_setup_needs_hosts(site):
    assert site('api_db sync + db sync --local_cell') == 0
    assert site('cell_v2 simple_cell_setup') == 1
    site.report('h1')
    assert site('cell_v2 simple_cell_setup') == 0
    assert site('cell_v2 simple_cell_setup') == 0
    with site.api.reading() as tx:
        assert [cell.is_cell0 for cell in cells.listing(tx)] == [True, False]
        assert [host for host, _cell in host_mappings.listing(tx)] == ['h1']


def test_mapping_a_cell_again_changes_nothing(site, capsys):
    assert site('api_db sync + db sync --local_cell') == 0
    site.report('h1')
    assert site('cell_v2 map_cell_and_hosts --name n --verbose') == 0
    first = capsys.readouterr().out
    assert site('cell_v2 map_cell_and_hosts --verbose') == 0
    assert capsys.readouterr().out.endswith(first)


@pytest.mark.parametrize(
    ('options', 'code'),
    [
        ('--name new', 0),
        ('--disable', 0),
        ('--enable --disable', 4),
        ('--transport-url nonsense', 2),
        ('--transport-url rabbit://other', 3),
        ('--database_connection sqlite:////other', 3),
    ],
)
def test_a_cell_is_changed(site, options, code):
    cell_id = site.set_up()
    with site.api.writing() as tx:
        cells.create(tx, 'other', 'rabbit://other', 'sqlite:////other')
    assert site(f'cell_v2 update_cell --cell_uuid {cell_id} {options}') == code


@pytest.mark.parametrize(
    ('cell_id', 'options', 'code'), [(CELL0_ID, '--disable', 5), (CELL0_ID, '--enable', 5), (an_id(9), '', 1)]
)
def test_some_cells_cannot_be_changed(site, cell_id, options, code):
    site.set_up()
    assert site(f'cell_v2 update_cell --cell_uuid {cell_id} {options}') == code


@pytest.mark.parametrize(
    ('has_host', 'state', 'option', 'code'),
    [
        (False, None, '', 0),
        (True, None, '', 2),
        (True, None, '--force', 0),
        (False, State.ACTIVE, '', 3),
        (False, State.ACTIVE, '--force', 3),
        (True, State.ACTIVE, '--force', 3),
        (False, State.DELETED, '', 4),
        (False, State.DELETED, '--force', 0),
    ],
)
def test_a_cell_in_use_stays(site, has_host, state, option, code):
    cell_id = site.set_up()
    if has_host:
        site.report('h1')
        site('cell_v2 discover_hosts')
    if state:
        site.put(cell_id, state=state)
    assert site(f'cell_v2 delete_cell --cell_uuid {cell_id} {option}') == code
    with site.api.reading() as tx:
        assert (cells.find(tx, cell_id) is None) is (code == 0)


def test_a_cell_that_is_not_there_is_not_deleted(site):
    site.set_up()
    assert site(f'cell_v2 delete_cell --cell_uuid {an_id(9)}') == 1


def test_an_empty_host_is_forgotten(site):
    cell_id = site.set_up()
    site.report('h1', 'h2')
    site('cell_v2 discover_hosts')
    site.put(cell_id, host='h2')
    delete = 'cell_v2 delete_host --cell_uuid {} --host {}'
    assert site(delete.format(an_id(9), 'h1')) == 1
    assert site(delete.format(cell_id, 'h3')) == 2
    assert site(delete.format(CELL0_ID, 'h1')) == 3
    assert site(delete.format(cell_id, 'h2')) == 4
    assert site(delete.format(cell_id, 'h1')) == 0
    assert site(delete.format(cell_id, 'h1')) == 2
    with site.main.reading() as tx:
        assert hosts.names(tx) == ['h2']


def test_a_server_is_verified(site, capsys):
    cell_id = site.set_up()
    verify = 'cell_v2 verify_instance --uuid {}'
    site.put(cell_id, 1)
    site.put(None, 2)
    site.put(cell_id, 3, state=State.DELETED)
    with site.api.writing() as tx:
        mappings.create(tx, an_id(4), 'p', 'u', cell_id)
    assert [site(verify.format(an_id(number))) for number in (1, 9, 2, 3, 4)] == [0, 1, 2, 3, 4]
    capsys.readouterr()
    assert site(verify.format(an_id(1)) + ' --quiet') == 0
    assert capsys.readouterr().out == ''


@pytest.mark.parametrize(
    ('url', 'shown'),
    [
        ('sqlite:////x/y@z', 'sqlite:////x/y@z'),
        ('rabbit://h:5672/', 'rabbit://h:5672/'),
        ('rabbit://u@h/', 'rabbit://u@h/'),
        ('mysql+pymysql://u:p@h/d?x=1', 'mysql+pymysql://u:****@h/d?x=1'),
        ('rabbit://u1:p1@h1:1,u2:p2@h2:2/', 'rabbit://u1:****@h1:1,u2:****@h2:2/'),
        ('rabbit://u:p,q@h/', 'rabbit://u:****@h/'),
        ('rabbit://u:p@q@h/', 'rabbit://u:****@h/'),
    ],
)
def test_passwords_are_hidden(url, shown):
    assert mask(url) == shown
