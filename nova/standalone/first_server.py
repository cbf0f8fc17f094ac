"""Boot the server `first`, and show what it says of itself."""

import base64
import time
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from keystoneauth1 import adapter

from nova.standalone import configuration, seed
from nova.standalone.layout import Layout
from nova.standalone.refusal import Refusal
from nova.standalone.secrets import Secrets

NAME = 'first'
ACTIVE_PATIENCE = 120
SPEAK_PATIENCE = 120
LAST_WORDS = ('GUEST-READY', ' login:')  # of our own guest; of most others, and of simulated ones
LINES = 60
USER_DATA = '#!/bin/sh\necho "Hello from $(hostname), the first server of this cloud."\n'


def key_file(layout: Layout) -> Path:
    return layout.state_dir / 'first_key'


class FirstServer:
    def __init__(self, layout: Layout, secrets: Secrets):
        session = seed.login(layout, secrets, 'demo', 'demo')
        self.layout = layout
        self.nova = seed.service(session, layout, 'nova-api', '/v2.1')
        self.glance = seed.service(session, layout, 'glance', '/v2')
        self.neutron = seed.service(session, layout, 'nova-network', '/v2.0')

    def boot(self) -> None:
        """Have the server, ACTIVE; one that is there already is left as it is."""
        found = self._find()
        server_id = found['id'] if found else self._create()
        self._wait_until_active(server_id)

    def words(self, patience: float = SPEAK_PATIENCE) -> list[str]:
        """The lines in which the guest reports itself, once it has come to the end of them."""
        server = self._find()
        if server is None:
            return []
        deadline = time.monotonic() + patience
        while True:
            lines = self._console(server['id'])
            if any(word in line for line in lines for word in LAST_WORDS) or time.monotonic() > deadline:
                return lines
            time.sleep(0.5)

    def _find(self) -> dict | None:
        servers = self.nova.get('/servers', params={'name': f'^{NAME}$'}).json()['servers']
        return servers[0] if servers else None

    def _create(self) -> str:
        flavors = self.nova.get('/flavors').json()['flavors']
        server = {
            'name': NAME,
            'flavorRef': next(flavor['id'] for flavor in flavors if flavor['name'] == 'm1.nano'),
            'imageRef': self.glance.get('/images', params={'name': seed.IMAGE}).json()['images'][0]['id'],
            'networks': [{'uuid': self._network()}],
            'key_name': self._ensure_key(),
            'user_data': base64.b64encode(USER_DATA.encode()).decode(),
        }
        return self.nova.post('/servers', json={'server': server}).json()['server']['id']

    def _network(self) -> str:
        return self.neutron.get('/networks', params={'name': seed.NETWORK}).json()['networks'][0]['id']

    def _ensure_key(self) -> str:
        path = key_file(self.layout)
        if not path.exists():
            private, _ = new_key()
            configuration.write(path, private, mode=0o600)
        known = {pair['keypair']['name'] for pair in self.nova.get('/os-keypairs').json()['keypairs']}
        if NAME not in known:
            public = public_half(path.read_text())
            self.nova.post('/os-keypairs', json={'keypair': {'name': NAME, 'public_key': public}})
        return NAME

    def _wait_until_active(self, server_id: str) -> None:
        deadline = time.monotonic() + ACTIVE_PATIENCE
        while True:
            server = self.nova.get(f'/servers/{server_id}').json()['server']
            if server['status'] == 'ACTIVE':
                return
            if server['status'] == 'ERROR':
                reason = server.get('fault', {}).get('message', 'no reason was given')
                raise Refusal(f'The server {NAME} ended in ERROR: {reason} See `nova-standalone logs nova-conductor`.')
            if time.monotonic() > deadline:
                raise Refusal(f'The server {NAME} is still {server["status"]} after {ACTIVE_PATIENCE} s.')
            time.sleep(0.1)

    def _console(self, server_id: str) -> list[str]:
        return _output(self.nova, server_id).splitlines()


def _output(nova: adapter.Adapter, server_id: str) -> str:
    return nova.post(f'/servers/{server_id}/action', json={'os-getConsoleOutput': {'length': LINES}}).json()['output']


def new_key() -> tuple[str, str]:
    """An Ed25519 key in OpenSSH's form: private and public half."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()
    return private, public_half(private)


def public_half(private: str) -> str:
    key = serialization.load_ssh_private_key(private.encode(), password=None)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return f'{public.decode()} {NAME}@nova-standalone'
