"""The API on real stores, with hosts, daemons, aggregates and flavors that the resources can show."""

import datetime
import hashlib
import shutil

from nova.db.stores import (
    aggregates,
    cells,
    console_tokens,
    flavors,
    host_mappings,
    hosts,
    mappings,
    migrations,
    server_groups,
    servers,
    services,
)
from nova.domain.guest import ConsoleAddress, ConsoleGrant
from nova.domain.host import HostReport, Inventory
from nova.domain.migration import Migration
from tests.unit.api.servers.world import CELL_ID, NOW, World

NODE_ID = 'b1e43b5f-eec1-44e0-9f10-7b4945c0226d'
PUBLIC_KEY = (
    'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDx8nkQv/zgGgB4rMYmIf+6A4l6Rr+o/6lHBQdW5aYd44bd8JttDCE/F/pNRr0lRE+PiqSPO8n'
    'DPHw0010JeMH9gYgnnFlyY3/OcJ02RhIPyyxYpv9FhY+2YiUkpwFOcLImyrxEsYXpD/0d3ac30bNH6Sw9JD9UZHYcpSxsIbECHw=='
)


def report(**fields):
    """What the host `compute` says of itself."""
    values = {
        'host': 'compute',
        'node': 'fake-mini',
        'node_id': NODE_ID,
        'hypervisor_type': 'fake',
        'hypervisor_version': 1000,
        'inventory': Inventory(vcpus=2, memory_mb=8192, disk_gb=1028, reserved_memory_mb=512),
        'host_ip': '1.1.1.1',
        'cpu_info': {
            'arch': 'x86_64',
            'model': 'Nehalem',
            'vendor': 'Intel',
            'features': ['pge', 'clflush'],
            'topology': {'cores': 1, 'threads': 1, 'sockets': 4},
        },
        'uptime': ' 08:32:11 up 93 days, 18:25, 12 users,  load average: 0.20, 0.12, 0.14',
        'disk_available_least': 0,
    }
    return HostReport(**values | fields)


class Cloud(World):
    """`host_reports` makes the compute host known, `daemons` the controllers."""

    def host_reports(self, **fields):
        with self.databases.cell(CELL_ID).writing() as tx:
            hosts.report(tx, report(**fields), NOW)

    def daemons(self):
        with self.databases.cell(CELL_ID).writing() as tx:
            services.alive(tx, 'controller', 'nova-scheduler', 'scheduler', at=NOW)
            services.alive(tx, 'controller', 'nova-conductor', 'conductor', at=NOW)

    def service(self, binary='nova-compute', host='compute'):
        with self.databases.cell(CELL_ID).reading() as tx:
            return services.find(tx, host, binary)

    def zone(self, name, *members):
        with self.databases.api.writing() as tx:
            made = aggregates.create(tx, name, {'availability_zone': name})
            for host in members:
                aggregates.add_host(tx, made.id, host)

    def extra_specs(self, flavor_id='1', **specs):
        with self.databases.api.writing() as tx:
            flavors.set_extra_specs(tx, flavor_id, specs or {'hw:cpu_policy': 'shared', 'hw:numa_nodes': '1'})

    def map_host(self, *names):
        """Hosts that belong to the cell, and have not reported."""
        with self.databases.api.writing() as tx:
            host_mappings.add(tx, CELL_ID, names)

    def vacate(self):
        """Have no servers any more."""
        with self.databases.cell(CELL_ID).writing() as tx:
            for server_id, _state in servers.on_host(tx, 'compute'):
                servers.remove(tx, server_id)

    def join_group(self, group_id, *server_ids):
        with self.databases.api.writing() as tx:
            server_groups.add_members(tx, group_id, server_ids)

    def migration(self, number=1, server_id='00000000-0000-4000-8000-000000000001', cell_id=CELL_ID, **fields):
        """A move of a server that there is."""
        values = {
            'id': f'00000000-0000-4000-9000-{number:012}',
            'server_id': server_id,
            'kind': 'live-migration',
            'status': 'running',
            'source_compute': 'compute',
            'source_node': 'node',
            'dest_compute': 'compute2',
            'dest_node': 'node2',
            'dest_host': '1.2.3.4',
            'old_flavor_id': '1',
            'new_flavor_id': 'big',
            'user_id': 'alice',
            'project_id': 'demo',
            'created_at': NOW + datetime.timedelta(seconds=number),
        }
        with self.databases.cell(cell_id).writing() as tx:
            return migrations.record(tx, Migration(**values | fields))

    def console_token(self, token, kind='novnc', seconds=60):
        """Leave to open a console, for a while."""
        address = ConsoleAddress(kind, '10.0.0.9', 5900, path='a-path')
        until = NOW + datetime.timedelta(seconds=seconds)
        grant = ConsoleGrant('00000000-0000-4000-8000-000000000001', address, 'http://proxy', until)
        with self.databases.cell(CELL_ID).writing() as tx:
            console_tokens.create(tx, hashlib.sha256(token.encode()).hexdigest(), grant)

    def forget(self, server_id):
        """Have the server as if it were deleted."""
        with self.databases.api.writing() as tx:
            mappings.queue_for_delete(tx, server_id)

    def second_cell(self, template):
        """One more cell, without hosts; its id."""
        path = self.directory / 'cell2.db'
        shutil.copy(template / 'cell1.db', path)
        with self.databases.api.writing() as tx:
            made = cells.create(tx, 'cell2', 'fake://cell2', f'sqlite:///{path}')
        self.databases.forget()
        return made.id

    def lost_cell(self, *hosts):
        """One more cell, whose database does not answer."""
        path = self.directory / 'lost.db'
        path.mkdir()
        with self.databases.api.writing() as tx:
            made = cells.create(tx, 'lost', 'fake://lost', f'sqlite:///{path}')
            host_mappings.add(tx, made.id, hosts)
        self.databases.forget()

    def compute_daemon(self, host, at=NOW):
        """One more host's daemon, last seen then."""
        with self.databases.cell(CELL_ID).writing() as tx:
            services.alive(tx, host, 'nova-compute', 'compute', at=at)
