"""A private RabbitMQ: own node name, ports, cookie, user and data, apart from any other on the machine."""

import base64
import hashlib
import json

from nova.standalone import configuration
from nova.standalone.daemon import BUS, Daemon
from nova.standalone.layout import Layout
from nova.standalone.parts.part import Part
from nova.standalone.secrets import Secrets

USER = VHOST = 'nova'
SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server'  # the wrapper in /usr/sbin insists on root and the system's folders


def transport_url(layout: Layout, secrets: Secrets) -> str:
    return f'rabbit://{USER}:{secrets["rabbitmq"]}@{layout.listen("rabbitmq")}/{VHOST}'


def password_hash(password: str, salt: bytes) -> str:
    """As RabbitMQ stores passwords: base64 of salt and SHA-256 of salt and password."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


class RabbitMQ(Part):
    name = 'rabbitmq'
    title = 'RabbitMQ'
    programs = {SERVER: 'rabbitmq-server', 'epmd': 'erlang-base', 'erl': 'erlang-base'}
    ports = ('rabbitmq', 'epmd', 'rabbitmq-nodes')

    @property
    def node(self) -> str:
        return f'nova-standalone-{self.layout.port_offset}@localhost'

    def configure(self) -> None:
        configuration.write(self.etc('definitions.json'), self._definitions())
        configuration.write(self.etc('rabbitmq.conf'), self._settings())
        configuration.write(self.etc('enabled_plugins'), '[].\n')
        configuration.write(self.etc('environment'), '# Nothing of the machine is read; the supervisor says it all.\n')
        home = self.layout.data('rabbitmq')
        home.mkdir(mode=0o700, exist_ok=True)
        cookie = home / '.erlang.cookie'
        if not cookie.exists():
            configuration.write(cookie, self.secrets['rabbitmq-cookie'], mode=0o400)

    def _definitions(self) -> str:
        salt = hashlib.sha256(self.secrets['rabbitmq-cookie'].encode()).digest()[:4]
        user = {
            'name': USER,
            'password_hash': password_hash(self.secrets['rabbitmq'], salt),
            'hashing_algorithm': 'rabbit_password_hashing_sha256',
            'tags': '',
        }
        permission = {'user': USER, 'vhost': VHOST, 'configure': '.*', 'write': '.*', 'read': '.*'}
        return json.dumps({'users': [user], 'vhosts': [{'name': VHOST}], 'permissions': [permission]}, indent=2)

    def _settings(self) -> str:
        return '\n'.join(
            (
                f'listeners.tcp.1 = {self.layout.listen("rabbitmq")}',
                # Read at each start: user and vhost are there as soon as the port answers, with no rabbitmqctl.
                f'load_definitions = {self.etc("definitions.json")}',
                'log.file = false',
                'log.console = true',
                'log.console.level = warning',
                'vm_memory_high_watermark.relative = 0.25',
                'disk_free_limit.absolute = 64MB',
                '',
            )
        )

    def daemons(self) -> list[Daemon]:
        epmd_port = self.layout.port('epmd')
        nodes = {'ERL_EPMD_PORT': str(epmd_port), 'ERL_EPMD_ADDRESS': '127.0.0.1'}
        home = self.layout.data('rabbitmq')
        return [
            Daemon(
                'epmd',
                ('epmd', '-port', str(epmd_port), '-address', '127.0.0.1'),
                BUS,
                environment=nodes,
                address=f'127.0.0.1:{epmd_port}',
            ),
            Daemon(
                'rabbitmq',
                (SERVER,),
                BUS,
                environment={
                    **nodes,
                    'HOME': str(home),
                    'RABBITMQ_NODENAME': self.node,
                    'RABBITMQ_DIST_PORT': str(self.layout.port('rabbitmq-nodes')),
                    'RABBITMQ_CONFIG_FILE': str(self.etc('rabbitmq.conf')),
                    'RABBITMQ_ADVANCED_CONFIG_FILE': str(self.etc('advanced.config')),
                    'RABBITMQ_CONF_ENV_FILE': str(self.etc('environment')),
                    'RABBITMQ_ENABLED_PLUGINS_FILE': str(self.etc('enabled_plugins')),
                    'RABBITMQ_MNESIA_BASE': str(home / 'mnesia'),
                    'RABBITMQ_LOG_BASE': str(self.layout.log),
                    'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': '-kernel inet_dist_use_interface {127,0,0,1}',
                    # The start script then becomes the broker instead of a shell that watches it.
                    'RUNNING_UNDER_SYSTEMD': 'true',
                },
                address=self.layout.listen('rabbitmq'),
                config_files=(str(self.etc('rabbitmq.conf')), str(self.etc('definitions.json'))),
            ),
        ]
