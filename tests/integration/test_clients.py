"""Journeys through each resource by the clients that people type: `nova` at microversions old and new, and `openstack`."""

import json
import os
import re
import time

import pytest

from nova.standalone import access, seed
from tests.integration.client_shell import ClientShell
from tests.integration.neighbours import NEIGHBOURS, needs_neighbours

pytestmark = needs_neighbours

KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP5S6Vb9x2oGkVnM7h1xH6FhC5R7DkfRZs2m3R4CkJq8 somebody'
VERSIONS = ('2.1', '2.30', '2.60', '2.90')
ADMIN, USER = 'nova', 'nova-demo'
PATIENCE = 120


@pytest.fixture(scope='module')
def shells(whole):
    """Gives a client that waits for commands of one of the users in clouds.yaml."""
    made = {}

    def get(module, cloud):
        if (module, cloud) not in made:
            own = {name: value for name, value in os.environ.items() if not name.startswith('OS_')}
            login = access.variables(whole.layout, whole.secrets, cloud)
            made[module, cloud] = ClientShell(
                NEIGHBOURS / 'bin' / 'python', module, own | login | {'LC_ALL': 'C.UTF-8'}
            )
        return made[module, cloud]

    yield get
    for shell in made.values():
        shell.close()


@pytest.fixture(scope='module')
def nova(shells):
    """Runs `nova`; its table as rows, or what it complains about."""
    if not (NEIGHBOURS / 'bin' / 'nova').exists():
        pytest.skip('There is no nova client in the environment of the neighbours.')

    def run(version, *arguments, cloud=USER, fails=False):
        command = ('--os-compute-api-version', version, *arguments)
        status, printed, complaint = shells('novaclient.shell', cloud).run(*command)
        assert bool(status) is fails, f'nova {" ".join(command)}: {printed}{complaint}'
        return complaint if fails else rows(printed)

    return run


@pytest.fixture(scope='module')
def openstack(shells):
    """Runs `openstack`; what it prints, read as JSON."""

    def run(command, *more, cloud=ADMIN, form='json', fails=False):
        arguments = (*command.split(), *more, *(('-f', form) if form else ()))
        status, printed, complaint = shells('openstackclient.shell', cloud).run(*arguments)
        assert bool(status) is fails, f'openstack {" ".join(arguments)}: {printed}{complaint}'
        if fails:
            return complaint
        return json.loads(printed) if form == 'json' and printed else printed

    return run


def rows(printed):
    """The rows of the tables, by their titles; what is no table as it is."""
    found = []
    # A table is a line, its titles, a line, its rows, and a line.
    _, *chunks = re.split(r'^\+[-+]+\+$', printed, flags=re.MULTILINE)
    if not chunks:
        return printed
    for titles, body in zip(chunks[::3], chunks[1::3], strict=False):
        (names,) = _cells(titles)
        found += [dict(zip(names, row, strict=True)) for row in _cells(body)]
    return found


def _cells(lines):
    found = [line.removeprefix('| ').removesuffix(' |').split(' | ') for line in lines.strip().splitlines()]
    return [[cell.strip() for cell in row] for row in found]


def column(listed, title):
    return {row[title] for row in listed}


def shown(listed):
    """A table of properties as one dictionary."""
    return {row['Property']: row['Value'] for row in listed}


def at_least(version, other):
    return tuple(map(int, version.split('.'))) >= tuple(map(int, other.split('.')))


def free_host(nova):
    """The host that has no server."""
    used = {row['OS-EXT-SRV-ATTR: Host'] for row in nova('2.1', 'list', '--all', '--fields', FIELDS, cloud=ADMIN)}
    return next(host for host in ('fake-1', 'fake-2') if host not in used)


def wait_until_gone(nova, version, server_id):
    ends = time.monotonic() + PATIENCE
    while server_id in column(nova(version, 'list'), 'ID'):
        assert time.monotonic() < ends, f'Server {server_id} is still there.'


FIELDS = 'OS-EXT-SRV-ATTR:host'


def test_nova_finds_out_which_versions_there_are(nova):
    (old, new) = nova('2.latest', 'version-list')
    assert (old['Id'], new['Id'], new['Min Version'], new['Version']) == ('v2.0', 'v2.1', '2.1', '2.96')
    assert '2.96' in nova('2.97', 'list', fails=True)


