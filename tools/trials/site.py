"""The cloud of a trial: asked as its users ask, and looked into where only its operator can look."""

import contextlib
import http.client
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

from nova.standalone import readiness
from nova.standalone.cloud import Cloud
from nova.standalone.parts.nova import Nova
from tools.bench.client import Compute, token_and_project
from tools.trials.verbs import Choices

DATABASES = ('nova_api', 'nova_cell0', 'nova_cell1')
FLAVORS = ('m1.nano', 'm1.micro')
# For how long a request is repeated while the API, or what it needs, is away.
ANSWER_PATIENCE = 240
# What the client raises where a daemon is killed while it answers, or is not there.
NO_ANSWER = (OSError, ValueError, http.client.HTTPException)
# What makes the cloud do by itself, within a trial, what it would do after hours; and give guests less time to react.
OPTIONS = """
[DEFAULT]
reclaim_instance_interval = 30
shelved_offload_time = 20
shelved_poll_interval = 10
resize_confirm_window = 20
shutdown_timeout = 15
[libvirt]
wait_soft_reboot_seconds = 15
device_detach_attempts = 10
device_detach_timeout = 5
[operations]
image_patience = 30
"""


class Site:
    def __init__(self, cloud: Cloud):
        self.cloud = cloud
        self._lock = threading.Lock()
        self._logged_in_at = 0.0
        self._token = ''
        self._nova: Compute | None = None
        self._login()
        flavors = {flavor['name']: flavor['id'] for flavor in self.get('nova', '/flavors')['flavors']}
        self.first_images = {image['id'] for image in self.get('glance', '/images?limit=1000')['images']}
        self.choices = Choices(min(self.first_images), {name: flavors[name] for name in FLAVORS})

    def _login(self) -> None:
        layout = self.cloud.layout
        with self._lock:
            if time.monotonic() - self._logged_in_at < 5 and self._token:
                return
            self._token, _project = token_and_project(
                layout.url('keystone', '/v3'), 'admin', self.cloud.secrets['admin'], 'admin'
            )
            self._nova = Compute(layout.url('nova-api', '/v2.1'), self._token)
            self._logged_in_at = time.monotonic()

    def ask(
        self, method: str, path: str, body: Any = None, already: Callable[[], Any] = lambda: None
    ) -> tuple[int, Any]:
        """The answer of the compute API, asked for again while it, or what it needs, is away.

        Before it is asked again, `already` may tell what the first request has done, in the place of an answer.
        """
        ends = time.monotonic() + ANSWER_PATIENCE
        while True:
            try:
                status, content, _seconds = self._nova.call(method, path, body)
                if status < 500 and status != 401:
                    return status, content
                if status == 401:
                    self._login()
            except NO_ANSWER as failure:
                status, content = type(failure).__name__, failure
            if time.monotonic() > ends:
                raise RuntimeError(f'{method} {path} answered {status}: {content}')
            time.sleep(0.3)
            if found := already():
                return 202, found

    def get(self, service: str, path: str) -> Any:
        """What a service answers now. Raises RuntimeError or one of NO_ANSWER if it does not."""
        path_of = {'nova': ('nova-api', '/v2.1'), 'glance': ('glance', '/v2'), 'network': ('nova-network', '/v2.0')}
        name, prefix = path_of[service]
        return Compute(self.cloud.layout.url(name, prefix), self._token).get(path)

    def delete_image(self, image_id: str) -> None:
        with contextlib.suppress(*NO_ANSWER):
            Compute(self.cloud.layout.url('glance', '/v2'), self._token).call('DELETE', f'/images/{image_id}')

    def server(self, server_id: str) -> dict | None:
        """As it is shown, with the ids of its ports; None if it is gone."""
        status, content = self.ask('GET', f'/servers/{server_id}')
        if status == 404:
            return None
        _status, ports = self.ask('GET', f'/servers/{server_id}/os-interface')
        attached = (ports or {}).get('interfaceAttachments', ())
        return content['server'] | {'ports': [port['port_id'] for port in attached]}

    def servers(self) -> list[dict]:
        return self.ask('GET', '/servers/detail?all_tenants=1')[1]['servers']

    def read(self, name: str, query: str, *values: Any, service: str = 'nova') -> list[tuple]:
        path = self.cloud.layout.data(service) / f'{name}.db'
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as database:
            return database.execute(query, values).fetchall()

    def unfinished(self, server_id: str) -> int:
        """How many operations on the server have not ended."""
        query = "SELECT count(*) FROM operations WHERE server_id = ? AND status IN ('running', 'waiting')"
        return sum(self.read(name, query, server_id)[0][0] for name in DATABASES)

    def newest(self, server_id: str) -> tuple[str, str] | None:
        """Id and status of what was last done to the server."""
        query = 'SELECT created_at, id, status FROM operations WHERE server_id = ? ORDER BY created_at DESC LIMIT 1'
        found = [row for name in DATABASES for row in self.read(name, query, server_id)]
        return max(found)[1:] if found else None


def hasten(cloud: Cloud) -> None:
    """Have the daemons know the options of a trial; those that would run differently are started anew."""
    nova = Nova(cloud.layout, cloud.secrets)
    with open(nova.etc('nova.conf'), 'a') as file:
        file.write(OPTIONS)
    daemons = nova.daemons()
    cloud.supervision.ensure(daemons)
    readiness.wait_for(daemons, cloud.supervision, cloud.layout.log)
