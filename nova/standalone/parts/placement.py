"""Placement, from its published package: what hosts have, and who uses it."""

from nova.standalone import commands, configuration
from nova.standalone.daemon import Daemon
from nova.standalone.parts import wsgi
from nova.standalone.parts.part import Part

APPLICATION = 'placement.wsgi.api:application'
# Claims on one host made at the same time collide on its generation, and Placement then tries again inside the
# request: eight threads did 4 claims a second, at 240 ms of processor time each, where one does 18 at 50 ms.
THREADS = 1


class Placement(Part):
    name = 'placement'
    title = 'Placement'
    ports = ('placement',)

    def configure(self) -> None:
        wsgi.write_settings(self.layout, self.name, APPLICATION, THREADS)
        url = self.layout.database_url('placement', 'placement')
        configuration.write(
            self.etc('placement.conf'),
            configuration.ini(
                {
                    'DEFAULT': {'use_stderr': 'true'},
                    'api': {'auth_strategy': 'keystone'},
                    'placement_database': {'connection': url if self.layout.database else url + '?timeout=30'},
                    'keystone_authtoken': configuration.token_validation(
                        self.layout.url('keystone'), 'placement', self.secrets['placement']
                    ),
                }
            ),
        )

    def prepare(self) -> None:
        version = commands.installed_version(self.layout.neighbours, 'openstack-placement')
        self.stamps.once('placement', version, self._make_database)

    def _make_database(self) -> None:
        if not self.layout.database:
            commands.favour_readers(self.layout.data('placement') / 'placement.db')
        manage = self.layout.neighbour_program('placement-manage')
        command = [manage, '--config-file', str(self.etc('placement.conf')), 'db', 'sync']
        commands.run(command, self.prepare_log())

    def daemons(self) -> list[Daemon]:
        environment = {'OS_PLACEMENT_CONFIG_DIR': str(self.layout.etc('placement'))}
        return [wsgi.daemon(self.layout, 'placement', environment, '/', str(self.etc('placement.conf')))]
