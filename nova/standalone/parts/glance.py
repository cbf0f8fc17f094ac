"""Glance, from its published package: images in plain files."""

from nova.standalone import commands, configuration
from nova.standalone.daemon import Daemon
from nova.standalone.parts import wsgi
from nova.standalone.parts.part import Part

APPLICATION = 'glance.wsgi.api:application'


class Glance(Part):
    name = 'glance'
    title = 'Glance'
    ports = ('glance',)

    def configure(self) -> None:
        wsgi.write_settings(self.layout, self.name, APPLICATION)
        data = self.layout.data('glance')
        for folder in ('images', 'staging', 'tasks', 'work'):
            (data / folder).mkdir(parents=True, exist_ok=True)
        url = self.layout.database_url('glance', 'glance')
        configuration.write(
            self.etc('glance-api.conf'),
            configuration.ini(
                {
                    'DEFAULT': {
                        'use_stderr': 'true',
                        'enabled_backends': 'files:file',
                        'node_staging_uri': f'file://{data / "staging"}',
                        'worker_self_reference_url': self.layout.url('glance'),
                    },
                    'database': {'connection': url if self.layout.database else url + '?timeout=30'},
                    'glance_store': {'default_backend': 'files'},
                    'files': {'filesystem_store_datadir': data / 'images'},
                    'os_glance_staging_store': {'filesystem_store_datadir': data / 'staging'},
                    'os_glance_tasks_store': {'filesystem_store_datadir': data / 'tasks'},
                    'task': {'work_dir': data / 'work'},
                    'paste_deploy': {
                        'flavor': 'keystone',
                        'config_file': self.layout.neighbours / 'etc' / 'glance' / 'glance-api-paste.ini',
                    },
                    'keystone_authtoken': configuration.token_validation(
                        self.layout.url('keystone'), 'glance', self.secrets['glance']
                    ),
                    'oslo_policy': {'enforce_scope': 'true', 'enforce_new_defaults': 'true'},
                }
            ),
        )

    def prepare(self) -> None:
        version = commands.installed_version(self.layout.neighbours, 'glance')
        self.stamps.once('glance', version, self._make_database)

    def _make_database(self) -> None:
        if not self.layout.database:
            commands.favour_readers(self.layout.data('glance') / 'glance.db')
        manage = self.layout.neighbour_program('glance-manage')
        commands.run([manage, '--config-file', str(self.etc('glance-api.conf')), 'db', 'sync'], self.prepare_log())

    def daemons(self) -> list[Daemon]:
        environment = {'OS_GLANCE_CONFIG_DIR': str(self.layout.etc('glance'))}
        return [wsgi.daemon(self.layout, 'glance', environment, '/healthcheck', str(self.etc('glance-api.conf')))]
