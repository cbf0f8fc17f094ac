"""Run nova-api as a process of its own on given databases: what serves it is real but Keystone, which nothing asks twice."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from nova.standalone import configuration
from nova.standalone.parts.nova import API_WORKERS
from tests.fakes.keystone import FakeKeystone
from tests.functional.cloud import Urls

START_SECONDS = 120
# Users of tests.fakes.keystone, by what `read` calls their tokens.
USERS = {'member': 'alice', 'owner': 'olga'}


class ApiDaemon:
    """`url` of the compute API, and tokens for it."""

    def __init__(self, url: str, keystone: FakeKeystone):
        self.url, self._keystone = url, keystone

    def token(self, kind: str) -> str:
        return self._keystone.token(USERS[kind])


@contextlib.contextmanager
def running(urls: Urls, directory: Path) -> Iterator[ApiDaemon]:
    """The daemon as a standalone cloud runs it: as many workers, behind the same server."""
    keystone, port = FakeKeystone(), _free_port()
    try:
        file = directory / 'nova.conf'
        configuration.write(file, configuration.ini(_options(urls, directory, keystone.url, port)))
        program = [str(Path(sys.prefix) / 'bin' / 'nova-api'), '--config-file', str(file)]
        with open(directory / 'nova-api.log', 'wb') as log:
            process = subprocess.Popen(program, stdout=log, stderr=log, env=os.environ | {'PYTHONWARNINGS': 'ignore'})
        try:
            url = f'http://127.0.0.1:{port}'
            _wait_for(url, process, directory / 'nova-api.log')
            yield ApiDaemon(f'{url}/v2.1', keystone)
        finally:
            process.terminate()
            process.wait(60)
    finally:
        keystone.stop()


def _options(urls: Urls, directory: Path, keystone: str, port: int) -> dict[str, dict]:
    region = {'region_name': 'here'}
    login = configuration.password_login(keystone, 'nova', 'secret') | region
    return {
        'DEFAULT': {
            'transport_url': 'fake://',
            'state_path': directory,
            'enabled_apis': 'osapi_compute',
            'osapi_compute_listen': '127.0.0.1',
            'osapi_compute_listen_port': port,
            'osapi_compute_workers': API_WORKERS,
            'use_stderr': 'true',
        },
        'api_database': {'connection': urls.api},
        'database': {'connection': urls.cell1},
        'health': {'api_port': 0},
        'keystone_authtoken': configuration.token_validation(keystone, 'nova', 'secret') | region,
        **dict.fromkeys(('placement', 'glance', 'neutron'), login),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def _wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            # The list of versions is answered with 300.
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f'nova-api did not start: {log.read_text()[-2000:]}')
