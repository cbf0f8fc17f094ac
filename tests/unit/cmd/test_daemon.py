import signal
import socket

import pytest

from nova.cmd import configuration
from tests.unit.cmd.processes import eventually, free_port, get, log_of, readiness, running

SERVICE = 'tests.unit.cmd.small_service'


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def config(tmp_path, port):
    path = tmp_path / 'nova.conf'
    path.write_text(
        f'[DEFAULT]\nstate_path = {tmp_path}\ngraceful_shutdown_timeout = 7\nhots = typo\n'
        f'[health]\nscheduler_port = {port}\nmax_age = 0\n'
        f'[database]\nconnection = mysql://root:verysecret@db/nova\n'
    )
    return path


def notes(tmp_path):
    path = tmp_path / 'notes'
    return path.read_text().split('\n')[:-1] if path.exists() else []


def test_a_daemon_serves_until_sigterm_and_drains(config, tmp_path, port):
    with running(SERVICE, config) as process:
        eventually(lambda: 'started' in notes(tmp_path))
        assert eventually(lambda: get(port, '/healthz'))[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert notes(tmp_path) == ['started', 'stopped within 7']


def test_readiness_names_each_check_with_its_sentence(config, tmp_path, port):
    with running(SERVICE, config):
        eventually(lambda: (readiness(port) or [0])[0] == 200)
        assert readiness(port)[1] == {'ready': True, 'checks': {'shelf': {'ok': True}}}
        (tmp_path / 'empty').touch()
        assert readiness(port) == (
            503,
            {'ready': False, 'checks': {'shelf': {'ok': False, 'reason': 'The shelf is empty.'}}},
        )


def test_a_daemon_waits_for_what_is_away_and_says_so_once(config, tmp_path, port):
    (tmp_path / 'away').touch()
    with running(SERVICE, config) as process:
        waiting = {'start': {'ok': False, 'reason': 'The shelf is away.'}, 'shelf': {'ok': True}}
        eventually(lambda: (readiness(port) or [0, {}])[1].get('checks') == waiting)
        assert get(port, '/healthz')[0] == 200
        (tmp_path / 'away').unlink()
        eventually(lambda: 'started' in notes(tmp_path))
        eventually(lambda: readiness(port)[0] == 200)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert log_of(config).count('Waiting to start: The shelf is away.') == 1


def test_a_daemon_that_still_waits_can_be_stopped(config, tmp_path, port):
    (tmp_path / 'away').touch()
    with running(SERVICE, config) as process:
        eventually(lambda: get(port, '/healthz'))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert 'started' not in notes(tmp_path)


def test_a_bug_at_start_ends_the_daemon_with_its_traceback(config, tmp_path):
    (tmp_path / 'broken').touch()
    with running(SERVICE, config) as process:
        assert process.wait(60) == 1
    assert 'ValueError: The shelf is broken.' in log_of(config)


def test_a_mistake_in_the_options_ends_the_daemon_with_a_sentence(config, tmp_path):
    (tmp_path / 'refused').touch()
    with running(SERVICE, config) as process:
        assert process.wait(60) == 1
    assert 'did not start: The shelf has a name that is not known.' in log_of(config)
    assert 'Traceback' not in log_of(config)


def test_a_broken_file_at_sighup_is_named_and_the_daemon_goes_on(config, tmp_path, port):
    with running(SERVICE, config) as process:
        eventually(lambda: 'started' in notes(tmp_path))
        config.write_text('no option')
        process.send_signal(signal.SIGHUP)
        eventually(lambda: f'{config}:1' in log_of(config))
        assert get(port, '/healthz')[0] == 200
    assert 'Traceback' not in log_of(config)


def test_sighup_reads_the_configuration_again(config, tmp_path, port):
    with running(SERVICE, config) as process:
        eventually(lambda: (readiness(port) or [0])[0] == 200)
        config.write_text(config.read_text().replace('[DEFAULT]', '[DEFAULT]\ndebug = true'))
        process.send_signal(signal.SIGHUP)
        eventually(lambda: 'reloaded' in notes(tmp_path))
        assert get(port, '/healthz')[0] == 200


def test_sigusr2_writes_a_report_without_secrets(config, tmp_path, port):
    reports = tmp_path / 'reports'
    reports.mkdir()
    config.write_text(config.read_text() + f'[oslo_reports]\nlog_dir = {reports}\n')
    with running(SERVICE, config) as process:
        eventually(lambda: (readiness(port) or [0])[0] == 200)
        process.send_signal(signal.SIGUSR2)
        text = eventually(lambda: ''.join(path.read_text() for path in reports.iterdir()))
        assert process.poll() is None
    for section in ('Package', 'Threads', 'Configuration'):
        assert section in text
    assert 'graceful_shutdown_timeout = 7' in text
    assert 'verysecret' not in text


def test_metrics_have_the_service_and_the_process(config, port):
    with running(SERVICE, config):
        eventually(lambda: (readiness(port) or [0])[0] == 200)
        status, text = get(port, '/metrics')
    assert status == 200
    assert 'books_total 3.0' in text
    assert 'process_resident_memory_bytes' in text


def test_the_service_manager_is_told(config, tmp_path, port):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / 'notify'))
        manager.settimeout(60)
        environment = {'NOTIFY_SOCKET': str(tmp_path / 'notify'), 'WATCHDOG_USEC': '200000'}
        with running(SERVICE, config, environment) as process:
            told = []

            def hear(word):
                while not any(word in line for line in told):
                    told.extend(manager.recv(4096).decode().split('\n'))

            hear('READY=1')
            hear('WATCHDOG=1')
            process.send_signal(signal.SIGHUP)
            hear('RELOADING=1')
            process.send_signal(signal.SIGTERM)
            hear('STOPPING=1')
            assert process.wait(30) == 0


def test_options_without_effect_are_named_once(config, port):
    with running(SERVICE, config):
        eventually(lambda: (readiness(port) or [0])[0] == 200)
    assert log_of(config).count('Option hots in group [DEFAULT] is unknown; did you mean host?') == 1


def test_a_taken_port_is_named(config, port):
    with socket.create_server(('127.0.0.1', port)), running(SERVICE, config) as process:
        assert process.wait(60) == 1
    assert f'127.0.0.1 port {port}: Address already in use' in log_of(config)


def test_a_value_that_does_not_fit_is_named(config):
    config.write_text(config.read_text() + '[quota]\ncores = many\n')
    with running(SERVICE, config) as process:
        assert process.wait(60) == 1
    assert 'many' in log_of(config)
    assert 'cores' in log_of(config)
    assert 'Traceback' not in log_of(config)


def test_help_says_what_the_daemon_does_and_where_it_reads(capsys):
    with pytest.raises(SystemExit, match='^0$'):
        configuration.load('nova-scheduler', ['--help'], about='It chooses hosts.')
    # Without the places where lines are broken.
    said = ''.join(capsys.readouterr().out.split())
    assert 'Itchooseshosts.' in said
    assert 'nova-scheduler.conf' in said
