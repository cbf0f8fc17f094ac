import json
import signal
import socket
import threading
from pathlib import Path

import pytest

from tests.unit.cmd.processes import eventually, free_port, get, log_of, readiness, running

SITE = 'tests.unit.cmd.small_site'


@pytest.fixture
def ports():
    return {'compute': free_port(), 'metadata': free_port(), 'health': free_port()}


@pytest.fixture
def config(tmp_path, ports):
    (tmp_path / 'greeting').write_text('hello')
    path = tmp_path / 'nova.conf'
    path.write_text(
        f'[DEFAULT]\nstate_path = {tmp_path}\nosapi_compute_workers = 2\ngraceful_shutdown_timeout = 20\n'
        f'osapi_compute_listen_port = {ports["compute"]}\nmetadata_listen_port = {ports["metadata"]}\n'
        f'[health]\napi_port = {ports["health"]}\nmax_age = 0\n'
    )
    return path


def test_each_port_has_its_application(config, ports):
    with running(SITE, config):
        assert eventually(lambda: get(ports['compute']))[1].startswith('compute hello')
        assert get(ports['metadata'])[1].startswith('metadata hello')
        assert get(ports['health'], '/compute')[0] == 404


def test_readiness_comes_from_the_applications(config, tmp_path, ports):
    with running(SITE, config):
        assert eventually(lambda: readiness(ports['health']))[1]['checks'] == {
            'compute shelf': {'ok': True},
            'metadata shelf': {'ok': True},
        }
        (tmp_path / 'empty').touch()
        status, report = readiness(ports['health'])
    assert status == 503
    assert report['checks']['compute shelf'] == {'ok': False, 'reason': 'The compute shelf is empty.'}


def test_metrics_count_the_requests_of_all_workers(config, ports):
    with running(SITE, config):
        eventually(lambda: get(ports['compute']))
        for _ in range(19):
            get(ports['compute'])
        text = get(ports['health'], '/metrics')[1]
    assert 'nova_api_requests_total{api="compute",method="GET",status="200"} 20.0' in text
    assert 'nova_api_request_seconds_count{api="compute"} 20.0' in text


def test_counters_of_a_killed_daemon_are_removed_by_the_next(config, tmp_path, ports):
    place = tmp_path / 'temporary'
    place.mkdir()
    with running(SITE, config, {'TMPDIR': str(place)}) as process:
        eventually(lambda: get(ports['compute']))
        workers = Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text().split()
        process.kill()
        process.wait()
    eventually(lambda: not any(Path(f'/proc/{worker}').exists() for worker in workers))
    (left,) = place.iterdir()
    with running(SITE, config, {'TMPDIR': str(place)}):
        eventually(lambda: get(ports['compute']))
        (used,) = place.iterdir()
    assert used != left
    assert list(place.iterdir()) == []


def test_sigterm_lets_a_request_end(config, tmp_path, ports):
    with running(SITE, config) as process:
        eventually(lambda: get(ports['compute']))
        answers = []
        slow = threading.Thread(target=lambda: answers.append(get(ports['compute'], '/slow')))
        slow.start()
        eventually((tmp_path / 'begun').exists)
        process.send_signal(signal.SIGTERM)
        eventually(lambda: get(ports['compute']) is None)
        (tmp_path / 'go').touch()
        slow.join(30)
        assert answers[0][0] == 200
        assert process.wait(30) == 0


def test_what_outlives_a_killed_parent_ends_its_requests_and_leaves_the_ports_to_the_next(config, tmp_path, ports):
    with running(SITE, config, {'TMPDIR': str(tmp_path)}) as process:
        eventually(lambda: get(ports['compute']))
        answers = []
        slow = threading.Thread(target=lambda: answers.append(get(ports['compute'], '/slow')))
        slow.start()
        eventually((tmp_path / 'begun').exists)
        process.kill()
        process.wait()
        eventually(lambda: get(ports['compute']) is None)
        with running(SITE, config):
            eventually(lambda: get(ports['compute']))
        (tmp_path / 'go').touch()
        slow.join(30)
        assert answers[0][0] == 200


def test_sighup_builds_the_applications_again(config, tmp_path, ports):
    with running(SITE, config) as process:
        eventually(lambda: get(ports['compute']))
        (tmp_path / 'greeting').write_text('good day')
        process.send_signal(signal.SIGHUP)
        eventually(lambda: (get(ports['compute']) or ['', ''])[1].startswith('compute good day'))
        assert process.poll() is None


def test_a_reload_that_fails_leaves_the_daemon_as_it_was(config, tmp_path, ports):
    with running(SITE, config) as process:
        eventually(lambda: get(ports['compute']))
        (tmp_path / 'greeting').unlink()
        process.send_signal(signal.SIGHUP)
        eventually(lambda: 'goes on as before' in log_of(config))
        assert eventually(lambda: get(ports['compute']))[1].startswith('compute hello')


def test_sigusr2_reports_from_every_process(config, tmp_path, ports):
    reports = tmp_path / 'reports'
    reports.mkdir()
    config.write_text(config.read_text() + f'[oslo_reports]\nlog_dir = {reports}\n')
    with running(SITE, config) as process:
        eventually(lambda: get(ports['compute']))
        process.send_signal(signal.SIGUSR2)
        eventually(lambda: len(list(reports.iterdir())) == 3)
        assert get(ports['compute'])[0] == 200


def test_a_taken_port_is_named_with_what_to_do(config, ports):
    with socket.create_server(('127.0.0.1', ports['metadata'])), running(SITE, config) as process:
        assert process.wait(60) == 1
    wanted = f'nova-api cannot serve metadata on 127.0.0.1 port {ports["metadata"]}: Address already in use.'
    assert wanted in log_of(config)


def test_the_health_body_is_json(config, ports):
    with running(SITE, config):
        status, body = eventually(lambda: get(ports['health'], '/healthz'))
    assert (status, json.loads(body)) == (200, {'alive': True})
