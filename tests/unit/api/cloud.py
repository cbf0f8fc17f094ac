"""The API on real stores, with hosts, daemons, aggregates and flavors that the resources can show."""

from nova.db.stores import aggregates, flavors, hosts, services
from nova.domain.host import HostReport, Inventory
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
            services.ensure(tx, 'controller', 'nova-scheduler', 'scheduler', at=NOW)
            services.ensure(tx, 'controller', 'nova-conductor', 'conductor', at=NOW)

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