@pytest.mark.parametrize('version', VERSIONS)
def test_flavors_by_nova(nova, version):
    project = nova('2.1', 'list', '--all', '--fields', 'tenant_id', cloud=ADMIN)[0]['Tenant Id']
    name = f'private at {version}'
    made = nova(version, 'flavor-create', '--is-public', 'False', name, 'auto', '64', '1', '1', cloud=ADMIN)
    flavor_id = made[0]['ID']
    try:
        assert name not in column(nova(version, 'flavor-list'), 'Name')
        nova(version, 'flavor-access-add', flavor_id, project, cloud=ADMIN)
        allowed = nova(version, 'flavor-access-list', '--flavor', flavor_id, cloud=ADMIN)
        assert column(allowed, 'Tenant_ID') == {project}
        assert name in column(nova(version, 'flavor-list'), 'Name')
        nova(version, 'flavor-key', flavor_id, 'set', 'hw:cpu_policy=shared', cloud=ADMIN)
        assert 'shared' in shown(nova(version, 'flavor-show', flavor_id))['extra_specs']
        nova(version, 'flavor-key', flavor_id, 'unset', 'hw:cpu_policy', cloud=ADMIN)
        if at_least(version, '2.55'):
            nova(version, 'flavor-update', flavor_id, 'größer', cloud=ADMIN)
            assert shown(nova(version, 'flavor-show', flavor_id))['description'] == 'größer'
        nova(version, 'flavor-access-remove', flavor_id, project, cloud=ADMIN)
        assert 'No flavor' in nova(version, 'flavor-show', flavor_id, fails=True)
    finally:
        nova(version, 'flavor-delete', flavor_id, cloud=ADMIN)


@pytest.mark.parametrize('version', VERSIONS)
def test_keypairs_by_nova(nova, version, tmp_path):
    key, name = tmp_path / 'key.pub', f'key-{version}'.replace('.', '-')
    key.write_text(KEY)
    nova(version, 'keypair-add', '--pub-key', str(key), name)
    assert name in column(nova(version, 'keypair-list'), 'Name')
    assert 'already exists' in nova(version, 'keypair-add', '--pub-key', str(key), name, fails=True)
    assert name in str(nova(version, 'keypair-show', name))
    nova(version, 'keypair-delete', name)
    nova(version, 'keypair-show', name, fails=True)


@pytest.mark.parametrize('version', VERSIONS)
def test_the_life_of_a_server_by_nova(nova, version):
    name = f'web-{version}'
    options = ('--flavor', 'm1.nano', '--image', seed.IMAGE, '--nic', f'net-name={seed.NETWORK}')
    booted = shown(nova(version, 'boot', *options, '--meta', 'role=web', '--poll', name))
    server_id = booted['id']
    try:
        (listed,) = nova(version, 'list', '--name', name, '--status', 'ACTIVE', '--flavor', 'm1.nano')
        assert (listed['ID'], listed['Status'], listed['Power State']) == (server_id, 'ACTIVE', 'Running')
        nova(version, 'update', '--name', f'new-{name}', server_id)
        nova(version, 'meta', server_id, 'set', 'colour=grün')
        nova(version, 'meta', server_id, 'delete', 'role')
        seen = shown(nova(version, 'show', server_id))
        assert (seen['name'], json.loads(seen['metadata'])) == (f'new-{name}', {'colour': 'grün'})
        if at_least(version, '2.26'):
            nova(version, 'server-tag-add', server_id, 'blue', 'green')
            assert column(nova(version, 'server-tag-list', server_id), 'Tag') == {'blue', 'green'}
            assert column(nova(version, 'list', '--tags', 'blue,green'), 'ID') == {server_id}
            nova(version, 'server-tag-delete-all', server_id)
        nova(version, 'lock', server_id)
        nova(version, 'unlock', server_id)
        actions = [row['Action'] for row in nova(version, 'instance-action-list', server_id)]
        assert {'create', 'lock', 'unlock'} >= set(actions) >= {'create'}
        assert 'login' in nova(version, 'console-log', server_id)
        assert column(nova(version, 'list-secgroup', server_id), 'Name') == {'default'}
        (port,) = nova(version, 'interface-list', server_id)
        assert port['IP addresses'] in seen[f'{seed.NETWORK} network']
        assert nova(version, 'diagnostics', server_id, cloud=ADMIN)
    finally:
        nova(version, 'delete', server_id)
    wait_until_gone(nova, version, server_id)
    assert 'No server' in nova(version, 'show', f'new-{name}', fails=True)


@pytest.mark.parametrize('version', VERSIONS)
def test_server_groups_by_nova(nova, version):
    rule = ('--rule', 'max_server_per_host=2') if at_least(version, '2.64') else ()
    (made,) = nova(version, 'server-group-create', *rule, f'apart at {version}', 'anti-affinity')
    assert made['Id'] in column(nova(version, 'server-group-list'), 'Id')
    assert 'anti-affinity' in str(nova(version, 'server-group-get', made['Id']))
    nova(version, 'server-group-delete', made['Id'])
    nova(version, 'server-group-get', made['Id'], fails=True)


