"""Values for the tests of the stores; each differs in what the test says."""

import datetime
import uuid

from nova.domain.flavor import Flavor
from nova.domain.host import HostReport, Inventory
from nova.domain.lifecycle import State
from nova.domain.network import FixedIP, Network, Port
from nova.domain.operation import OperationRow
from nova.domain.server import Server

NOON = datetime.datetime(2030, 1, 2, 12, 0, 0, 123456, tzinfo=datetime.UTC)
SMALL = Flavor('1', 'm1.small', vcpus=2, memory_mb=512, disk_gb=3, ephemeral_gb=1, swap_mb=1500)
ASTRAL = 'größe 🚀 名前'


def later(seconds):
    return NOON + datetime.timedelta(seconds=seconds)


def an_id(number):
    return str(uuid.UUID(int=number))


def a_server(number=1, **fields):
    given = {
        'id': an_id(number),
        'name': f'server-{number}',
        'hostname': f'server-{number}',
        'project_id': 'p',
        'user_id': 'u',
        'flavor': SMALL,
        'state': State.ACTIVE,
        'created_at': later(number),
        'updated_at': later(number),
    }
    return Server(**(given | fields))


def a_port(*addresses):
    fixed = tuple(FixedIP(address, 's', 6 if ':' in address else 4) for address in addresses)
    return Port(str(uuid.uuid4()), 'fa:16:3e:00:00:01', Network('n', 'private'), fixed_ips=fixed)


def a_report(host='h1', **fields):
    given = {
        'host': host,
        'node': f'{host}.node',
        'node_id': str(uuid.uuid5(uuid.NAMESPACE_DNS, host)),
        'hypervisor_type': 'QEMU',
        'hypervisor_version': 7002000,
        'inventory': Inventory(8, 16384, 100),
        'traits': ('HW_CPU_X86_VMX',),
        'supported_instances': (('x86_64', 'qemu', 'hvm'),),
        'cpu_info': {'model': 'Skylake'},
    }
    return HostReport(**(given | fields))


def an_operation(number=1, **fields):
    given = {
        'id': an_id(1000 + number),
        'verb': 'create',
        'server_id': an_id(number),
        'project_id': 'p',
        'user_id': 'u',
        'parameters': {'text': ASTRAL},
        'created_at': later(number),
        'deadline_at': later(3600),
    }
    return OperationRow(**(given | fields))
