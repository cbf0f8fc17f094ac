import pytest

from nova.cmd import policy
from nova.db import migrations
from nova.db.database import Database
from nova.db.stores import mappings

SERVER = '00000000-0000-4000-8000-000000000001'


@pytest.fixture
def check(tmp_path, capsys):
    """Runs nova-policy on a configuration of its own; what it exits with, and the lines that it prints."""
    (tmp_path / 'nova.conf').write_text(
        f'[api_database]\nconnection = sqlite:///{tmp_path}/api.db\n'
        f'[oslo_policy]\npolicy_file = {tmp_path}/policy.yaml\npolicy_dirs = {tmp_path}/policy.d\n'
    )

    def run(*words, **environment):
        capsys.readouterr()
        try:
            code = policy.run([*words, '--config-file', str(tmp_path / 'nova.conf')], environment)
        except SystemExit as end:
            code = end.code
        told = capsys.readouterr()
        return code, (told.out or told.err).splitlines()

    run.directory = tmp_path
    return run


def test_the_rules_that_a_role_passes_are_printed(check):
    code, lines = check('--os-roles', 'reader', 'policy', 'check')
    assert code == 0
    assert 'os_compute_api:servers:index' in lines
    assert 'os_compute_api:servers:create' not in lines
    assert lines == sorted(lines)


def test_the_user_may_come_from_the_environment(check):
    assert 'os_compute_api:os-services:list' in check('policy', 'check', OS_ROLES='admin')[1]
    assert 'os_compute_api:os-services:list' not in check('policy', 'check', OS_ROLES='member,reader')[1]


def test_a_part_of_a_name_picks_rules(check):
    _, lines = check('--os-roles', 'admin', 'policy', 'check', '--api-name', 'os-quota-sets')
    assert lines
    assert all('os-quota-sets' in line for line in lines)


def test_a_target_of_another_project_is_not_passed(check):
    who = ('--os-roles', 'member,reader', '--os-tenant-id', 'mine', '--os-user-id', 'me')
    names = ('policy', 'check', '--api-name', 'servers:delete')
    assert check(*who, *names)[1] == ['os_compute_api:servers:delete']
    assert check(*who, *names, '--target', 'project_id=mine', 'user_id=other')[1] == ['os_compute_api:servers:delete']
    assert check(*who, *names, '--target', 'project_id=other')[1] == []


def test_a_server_as_target_stands_for_its_owners(check):
    database = Database(f'sqlite:///{check.directory}/api.db')
    migrations.upgrade(database, 'api')
    with database.writing() as tx:
        mappings.create(tx, SERVER, 'theirs', 'them')
    database.close()
    names = ('policy', 'check', '--api-name', 'servers:delete', '--target', f'instance_id={SERVER}', 'project_id=mine')
    assert check('--os-roles', 'member', '--os-tenant-id', 'mine', *names)[1] == []
    assert check('--os-roles', 'member', '--os-tenant-id', 'theirs', *names)[1] == ['os_compute_api:servers:delete']
    names = ('policy', 'check', '--target', 'instance_id=00000000-0000-4000-8000-000000000002')
    assert check('--os-roles', 'member', *names) == (
        1,
        ['Instance 00000000-0000-4000-8000-000000000002 could not be found.'],
    )


def test_the_files_are_obeyed_and_a_broken_one_is_said(check):
    (check.directory / 'policy.yaml').write_text('"os_compute_api:os-services:list": "role:auditor"\n')
    assert 'os_compute_api:os-services:list' in check('--os-roles', 'auditor', 'policy', 'check')[1]
    (check.directory / 'policy.yaml').write_text('"os_compute_api:os-services:list": [\n')
    code, lines = check('--os-roles', 'auditor', 'policy', 'check')
    assert code == 1
    assert 'policy.yaml cannot be read' in lines[0]


@pytest.mark.parametrize('words', [('policy', 'check', '--target', 'colour=red'), ('policy', 'chekc'), ('rule',)])
def test_a_wrong_command_is_a_usage_error(check, words):
    assert check(*words)[0] == 2


@pytest.mark.parametrize('words', [('--help',), ('policy', '--help'), ('policy', 'check', '--help'), (), ('policy',)])
def test_help_is_there(check, words):
    code, lines = check(*words)
    assert code == 0
    assert any('nova-policy' in line for line in lines)
