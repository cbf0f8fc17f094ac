"""A cloud in which the published samples hold: what their paths and bodies name is made here, by calls, when asked for."""

import dataclasses
import datetime
import re
import urllib.parse
import uuid
from collections.abc import Callable

import sqlalchemy as sa

from nova import errors
from nova.db.stores import migrations
from nova.db.tables.servers import servers
from nova.domain.guest import ConsoleAddress
from nova.domain.lifecycle import Activity, State
from nova.domain.migration import LIVE, Migration
from tests.functional.client import IMAGE_ID, Api
from tests.functional.cloud import NEVER, Cloud

HOST, EMPTY_HOST = 'h1', 'h3'
# Processes of nova-api: one that knows no quotas, and one that cannot reach the cell.
UNLIMITED, CUT_OFF = 'unlimited', 'cut-off'
# The flavor that has extra specs, which no host here can keep: no server is made of it.
WITH_SPECS = '5'
UPTIME = ' 08:32:11 up 93 days, 18:25, 12 users,  load average: 0.20, 0.12, 0.14'
NETWORK_OF_SAMPLES = '3cb9bc59-5699-4588-a4b1-b87f96708bc6'
PUBLIC_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP5S6Vb9x2oGkVnM7h1xH6FhC5R7DkfRZs2m3R4CkJq8 somebody'
ZONES_OF_SAMPLES = ('us-west', '%(availability_zone)s')


# Every change gets one of its own; and these are another in another version.
USED_UP = ('server_id', 'port_id', 'volume_id', 'floating_ip_id')
BY_VERSION = ('hypervisor_id', 'service_id', 'request_id')
# The name of the servers that are looked at and never changed.
KEPT = 'kept'
PROGRESS = [f'{what}_{how}' for what in ('memory', 'disk') for how in ('total', 'processed', 'remaining')]


class SampleCloud(Cloud):
    """Its guests have consoles, and its hosts know for how long they are up."""

    def _driver(self, name, vcpus=1000):
        driver = super()._driver(name, vcpus)
        driver._console_address = ConsoleAddress('novnc', '127.0.0.1', 5900, path='somewhere')
        report = driver.report
        driver.report = lambda: dataclasses.replace(report(), uptime=UPTIME)
        return driver

    def start(self):
        """Servers that are shelved stay on their hosts."""
        self.shelved_offload_time = NEVER
        super().start()

    def cut_off_the_newest(self):
        """The process of nova-api that was made last loses its connection to the cell."""

        def refuse():
            raise errors.ServiceDown('The database does not answer.')

        self._made[-1].own._check = refuse


