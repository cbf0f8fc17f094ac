"""Our own daemons: API, scheduler, conductor, console proxy, and one compute per host."""

import socket
from pathlib import Path

import nova
from nova.standalone import commands, configuration, hypervisor
from nova.standalone.daemon import CONTROL, HOSTS, Daemon
from nova.standalone.layout import console_page
from nova.standalone.parts import libvirt
from nova.standalone.parts.part import Part
from nova.standalone.parts.rabbitmq import transport_url

CELL = 'cell1'
MIGRATIONS = Path(nova.__file__).parent / 'db' / 'migrations'
API_WORKERS = 2
CONTROL_DAEMONS = ('nova-api', 'nova-scheduler', 'nova-conductor', 'nova-novncproxy')


class Nova(Part):
    name = 'nova'
    title = 'Nova'
    needs_before_start = ('rabbitmq:start', 'libvirt:start', 'placement:start', 'barbican:start', 'identity')
    ports = (
        'nova-api',
        'nova-metadata',
        'nova-novncproxy',
        'nova-api-health',
        'nova-scheduler-health',
        'nova-conductor-health',
        'nova-novncproxy-health',
    )

    @property
    def hosts(self) -> list[str]:
        if self.layout.driver == 'libvirt':
            return [socket.gethostname()]
        return [f'fake-{number}' for number in range(1, self.layout.computes + 1)]

    # Configuration

    def configure(self) -> None:
        self.layout.data('nova').mkdir(parents=True, exist_ok=True)
        configuration.write(self.etc('nova.conf'), configuration.ini(self._shared()))
        for number, host in enumerate(self.hosts):
            (self._host_state(host) / 'instances').mkdir(parents=True, exist_ok=True)
            configuration.write(self.etc(f'nova-compute-{host}.conf'), configuration.ini(self._host(number, host)))

    def _host_state(self, host: str) -> Path:
        return self.layout.data('nova') / host

    def _database(self, name: str) -> str:
        return self.layout.database_url('nova', name)

    def _login(self) -> dict[str, str]:
        return configuration.password_login(self.layout.url('keystone'), 'nova', self.secrets['nova'])

    def _shared(self) -> dict:
        layout = self.layout
        return {
            'DEFAULT': {
                'transport_url': transport_url(layout, self.secrets),
                'my_ip': layout.address,
                'state_path': layout.data('nova'),
                'use_stderr': 'true',
                'enabled_apis': 'osapi_compute,metadata',
                'osapi_compute_listen': layout.address,
                'osapi_compute_listen_port': layout.port('nova-api'),
                'metadata_listen': layout.address,
                'metadata_listen_port': layout.port('nova-metadata'),
                'osapi_compute_workers': API_WORKERS,
                **({'web': console_page()} if console_page() else {}),
            },
            # A broker on the same machine is back in seconds; nobody should wait half a minute to look for it again.
            'oslo_messaging_rabbit': {'rabbit_interval_max': 3},
            'api_database': {'connection': self._database('nova_api')},
            'database': {'connection': self._database('nova_cell1')},
            'health': {
                'listen': layout.address,
                **{
                    f'{daemon.removeprefix("nova-")}_port': layout.port(f'{daemon}-health')
                    for daemon in CONTROL_DAEMONS
                },
            },
            'keystone_authtoken': configuration.token_validation(layout.url('keystone'), 'nova', self.secrets['nova']),
            'service_user': {**self._login(), 'send_service_user_token': 'true'},
            'placement': self._login(),
            'glance': self._login(),
            'neutron': {
                **self._login(),
                'service_metadata_proxy': 'true',
                'metadata_proxy_shared_secret': self.secrets['metadata'],
            },
            'vnc': {
                'enabled': 'true',
                'novncproxy_host': layout.address,
                'novncproxy_port': layout.port('nova-novncproxy'),
                'novncproxy_base_url': layout.url('nova-novncproxy', '/vnc_lite.html'),
            },
        }

    def _host(self, number: int, host: str) -> dict:
        layout = self.layout
        state = self._host_state(host)
        sections = {
            'DEFAULT': {
                'host': host,
                'state_path': state,
                'instances_path': state / 'instances',
                'compute_driver': 'libvirt.LibvirtDriver' if layout.driver == 'libvirt' else 'fake.FakeDriver',
                # What ran when the cloud was taken down runs again when it is up.
                'resume_guests_state_on_host_boot': True,
            },
            'health': {'compute_port': layout.compute_health_port(number)},
            'vnc': {'server_listen': layout.address, 'server_proxyclient_address': layout.address},
        }
        if layout.driver == 'libvirt':
            kind = hypervisor.virt_type()
            sections['libvirt'] = {
                'connection_uri': libvirt.connection_uri(layout),
                'virt_type': kind,
                'cpu_mode': 'host-passthrough' if kind == 'kvm' else 'none',
            }
        if layout.has('barbican'):
            sections |= self._key_manager(sections.get('libvirt', {}))
        return sections

    def _key_manager(self, hypervisor_options: dict) -> dict:
        """Guests may have TPMs; their secrets are the service's own, as hosts have nobody's token."""
        login = {name: value for name, value in self._login().items() if name not in ('auth_type', 'region_name')}
        return {
            'libvirt': {**hypervisor_options, 'swtpm_enabled': True},
            'key_manager': {**login, 'backend': 'barbican', 'auth_type': 'keystone_password'},
            'barbican': {'barbican_endpoint': self.layout.url('barbican')},
        }

    # Databases

    def prepare(self) -> None:
        settings = f'{self.layout.port_offset} {self.layout.address} {self.layout.database}'
        self.stamps.once('nova', f'{commands.fingerprint_of(MIGRATIONS)} {settings}', self._make_databases)

    @property
    def _manage(self) -> list[str]:
        return [self.layout.our_program('nova-manage'), '--config-file', str(self.etc('nova.conf'))]

    def manage(self, *arguments: str) -> None:
        commands.run([*self._manage, *arguments], self.prepare_log())

    def _make_databases(self) -> None:
        if not self.layout.database:
            for name in ('nova_api', 'nova_cell0', 'nova_cell1'):
                commands.favour_readers(self.layout.data('nova') / f'{name}.db')
        self.manage('api_db', 'sync')
        self.manage('cell_v2', 'map_cell0', '--database_connection', self._database('nova_cell0'))
        self.manage('db', 'sync')
        if CELL not in self._cells():
            self.manage('cell_v2', 'create_cell', '--name', CELL)

    def _cells(self) -> list[str]:
        """The words of the table of cells, their names among them."""
        return commands.output([*self._manage, 'cell_v2', 'list_cells'], self.prepare_log()).split()

    def discover_hosts(self) -> None:
        """Map every host that has reported itself to the cell."""
        self.stamps.once('hosts', ' '.join(self.hosts), lambda: self.manage('cell_v2', 'discover_hosts'))

    # Daemons

    def daemons(self) -> list[Daemon]:
        return [self._control(daemon) for daemon in CONTROL_DAEMONS] + [
            self._compute(number, host) for number, host in enumerate(self.hosts)
        ]

    def _daemon(self, name: str, program: str, stage: int, files: tuple[str, ...], health_port: int, address: str):
        options = [option for file in files for option in ('--config-file', file)]
        return Daemon(
            name,
            (self.layout.our_program(program), *options),
            stage,
            address=address,
            ready_url=f'http://{self.layout.address}:{health_port}/readyz',
            config_files=files,
            version=commands.our_version(),
        )

    def _control(self, name: str) -> Daemon:
        files = (str(self.etc('nova.conf')),)
        health = self.layout.port(f'{name}-health')
        served = self.layout.listen(name) if name in ('nova-api', 'nova-novncproxy') else ''
        return self._daemon(name, name, CONTROL, files, health, served)

    def _compute(self, number: int, host: str) -> Daemon:
        files = (str(self.etc('nova.conf')), str(self.etc(f'nova-compute-{host}.conf')))
        name = 'nova-compute' if self.layout.driver == 'libvirt' else f'nova-compute-{host}'
        return self._daemon(name, 'nova-compute', HOSTS, files, self.layout.compute_health_port(number), '')