@pytest.mark.parametrize('version', VERSIONS)
def test_aggregates_and_zones_by_nova(nova, version):
    host, zone = free_host(nova), f'zone-{version}'
    (made,) = nova(version, 'aggregate-create', f'racks at {version}', zone, cloud=ADMIN)
    number = made['Id']
    try:
        nova(version, 'aggregate-add-host', number, host, cloud=ADMIN)
        assert column(nova(version, 'availability-zone-list'), 'Name') == {'nova', zone}
        assert host in str(nova(version, 'availability-zone-list', cloud=ADMIN))
        nova(version, 'aggregate-set-metadata', number, 'ssd=true', cloud=ADMIN)
        nova(version, 'aggregate-update', '--name', f'shelves at {version}', number, cloud=ADMIN)
        (seen,) = nova(version, 'aggregate-show', number, cloud=ADMIN)
        assert (seen['Name'], "'ssd=true'" in seen['Metadata']) == (f'shelves at {version}', True)
    finally:
        nova(version, 'aggregate-remove-host', number, host, cloud=ADMIN)
        nova(version, 'aggregate-delete', number, cloud=ADMIN)
    assert number not in column(nova('2.1', 'aggregate-list', cloud=ADMIN), 'Id')


@pytest.mark.parametrize('version', VERSIONS)
def test_services_and_hypervisors_by_nova(nova, version):
    services = nova(version, 'service-list', '--binary', 'nova-compute', cloud=ADMIN)
    service = next(row for row in services if row['Host'] == 'fake-2')
    this = service['Id'] if at_least(version, '2.53') else 'fake-2'
    nova(version, 'service-disable', '--reason', 'Wartung', this, cloud=ADMIN)
    try:
        (found,) = nova(version, 'service-list', '--host', 'fake-2', cloud=ADMIN)
        assert (found['Status'], found['Disabled Reason']) == ('disabled', 'Wartung')
        (listed,) = nova(version, 'hypervisor-list', '--matching', 'fake-2', cloud=ADMIN)
        assert listed['Hypervisor hostname'] == 'fake-2'
        seen = shown(nova(version, 'hypervisor-show', listed['ID'], cloud=ADMIN))
        assert (seen['status'], seen['state']) == ('disabled', 'up')
    finally:
        nova(version, 'service-enable', this, cloud=ADMIN)
    if not at_least(version, '2.88'):
        assert shown(nova(version, 'hypervisor-stats', cloud=ADMIN))['count'] == '2'


@pytest.mark.parametrize('version', VERSIONS)
def test_quotas_limits_and_usage_by_nova(nova, version):
    project = nova('2.1', 'list', '--all', '--fields', 'tenant_id', cloud=ADMIN)[0]['Tenant Id']
    nova(version, 'quota-update', '--instances', '7', project, cloud=ADMIN)
    try:
        assert {'Quota': 'instances', 'Limit': '7'} in nova(version, 'quota-show')
    finally:
        nova(version, 'quota-delete', '--tenant', project, cloud=ADMIN)
    assert {'Quota': 'instances', 'Limit': '10'} in nova(version, 'quota-show')
    assert {'Quota': 'instances', 'Limit': '10'} in nova(version, 'quota-class-show', 'default', cloud=ADMIN)
    limits = {row['Name']: row['Max'] for row in nova(version, 'limits') if 'Name' in row}
    assert limits['Instances'] == '10'
    (usage,) = nova(version, 'usage')
    assert float(usage['RAM MiB-Hours']) > 0
    assert project in column(nova(version, 'usage-list', cloud=ADMIN), 'Tenant ID')


@pytest.mark.parametrize('version', VERSIONS)
def test_what_administrators_look_at_by_nova(nova, version):
    nova(version, 'migration-list', cloud=ADMIN)
    assert 'vm_state' not in str(nova(version, 'instance-usage-audit-log', cloud=ADMIN))
    assert "Policy doesn't allow" in nova(version, 'hypervisor-list', fails=True)


def test_versions_and_extensions_by_openstack(openstack):
    (version,) = [row for row in openstack('versions show --service compute') if row['Status'] == 'CURRENT']
    assert (version['Min Microversion'], version['Max Microversion']) == ('2.1', '2.96')
    assert 'os-flavor-manage' in column(openstack('extension list --compute'), 'Alias')
    for version in ('2.1', '2.30', '2.96'):
        listed = openstack(f'--os-compute-api-version {version} server list --all-projects --long')
        assert column(listed, 'Name') == {'first'}


def test_flavors_by_openstack(openstack):
    specs = '--private --property hw:cpu_policy=shared --description eins'
    made = openstack(f'flavor create --id auto --ram 64 --disk 1 --vcpus 1 {specs} larger')
    try:
        openstack('flavor set --project demo --property a=b --description zwei larger', form=None)
        seen = openstack('flavor show larger', cloud=USER)
        assert (seen['description'], seen['properties']) == ('zwei', {'hw:cpu_policy': 'shared', 'a': 'b'})
        openstack('flavor unset --property a --project demo larger', form=None)
        assert 'larger' not in column(openstack('flavor list', cloud=USER), 'Name')
    finally:
        openstack(f'flavor delete {made["id"]}', form=None)


