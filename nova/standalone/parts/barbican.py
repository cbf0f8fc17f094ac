"""Barbican, from its published package: the key manager that keeps the secrets of guests' TPMs."""

import base64

from nova.standalone import commands, configuration
from nova.standalone.daemon import Daemon
from nova.standalone.parts import wsgi
from nova.standalone.parts.part import Part


class Barbican(Part):
    name = 'barbican'
    title = 'Barbican'
    ports = ('barbican',)

    def configure(self) -> None:
        wsgi.write_settings(self.layout, self.name, None)
        url = self.layout.database_url('barbican', 'barbican')
        configuration.write(
            # Barbican looks for its file in its user's home, and can be told of no other place.
            self.etc('.barbican') / 'barbican.conf',
            configuration.ini(
                {
                    'DEFAULT': {'use_stderr': 'true', 'host_href': self.layout.url('barbican')},
                    'database': {'connection': url if self.layout.database else url + '?timeout=30'},
                    'simple_crypto_plugin': {'kek': self._master_key()},
                    'keystone_authtoken': configuration.token_validation(
                        self.layout.url('keystone'), 'barbican', self.secrets['barbican']
                    ),
                    'oslo_policy': {'enforce_scope': 'true', 'enforce_new_defaults': 'true'},
                }
            ),
        )

    def _master_key(self) -> str:
        """What all that it keeps is encrypted with: 32 bytes, of which 192 bits are random."""
        return base64.urlsafe_b64encode(self.secrets['barbican-master-key'].encode()).decode()

    @property
    def _environment(self) -> dict[str, str]:
        return {'HOME': str(self.layout.etc('barbican'))}

    def prepare(self) -> None:
        self.layout.data('barbican').mkdir(parents=True, exist_ok=True)
        version = commands.installed_version(self.layout.neighbours, 'barbican')
        self.stamps.once('barbican', version, self._make_database)

    def _make_database(self) -> None:
        if not self.layout.database:
            commands.favour_readers(self.layout.data('barbican') / 'barbican.db')
        manage = [self.layout.neighbour_program('barbican-db-manage'), 'upgrade']
        commands.run(manage, self.prepare_log(), environment=self._environment)

    def daemons(self) -> list[Daemon]:
        pipeline = str(self.layout.neighbours / 'etc' / 'barbican' / 'barbican-api-paste.ini')
        file = str(self.etc('.barbican') / 'barbican.conf')
        return [wsgi.daemon(self.layout, 'barbican', self._environment, '/healthcheck', file, ('--paste', pipeline))]
