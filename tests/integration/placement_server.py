"""A real Placement service for tests: its published package, SQLite, no authentication, on a port of its own."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from nova.standalone.layout import default_neighbours

CONFIGURATION = """\
[DEFAULT]
use_stderr = true
[api]
auth_strategy = noauth2
[placement_database]
connection = sqlite:///{directory}/placement.db
"""


class Adapter:
    """As much of a keystoneauth adapter as our clients use; Placement without authentication wants the token `admin`."""

    def __init__(self, url: str):
        self._url, self._session = url, requests.Session()

    def request(self, path: str, method: str, raise_exc: bool = True, headers: dict | None = None, **options):
        given = {**(headers or {}), 'X-Auth-Token': 'admin'}
        return self._session.request(method, self._url + path, headers=given, timeout=30, **options)


def program(name: str) -> str:
    """A program of the neighbours' environment, which NOVA_TEST_NEIGHBOURS names; skips the test where there is none."""
    places = [os.environ.get('NOVA_TEST_NEIGHBOURS', ''), str(default_neighbours())]
    found = next((path for place in places if place and (path := shutil.which(name, path=_bin(place)))), None)
    return (
        found
        or shutil.which(name)
        or pytest.skip(f'{name} is not installed; NOVA_TEST_NEIGHBOURS names a venv with it.')
    )


def _bin(place: str) -> str:
    return place if place.endswith('bin') else os.path.join(place, 'bin')


@contextlib.contextmanager
def placement(directory: Path) -> Iterator[str]:
    """The URL of a Placement that lives as long as the context."""
    manage, gunicorn = program('placement-manage'), program('gunicorn')
    (directory / 'placement.conf').write_text(CONFIGURATION.format(directory=directory))
    environment = {**os.environ, 'OS_PLACEMENT_CONFIG_DIR': str(directory)}
    subprocess.run(
        [manage, '--config-file', str(directory / 'placement.conf'), 'db', 'sync'],
        check=True,
        capture_output=True,
        env=environment,
    )
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
    command = [gunicorn, '--bind', f'127.0.0.1:{port}', '--worker-class', 'gthread', '--threads', '4']
    command += ['--no-control-socket', 'placement.wsgi.api:application']
    with open(directory / 'placement.log', 'wb') as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait(process, f'http://127.0.0.1:{port}', directory / 'placement.log')
        yield f'http://127.0.0.1:{port}'
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(process: subprocess.Popen, url: str, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            requests.get(url, timeout=20)
            return
        time.sleep(0.1)
    pytest.fail(f'Placement did not start: {log.read_text()[-2000:]}')