def test_the_verbs_of_a_server_by_openstack(openstack):
    options = f'--image {seed.IMAGE} --flavor m1.nano --network {seed.NETWORK} --property role=web --tag blue --wait'
    made = openstack(f'server create {options} verbs', cloud=USER)
    server_id = made['id']
    try:
        (listed,) = openstack('server list --status ACTIVE --name verbs --flavor m1.nano --tags blue', cloud=USER)
        assert listed['ID'] == server_id
        openstack(f'server set --property a=b --tag red --description neu {server_id}', cloud=USER, form=None)
        openstack(f'server unset --property role --tag blue {server_id}', cloud=USER, form=None)
        seen = openstack(f'server show {server_id}', cloud=USER)
        assert (seen['properties'], seen['tags'], seen['description']) == ({'a': 'b'}, ['red'], 'neu')
        openstack(f'server lock --reason why {server_id}', cloud=USER, form=None)
        assert openstack(f'server show {server_id}', cloud=USER)['locked_reason'] == 'why'
        openstack(f'server unlock {server_id}', cloud=USER, form=None)
        openstack(f'server reboot --hard --wait {server_id}', cloud=USER, form=None)
        assert 'create' in column(openstack(f'server event list {server_id}', cloud=USER), 'Action')
        assert openstack(f'server volume list {server_id}', cloud=USER) == []
        assert openstack('server migration list') == []
        openstack(f'server set --state error --auto-approve {server_id}', form=None)
        openstack(f'server set --state active --auto-approve {server_id}', form=None)
    finally:
        openstack(f'server delete --wait {server_id}', cloud=USER, form=None)


def test_security_groups_and_server_groups_by_openstack(openstack):
    openstack('security group create samples', cloud=USER)
    rule = '--policy anti-affinity --rule max_server_per_host=2'
    openstack(f'server group create {rule} apart', cloud=USER)
    hint = openstack('server group show apart', cloud=USER)
    options = f'--image {seed.IMAGE} --flavor m1.nano --network {seed.NETWORK} --hint group={hint["id"]} --wait'
    server_id = openstack(f'server create {options} grouped', cloud=USER)['id']
    try:
        assert openstack('server group show apart', cloud=USER)['members'] == [server_id]
        openstack(f'server add security group {server_id} samples', cloud=USER, form=None)
        seen = openstack(f'server show {server_id}', cloud=USER)
        assert {'name': 'samples'} in seen['security_groups']
        openstack(f'server remove security group {server_id} samples', cloud=USER, form=None)
    finally:
        openstack(f'server delete --wait {server_id}', cloud=USER, form=None)
        openstack('server group delete apart', cloud=USER, form=None)
        openstack('security group delete samples', cloud=USER, form=None)


def test_hosts_and_aggregates_by_openstack(openstack):
    first = openstack('server list --all-projects --long')[0]['Host']
    host = 'fake-1' if first == 'fake-2' else 'fake-2'
    openstack('aggregate create --zone racks shelf')
    try:
        openstack(f'aggregate add host shelf {host}')
        openstack('aggregate set --property ssd=true shelf', form=None)
        seen = openstack('aggregate show shelf')
        assert (seen['hosts'], seen['properties']) == ([host], {'ssd': 'true'})
        assert 'racks' in column(openstack('availability zone list --compute', cloud=USER), 'Zone Name')
        openstack('aggregate cache image shelf', seed.IMAGE, form=None)
        openstack('aggregate unset --property ssd shelf', form=None)
    finally:
        openstack(f'aggregate remove host shelf {host}')
        openstack('aggregate delete shelf', form=None)
    openstack(f'compute service set --down {host} nova-compute', form=None)
    openstack(f'compute service set --up {host} nova-compute', form=None)
    assert openstack('hypervisor stats show')['count'] == 2
    assert {'Host Name': host, 'Service': 'compute', 'Zone': 'nova'} in openstack('host list')


def test_quotas_limits_and_usage_by_openstack(openstack):
    openstack('quota set --instances 5 demo', form=None)
    try:
        quotas = {row['Resource']: row['Limit'] for row in openstack('quota show --compute', cloud=USER)}
        assert quotas['instances'] == 5
        assert {'Name': 'instances', 'Value': 5} in openstack('limits show --absolute', cloud=USER)
    finally:
        openstack('quota delete --compute demo', form=None)
    used = openstack('usage show --project demo')
    assert used['RAM MB-Hours'] > 0
    assert used['Project'] in str(openstack('usage list'))


def test_what_has_ended_says_so_to_openstack(openstack):
    assert '410' in openstack('compute agent list', fails=True)