class Scene:
    """`owner` administrates the project in which `member` has the servers. A name that a sample gives is looked up in
    `names`, or made by the method `a_<name>`."""

    AUDITED = datetime.datetime(2035, 1, 1, tzinfo=datetime.UTC)

    def __init__(self, cloud: Cloud):
        self.cloud = cloud
        self.owner, self.member = cloud.api('owner'), cloud.api('member')
        self.users: dict[str, Api] = {}
        self._apps = {'': cloud.app}
        self.names: dict[str, str] = {}
        self.kept: dict[str, str] = {}
        self._cleanups: list[Callable[[], None]] = []

    def user(self, name: str):
        """A user by the name of a token; with an `@`, of another process of nova-api."""
        if name not in self.users:
            token, _, process = name.partition('@')
            self.users[name] = self.cloud.api(token, of=self._app(process))
        return self.users[name]

    def _app(self, process: str):
        if process not in self._apps:
            settings = self.cloud.settings
            if process == UNLIMITED:
                self.cloud.settings = dataclasses.replace(settings, quota_driver='nova.quota.NoopQuotaDriver')
            self._apps[process] = self.cloud.new_app()
            self.cloud.settings = settings
            if process == CUT_OFF:
                self.cloud.cut_off_the_newest()
        return self._apps[process]

    def prepare(self):
        """What every sample takes for granted."""
        self.kept['network_id'] = self.cloud.network.add_network('demo', 'private').id
        self.cloud.network.add_pool('public')
        self.cloud.cinder.zones.add('dublin')
        for number in range(1, 7):
            fields = {'id': str(number), 'name': f'm1.size{number}', 'ram': 128, 'vcpus': 1, 'disk': 1}
            self.owner.post('/flavors', {'flavor': fields | {'swap': 0}}, '2.1', 200)
        specs = {'extra_specs': {'hw:numa_nodes': '1', 'hw:cpu_policy': 'shared'}}
        self.owner.post(f'/flavors/{WITH_SPECS}/os-extra_specs', specs, '2.1', 200)
        self.member.post('/os-keypairs', {'keypair': {'name': 'new-key', 'public_key': PUBLIC_KEY}}, '2.1', 200)
        self.owner.put('/os-services/disable', {'host': EMPTY_HOST, 'binary': 'nova-compute'}, '2.1')

    def name(self, name: str, version, fresh: bool = False) -> str:
        """What stands for a parameter: as `names` has it, one that is kept for all samples, or a fresh one."""
        if name in self.names:
            return self.names[name]
        make = getattr(self, f'a_{name}')
        if fresh and name in USED_UP:
            self.names[name] = make(version)
            return self.names[name]
        if name in BY_VERSION:
            return make(version)
        if name not in self.kept:
            self.kept[name] = make(version, **{'name': KEPT} if name == 'server_id' else {})
        return self.kept[name]

    def afterwards(self, clean: Callable[[], None]):
        """Do this once the sample has been looked at."""
        self._cleanups.append(clean)

    def clean(self):
        while self._cleanups:
            self._cleanups.pop()()

    def note(self, server_id: str, state: State, activity: Activity | None = None):
        """Let the server be in a state, as if the verbs that lead there had run."""
        values = {'state': state.value, 'activity': activity and activity.value}
        with self.cloud.databases.own.writing() as tx:
            tx.execute(sa.update(servers).where(servers.c.id == server_id).values(values))

    def moves(self, server_id: str, kind: str, status: str, at: datetime.datetime):
        """Note a move of a server, as one that is under way does."""
        move = Migration(
            id=str(uuid.uuid4()),
            server_id=server_id,
            kind=kind,
            status=status,
            source_compute=HOST,
            source_node=HOST,
            dest_compute='h2',
            dest_node='h2',
            dest_host='10.0.0.2',
            old_flavor_id='1',
            new_flavor_id='2',
            user_id='alice',
            project_id='demo',
            created_at=at,
            updated_at=at,
            **dict.fromkeys(PROGRESS, 4096) if kind == LIVE else {},
        )
        with self.cloud.databases.own.writing() as tx:
            migrations.record(tx, move)

    def fit(self, body, version, key: str = ''):
        """A sample's body with what exists here in the place of what it names."""
        if isinstance(body, dict):
            return {inner: self.fit(value, version, inner) for inner, value in body.items()}
        if isinstance(body, list):
            return [self.fit(value, version, key) for value in body]
        if body == NETWORK_OF_SAMPLES:
            return self.name('network_id', version)
        if body in ZONES_OF_SAMPLES:
            return 'nova'
        if isinstance(body, str) and (key in self.names or key in MEANT):
            return self.names.get(key) or self.name(MEANT[key], version, fresh=key == 'port_id')
        return body

    # What can be asked for by name.

    def a_server_id(self, version=None, **fields):
        """A server at rest, with all that users can give it."""
        given = {
            'name': 'new-server-test',
            'flavorRef': '1',
            'networks': [{'uuid': self.kept['network_id']}],
            'key_name': 'new-key',
            'metadata': {'My Server Name': 'Apache1', 'foo': 'Foo Value'},
            'tags': ['tag1', 'tag2'],
            'host': HOST,
        }
        server_id = self.owner.create('2.96', **given | fields)
        assert self.owner.wait(server_id)['status'] == 'ACTIVE'
        return server_id

    def a_network_id(self, version=None):
        return self.kept['network_id']

    def a_host_name(self, version=None):
        return HOST

    def a_hypervisor_hostname_pattern(self, version=None):
        return HOST

    def a_image_id(self, version=None):
        return IMAGE_ID

    def a_flavor_id(self, version=None):
        return WITH_SPECS

    def a_flavor_extra_spec_key(self, version=None):
        return 'hw:numa_nodes'

    def a_tenant_id(self, version=None):
        return 'demo'

    def a_id(self, version=None):
        """Of a quota class."""
        return 'test_class'

    def a_alias(self, version=None):
        return 'os-agents'

    def a_key(self, version=None):
        return 'foo'

    def a_network_label(self, version=None):
        return 'private'

    def a_before_timestamp(self, version=None):
        return urllib.parse.quote(f'{self.AUDITED:%Y-%m-%d %H:%M:%S}')

    def a_keypair_name(self, version=None):
        return 'new-key'

    def a_aggregate_id(self, version=None):
        fields = {'name': f'group of hosts {uuid.uuid4()}', 'availability_zone': 'london'}
        return str(self.owner.post('/os-aggregates', {'aggregate': fields}, '2.1', 200)['aggregate']['id'])

    def a_hypervisor_id(self, version):
        found = self.owner.get('/os-hypervisors', version)['hypervisors']
        return str(next(entry['id'] for entry in found if entry['hypervisor_hostname'] == HOST))

    def a_service_id(self, version):
        found = self.owner.get(f'/os-services?host={EMPTY_HOST}', version)['services']
        return str(found[0]['id'])

    def a_server_group_id(self, version=None):
        rules = {'max_server_per_host': 3}
        body = {'server_group': {'name': 'test', 'policy': 'anti-affinity', 'rules': rules}}
        return self.member.post('/os-server-groups', body, '2.64', 200)['server_group']['id']

    def a_request_id(self, version):
        server_id = self.name('server_id', version)
        return self.owner.get(f'/servers/{server_id}/os-instance-actions', version)['instanceActions'][-1]['request_id']

    def a_port_id(self, version=None):
        return self.cloud.network.add_port('demo', self.kept['network_id'])

    def a_volume_id(self, version=None):
        return self.cloud.cinder.add('demo', size=1)

    def a_snapshot_id(self, version=None):
        asked = {'snapshot': {'volume_id': self.a_volume_id(), 'display_name': 'one', 'force': True}}
        return self.owner.post('/os-snapshots', asked, '2.1', 200)['snapshot']['id']

    def a_security_group_id(self, version=None):
        return self.cloud.network.add_security_group('demo', f'group {uuid.uuid4()}').id

    def a_floating_ip_id(self, version=None):
        return self.owner.post('/os-floating-ips', {'pool': 'public'}, '2.1', 200)['floating_ip']['id']

    def a_node_id(self, version=None):
        """Of Ironic."""
        return str(uuid.uuid4())

    def a_console_token(self, version=None):
        asked = {'remote_console': {'protocol': 'vnc', 'type': 'novnc'}}
        path = f'/servers/{self.name("server_id", version)}/remote-consoles'
        url = self.member.post(path, asked, '2.6', 200)['remote_console']['url']
        return re.search(r'token[=%3D]+([\w-]+)', url)[1]


# Which name stands for what a body has under a key.
MEANT = {
    'host': 'host_name',
    'hypervisor_hostname': 'host_name',
    'server_uuid': 'server_id',
    'same_host': 'server_id',
    'group': 'server_group_id',
    'net_id': 'network_id',
    'networkId': 'network_id',
    'port_id': 'port_id',
    'volumeId': 'volume_id',
    'volume_id': 'volume_id',
    'parent_group_id': 'security_group_id',
}
