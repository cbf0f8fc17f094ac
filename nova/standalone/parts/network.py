"""nova-network: networks, ports and addresses for the cloud's servers."""

import sys

from nova.standalone import commands, configuration
from nova.standalone.daemon import CONTROL, Daemon
from nova.standalone.parts.part import Part


class Network(Part):
    name = 'network'
    title = 'nova-network'
    needs_before_start = ('identity',)
    ports = ('nova-network', 'nova-network-health')

    @property
    def programs(self) -> dict[str, str]:
        if self.layout.driver == 'fake':
            return {}
        return {'ip': 'iproute2', 'dnsmasq': 'dnsmasq-base', 'nft': 'nftables'}

    def configure(self) -> None:
        layout = self.layout
        layout.data('network').mkdir(parents=True, exist_ok=True)
        configuration.write(
            self.etc('nova-network.conf'),
            configuration.ini(
                {
                    'DEFAULT': {'use_stderr': 'true'},
                    'network_service': self._service(),
                    'health': {'listen': layout.address, 'network_port': layout.port('nova-network-health')},
                    'neutron': {'metadata_proxy_shared_secret': self.secrets['metadata']},
                    'keystone_authtoken': configuration.token_validation(
                        self.layout.url('keystone'), 'neutron', self.secrets['neutron']
                    ),
                }
            ),
        )

    def _service(self) -> dict:
        layout = self.layout
        return {
            'listen': layout.address,
            'port': layout.port('nova-network'),
            'connection': layout.database_url('network', 'nova_network'),
            'state_dir': layout.data('network'),
            'backend': 'bridge' if layout.driver == 'libvirt' else 'none',
            'nft_table': self._table,
            'metadata_url': layout.url('nova-metadata'),
            'metadata_proxy_port': layout.port('metadata-proxy'),
        }

    @property
    def _table(self) -> str:
        """Of this cloud alone: it marks what nova-network owns on the machine."""
        return f'nova_network_{self.layout.port_offset}' if self.layout.port_offset else 'nova_network'

    def daemons(self) -> list[Daemon]:
        return [
            Daemon(
                'nova-network',
                (self.layout.our_program('nova-network'), '--config-file', str(self.etc('nova-network.conf'))),
                CONTROL,
                address=self.layout.listen('nova-network'),
                ready_url=self.layout.url('nova-network-health', '/readyz'),
                config_files=(str(self.etc('nova-network.conf')),),
                version=commands.our_version(),
            )
        ]

    def after_stop(self) -> None:
        """Take bridges, DHCP servers and firewall rules off the machine; the next start makes them again."""
        file = self.etc('nova-network.conf')
        if self.layout.driver == 'fake' or not file.exists():
            return
        # Imported late: nothing else needs nova-network in this process.
        import nova.conf
        from nova.network import service

        conf = nova.conf.load(['--config-file', str(file)], 'nova-network', with_neighbours=False)
        for problem in service.purge(conf):
            print(f'nova-network left something on this machine: {problem}', file=sys.stderr)
