"""Keystone, from its published package: identities and tokens."""

import concurrent.futures
import os

from nova.standalone import commands, configuration
from nova.standalone.daemon import Daemon
from nova.standalone.parts import wsgi
from nova.standalone.parts.part import Part

APPLICATION = 'keystone.wsgi.api:application'


class Keystone(Part):
    name = 'keystone'
    title = 'Keystone'
    ports = ('keystone',)

    def configure(self) -> None:
        wsgi.write_settings(self.layout, self.name, APPLICATION)
        data = self.layout.data('keystone')
        for keys in ('fernet-keys', 'credential-keys'):
            (data / keys).mkdir(mode=0o700, parents=True, exist_ok=True)
        configuration.write(
            self.etc('keystone.conf'),
            configuration.ini(
                {
                    'DEFAULT': {'use_stderr': 'true', 'public_endpoint': self.layout.url('keystone')},
                    'database': {'connection': self.layout.database_url('keystone', 'keystone') + self._patience()},
                    'token': {'provider': 'fernet', 'expiration': 86400},
                    'fernet_tokens': {'key_repository': data / 'fernet-keys'},
                    'fernet_receipts': {'key_repository': data / 'fernet-keys'},
                    'credential': {'key_repository': data / 'credential-keys'},
                    # Our passwords are 192 random bits: hashing them slowly would protect nothing and cost each login.
                    'identity': {
                        'password_hash_algorithm': 'bcrypt',
                        'password_hash_rounds': 4,
                        'max_password_length': 72,
                    },
                    'cache': {'enabled': 'true', 'backend': 'oslo_cache.dict', 'expiration_time': 600},
                    'oslo_policy': {'enforce_scope': 'true', 'enforce_new_defaults': 'true'},
                }
            ),
        )

    def _patience(self) -> str:
        return '' if self.layout.database else '?timeout=30'

    def prepare(self) -> None:
        version = commands.installed_version(self.layout.neighbours, 'keystone')
        self.stamps.once('keystone', f'{version} {self.layout.port_offset} {self.layout.address}', self._bootstrap)

    def _bootstrap(self) -> None:
        if not self.layout.database:
            commands.favour_readers(self.layout.data('keystone') / 'keystone.db')
        manage = [self.layout.neighbour_program('keystone-manage'), '--config-file', str(self.etc('keystone.conf'))]
        url = self.layout.url('keystone', '/v3')
        owner = ['--keystone-user', str(os.geteuid()), '--keystone-group', str(os.getegid())]
        needed = (['db_sync'], ['fernet_setup', *owner], ['credential_setup', *owner])
        # Each of them is mostly the time that Python takes to import Keystone, and none needs another.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda command: commands.run([*manage, *command], self.prepare_log()), needed))
        endpoints = {f'OS_BOOTSTRAP_{kind}_URL': url for kind in ('ADMIN', 'PUBLIC', 'INTERNAL')}
        commands.run(
            [*manage, 'bootstrap'],
            self.prepare_log(),
            environment={
                'OS_BOOTSTRAP_PASSWORD': self.secrets['admin'],
                'OS_BOOTSTRAP_REGION_ID': 'RegionOne',
                **endpoints,
            },
        )

    def daemons(self) -> list[Daemon]:
        environment = {'OS_KEYSTONE_CONFIG_FILES': str(self.etc('keystone.conf'))}
        return [wsgi.daemon(self.layout, 'keystone', environment, '/v3', str(self.etc('keystone.conf')))]
