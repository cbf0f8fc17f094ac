"""What a person reads."""

import pytest

from nova.standalone import access, cli, report
from nova.standalone.layout import Layout
from nova.standalone.secrets import Secrets


@pytest.mark.parametrize(
    ('seconds', 'words'),
    [(0, '0 s'), (59.9, '59 s'), (60, '1 min 0 s'), (185, '3 min 5 s'), (7800, '2 h 10 min'), (273600, '3 d 4 h')],
)
def test_durations(seconds, words):
    assert report.duration(seconds) == words


def test_columns_line_up():
    lines = report.table([('a', 'ready'), ('longer', 'x')], headings=('NAME', 'STATE')).splitlines()
    assert lines == ['NAME    STATE', 'a       ready', 'longer  x']


@pytest.fixture
def layout(tmp_path):
    layout = Layout(tmp_path, driver='fake')
    layout.make_directories()
    return layout


@pytest.mark.parametrize(('cloud', 'user'), [('nova', 'admin'), ('nova-demo', 'demo')])
def test_clouds_yaml_and_env_say_the_same(layout, cloud, user):
    import yaml

    secrets = Secrets(layout.secrets)
    access.write_clouds_yaml(layout, secrets)
    auth = yaml.safe_load(layout.clouds_yaml.read_text())['clouds'][cloud]['auth']
    variables = access.variables(layout, secrets, cloud)
    assert auth['username'] == variables['OS_USERNAME'] == user
    assert auth['password'] == variables['OS_PASSWORD']
    assert auth['auth_url'] == variables['OS_AUTH_URL']


def test_env_can_be_evaluated_by_a_shell(layout):
    import subprocess

    lines = access.shell_lines(layout, Secrets(layout.secrets), 'nova-demo')
    script = '\n'.join([*lines, 'echo "$OS_USERNAME at $OS_AUTH_URL"'])
    done = subprocess.run(['sh', '-eu', '-c', script], capture_output=True, text=True, check=True)
    assert done.stdout == 'demo at http://127.0.0.1:5000/v3\n'


@pytest.mark.parametrize('command', ['status', 'env', 'logs', 'down'])
def test_without_a_cloud_the_commands_say_how_to_make_one(tmp_path, capsys, command):
    assert cli.main([command, '--state-dir', str(tmp_path / 'none')]) == 1
    assert '`nova-standalone up` makes one' in capsys.readouterr().err
    assert not (tmp_path / 'none').exists()


@pytest.mark.parametrize('order', [('--state-dir', '{}', 'status'), ('status', '--state-dir', '{}')])
def test_common_options_stand_before_or_after_the_command(tmp_path, order):
    options = cli.parser().parse_args([word.format(tmp_path) for word in order])
    assert options.state_dir == tmp_path


@pytest.mark.parametrize(
    ('console', 'shown'),
    [
        (['GUEST-HOSTNAME a', 'GUEST-READY', '', 'BusyBox', '/ # \x1b[6n'], ['GUEST-HOSTNAME a', 'GUEST-READY']),
        (['\x1b[2Jbooting', '', 'first login:'], ['[2Jbooting', 'first login:']),
        ([], []),
    ],
)
def test_last_words_end_with_the_report_and_hold_no_control_characters(console, shown):
    assert report.last_words(console) == shown
