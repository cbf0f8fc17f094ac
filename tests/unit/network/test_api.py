"""The network API as a client sees it: who may do what, what is refused and how."""

import threading

import pytest
import sqlalchemy
import webob

from tests.unit.network.cloud import ADMIN, ALICE, BOB, SERVICE, NetworkCloud

ELSEWHERE = '11111111-2222-3333-4444-555555555555'


def test_versions_are_open_to_everybody(cloud):
    assert cloud.call('GET', '/', caller=None, status=200)['versions'][0]['id'] == 'v2.0'
    assert cloud.call('GET', '/v2.0/', caller=None, status=200)['resources']


def test_without_a_caller_the_rest_is_refused(cloud):
    assert cloud.get('networks', caller=None, status=401)['NeutronError']['type'] == 'HTTPUnauthorized'


@pytest.mark.parametrize(
    ('method', 'path', 'status'),
    [('GET', '/v2.0/nothing', 404), ('PUT', '/v2.0/networks', 405), ('GET', '/v3/', 404), ('POST', '/v2.0/ports', 400)],
)
def test_unknown_places_and_methods(cloud, method, path, status):
    assert 'NeutronError' in cloud.call(method, path, status=status)


@pytest.mark.parametrize(
    'query',
    ['name=%ff', '%ff=1', 'fields=%ff', 'page_reverse=x', 'limit=x', 'sort_key=nothing', 'marker=%00', 'mtu=x'],
)
def test_a_query_that_cannot_be_answered_is_the_caller_s_mistake(cloud, query):
    cloud.make_network()
    answer = cloud.raw('GET', f'/v2.0/networks?{query}')
    assert answer.status_int in (400, 404), answer.text


def test_a_path_that_is_no_text_is_the_caller_s_mistake(cloud):
    assert cloud.raw('GET', '/v2.0/networks/%ff').status_int == 400


@pytest.mark.parametrize(
    'body',
    [b'[' * 100_000, b'{"network": {"name": "\\ud800"}}', b'{"network": {"mtu": NaN}}', b'\xff', b'', b'null', b'[]'],
)
def test_a_body_that_is_no_json_object_is_the_caller_s_mistake(cloud, body):
    assert cloud.raw('POST', '/v2.0/networks', body).status_int == 400


@pytest.mark.parametrize('direction', ['asc', 'desc'])
def test_pages_may_be_ordered_by_what_is_true_or_false(cloud, direction):
    for number in range(4):
        cloud.make('network', name=str(number), admin_state_up=bool(number % 2))
    found, marker = [], ''
    while page := cloud.get(
        f'networks?limit=1&sort_key=admin_state_up&sort_dir={direction}{marker and f"&marker={marker}"}'
    )['networks']:
        found += page
        marker = page[-1]['id']
    ups = [network['admin_state_up'] for network in found]
    assert ups == sorted([False, True] * 2, reverse=direction == 'desc')
    assert len({network['id'] for network in found}) == 4


def test_a_network_with_a_subnet(cloud):
    network, subnet = cloud.make_network(name='blue')
    assert network['status'] == 'ACTIVE'
    assert (subnet['gateway_ip'], subnet['ip_version']) == ('10.0.0.1', 4)
    assert subnet['allocation_pools'] == [{'start': '10.0.0.2', 'end': '10.0.0.254'}]
    assert cloud.get(f'networks/{network["id"]}')['network']['subnets'] == [subnet['id']]


def test_dhcp_answers_from_a_port_of_its_own(cloud):
    network, subnet = cloud.make_network()
    (port,) = cloud.get(f'ports?network_id={network["id"]}')['ports']
    assert port['device_owner'] == 'network:dhcp'
    assert port['fixed_ips'] == [{'subnet_id': subnet['id'], 'ip_address': '10.0.0.2'}]
    cloud.delete(f'ports/{port["id"]}', status=409)
    cloud.change(f'subnets/{subnet["id"]}', enable_dhcp=False)
    assert cloud.get('ports')['ports'] == []


def test_projects_do_not_see_each_other_but_what_is_shared(cloud):
    cloud.make_network(caller=ALICE, name='hers')
    cloud.make_network('10.1.0.0/24', name='everybody', shared=True)
    cloud.make_network('10.2.0.0/24', name='admins')
    names = {who: {net['name'] for net in cloud.get('networks', who)['networks']} for who in (ALICE, BOB, SERVICE)}
    assert names == {ALICE: {'hers', 'everybody'}, BOB: {'everybody'}, SERVICE: {'hers', 'everybody', 'admins'}}
    assert {subnet['cidr'] for subnet in cloud.get('subnets', BOB)['subnets']} == {'10.1.0.0/24'}


def test_what_is_shared_may_be_used_but_not_changed(cloud):
    network, _ = cloud.make_network(shared=True)
    port = cloud.make('port', BOB, network_id=network['id'])
    assert port['project_id'] == BOB.project_id
    assert cloud.change(f'networks/{network["id"]}', BOB, 403, name='mine')['type'] == 'PolicyNotAuthorized'
    cloud.delete(f'networks/{network["id"]}', BOB, 403)


def test_what_is_not_visible_is_not_found(cloud):
    network, subnet = cloud.make_network(caller=ALICE)
    port = cloud.make('port', ALICE, network_id=network['id'])
    for path in (f'networks/{network["id"]}', f'subnets/{subnet["id"]}', f'ports/{port["id"]}'):
        cloud.get(path, BOB, 404)
        cloud.delete(path, BOB, 404)
    error = cloud.make('port', BOB, 404, network_id=network['id'])
    assert error['type'] == 'NetworkNotFound'


@pytest.mark.parametrize(
    ('kind', 'fields', 'status'),
    [
        ('network', {'shared': True}, 403),
        ('network', {'router:external': True}, 403),
        ('network', {'project_id': 'p-bob'}, 403),
        ('network', {'tenant_id': 'p-bob'}, 403),
        ('network', {'colour': 'red'}, 400),
        ('network', {'mtu': 10}, 400),
        ('network', {'name': 'x' * 256}, 400),
        ('network', {'name': 5}, 400),
        ('network', {'admin_state_up': 'maybe'}, 400),
        ('network', {'shared': False, 'name': 'ünïcode 名前'}, 201),
        ('subnet', {'cidr': '10.9.0.0/24'}, 400),
        ('security_group', {'name': 'default'}, 409),
    ],
)
def test_what_a_user_may_create(cloud, kind, fields, status):
    cloud.make(kind, ALICE, status, **fields)


@pytest.mark.parametrize(
    ('fields', 'status'),
    [
        ({'cidr': '10.9.0.0/24'}, 201),
        ({'cidr': '10.9.0.1/24'}, 400),
        ({'cidr': '10.9.0.0/31'}, 400),
        ({'cidr': '10.0.0.128/25'}, 400),
        ({'cidr': '2001:db8::/64', 'ip_version': 6}, 400),
        ({'cidr': '10.9.0.0/24', 'ip_version': 6}, 400),
        ({'cidr': '10.9.0.0/24', 'gateway_ip': '10.8.0.1'}, 400),
        ({'cidr': '10.9.0.0/24', 'gateway_ip': None}, 201),
        ({'cidr': '10.9.0.0/24', 'allocation_pools': [{'start': '10.9.0.1', 'end': '10.9.0.5'}]}, 409),
        ({'cidr': '10.9.0.0/24', 'allocation_pools': [{'start': '10.9.0.5'}]}, 400),
        ({'cidr': '10.9.0.0/24', 'dns_nameservers': ['8.8.8.8'] * 300}, 400),
        ({'cidr': '10.9.0.0/24', 'host_routes': [{'destination': '10.0.0.0/8', 'nexthop': '10.9.0.9'}]}, 201),
    ],
)
def test_what_a_subnet_may_be(cloud, fields, status):
    network, _ = cloud.make_network()
    cloud.make('subnet', status=status, network_id=network['id'], **fields)


def test_ranges_of_other_networks_may_overlap_only_where_nothing_routes_between_them(tmp_path):
    for may_overlap, status in ((True, 201), (False, 400)):
        cloud = NetworkCloud(f'sqlite:///{tmp_path}/{may_overlap}.sqlite', ranges_may_overlap=may_overlap)
        cloud.make_network('10.0.0.0/16')
        other = cloud.make('network')
        cloud.make('subnet', status=status, network_id=other['id'], cidr='10.0.5.0/24')


def test_a_port_gets_address_mac_and_the_default_group(cloud):
    network, subnet = cloud.make_network(caller=ALICE)
    port = cloud.make('port', ALICE, network_id=network['id'], dns_name='web-1')
    (ip,) = port['fixed_ips']
    (group,) = cloud.get('security-groups', ALICE)['security_groups']
    assert ip['subnet_id'] == subnet['id']
    assert port['mac_address'].startswith('fa:16:3e:')
    assert port['security_groups'] == [group['id']]
    assert group['name'] == 'default'
    assert port['status'] == 'DOWN'
    assert port['dns_assignment'] == [
        {'ip_address': ip['ip_address'], 'hostname': 'web-1', 'fqdn': 'web-1.openstacklocal.'}
    ]


def test_a_bound_port_names_its_bridge_to_those_who_bind(cloud):
    network, _ = cloud.make_network(caller=ALICE)
    port = cloud.make(
        'port', SERVICE, network_id=network['id'], project_id='p-alice', **{'binding:host_id': 'h1', 'device_id': 's1'}
    )
    assert (port['status'], port['binding:vif_type']) == ('ACTIVE', 'bridge')
    assert port['binding:vif_details']['bridge_name'] == f'brq{network["id"][:11]}'
    seen = cloud.get(f'ports/{port["id"]}', ALICE)['port']
    assert 'binding:host_id' not in seen
    assert cloud.change(f'ports/{port["id"]}', ALICE, 403, **{'binding:host_id': 'h2'})['type'] == 'PolicyNotAuthorized'
    freed = cloud.change(f'ports/{port["id"]}', SERVICE, **{'binding:host_id': '', 'device_id': ''})
    assert (freed['status'], freed['binding:vif_type']) == ('DOWN', 'unbound')


@pytest.mark.parametrize(
    ('fixed_ips', 'status', 'kind'),
    [
        ([{'ip_address': '10.0.0.77'}], 201, None),
        ([{'ip_address': '10.0.0.77'}, {'ip_address': '10.0.0.78'}], 201, None),
        ([], 201, None),
        ([{'ip_address': '10.0.0.50'}], 409, 'IpAddressAlreadyAllocated'),
        ([{'ip_address': '10.0.0.1'}], 409, 'IpAddressAlreadyAllocated'),
        ([{'ip_address': '10.7.0.5'}], 400, 'InvalidIpForNetwork'),
        ([{'ip_address': '10.0.0.255'}], 400, 'InvalidIpForSubnet'),
        ([{'ip_address': '10.0.0.77'}, {'ip_address': '10.0.0.77'}], 400, 'InvalidInput'),
        ([{'ip_address': 'here'}], 400, 'HTTPBadRequest'),
        ([{'subnet_id': ELSEWHERE}], 400, 'InvalidInput'),
        ('10.0.0.77', 400, 'HTTPBadRequest'),
    ],
)
def test_addresses_asked_for(cloud, fixed_ips, status, kind):
    network, _ = cloud.make_network()
    cloud.make('port', network_id=network['id'], fixed_ips=[{'ip_address': '10.0.0.50'}])
    answer = cloud.make('port', status=status, network_id=network['id'], fixed_ips=fixed_ips)
    if status == 201:
        assert [ip['ip_address'] for ip in answer['fixed_ips']] == [ip['ip_address'] for ip in fixed_ips]
    else:
        assert answer['type'] == kind


def test_a_pool_is_used_up_to_its_last_address_and_no_further(cloud):
    network = cloud.make('network')
    pools = [{'start': '10.0.0.10', 'end': '10.0.0.12'}, {'start': '10.0.0.20', 'end': '10.0.0.40'}]
    cloud.make('subnet', network_id=network['id'], cidr='10.0.0.0/24', allocation_pools=pools)
    given = {cloud.make('port', network_id=network['id'])['fixed_ips'][0]['ip_address'] for _ in range(23)}
    assert given == {f'10.0.0.{last}' for last in [11, 12, *range(20, 41)]}
    error = cloud.make('port', status=409, network_id=network['id'])
    assert error['type'] == 'IpAddressGenerationFailure'


def test_an_address_is_free_again_when_its_port_is_gone(cloud):
    network, _ = cloud.make_network()
    for _ in range(2):
        port = cloud.make('port', network_id=network['id'], fixed_ips=[{'ip_address': '10.0.0.50'}])
        cloud.delete(f'ports/{port["id"]}')
        cloud.delete(f'ports/{port["id"]}', status=404)


def test_ports_made_at_once_never_share_an_address(cloud):
    network = cloud.make('network')
    cloud.make('subnet', network_id=network['id'], cidr='10.0.0.0/26')
    made, refused = [], []

    def make_some():
        for _ in range(10):
            body = cloud.call('POST', '/v2.0/ports', {'port': {'network_id': network['id']}})
            (made if 'port' in body else refused).append(body)

    threads = [threading.Thread(target=make_some) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    addresses = [body['port']['fixed_ips'][0]['ip_address'] for body in made]
    # Of 62 addresses the gateway and DHCP have one each.
    assert len(addresses) == len(set(addresses)) == 60
    assert {body['NeutronError']['type'] for body in refused} == {'IpAddressGenerationFailure'}


def test_a_default_group_is_made_once_however_many_ask(cloud):
    threads = [threading.Thread(target=cloud.get, args=('security-groups', ALICE)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (group,) = cloud.get('security-groups?project_id=p-alice')['security_groups']
    rules = {(rule['direction'], rule['ethertype'], rule['remote_group_id']) for rule in group['security_group_rules']}
    assert rules == {
        ('egress', 'IPv4', None),
        ('egress', 'IPv6', None),
        ('ingress', 'IPv4', group['id']),
        ('ingress', 'IPv6', group['id']),
    }


def test_many_ports_in_one_request_all_or_none(cloud):
    network, _ = cloud.make_network()
    bodies = [{'network_id': network['id'], 'name': str(number)} for number in range(3)]
    made = cloud.call('POST', '/v2.0/ports', {'ports': bodies}, status=201)['ports']
    assert [port['name'] for port in made] == ['0', '1', '2']
    cloud.call('POST', '/v2.0/ports', {'ports': [*bodies, {'network_id': ELSEWHERE}]}, status=404)
    assert len(cloud.get('ports?device_owner=')['ports']) == 3


def test_a_mac_address_is_one_ports_alone(cloud):
    network, _ = cloud.make_network()
    port = cloud.make('port', network_id=network['id'], mac_address='FA:16:3E:00:00:01')
    assert port['mac_address'] == 'fa:16:3e:00:00:01'
    error = cloud.make('port', status=409, network_id=network['id'], mac_address='fa:16:3e:00:00:01')
    assert error['type'] == 'MacAddressInUse'
    cloud.make('port', status=400, network_id=network['id'], mac_address='01:16:3e:00:00:01')


def test_a_port_changes_its_addresses_and_keeps_those_it_has(cloud):
    network, _ = cloud.make_network()
    port = cloud.make('port', network_id=network['id'], fixed_ips=[{'ip_address': '10.0.0.50'}])
    wanted = [{'ip_address': '10.0.0.50'}, {'ip_address': '10.0.0.51'}]
    changed = cloud.change(f'ports/{port["id"]}', fixed_ips=wanted)
    assert [ip['ip_address'] for ip in changed['fixed_ips']] == ['10.0.0.50', '10.0.0.51']
    assert changed['revision_number'] == port['revision_number'] + 1


def test_things_in_use_are_not_deleted(cloud):
    network, subnet = cloud.make_network()
    group = cloud.make('security_group', name='web')
    port = cloud.make('port', network_id=network['id'], security_groups=[group['id']])
    for path, kind in (
        (f'networks/{network["id"]}', 'NetworkInUse'),
        (f'subnets/{subnet["id"]}', 'SubnetInUse'),
        (f'security-groups/{group["id"]}', 'SecurityGroupInUse'),
    ):
        assert cloud.delete(path, status=409)['NeutronError']['type'] == kind
    cloud.delete(f'ports/{port["id"]}')
    cloud.delete(f'security-groups/{group["id"]}')
    cloud.delete(f'networks/{network["id"]}')
    assert cloud.get('subnets')['subnets'] == cloud.get('ports')['ports'] == []


def test_security_groups_of_others_cannot_be_used(cloud):
    network, _ = cloud.make_network(shared=True)
    group = cloud.make('security_group', ALICE, name='web')
    error = cloud.make('port', BOB, 404, network_id=network['id'], security_groups=[group['id']])
    assert error['type'] == 'SecurityGroupNotFound'


def test_port_security_can_be_off(cloud):
    network, _ = cloud.make_network()
    port = cloud.make('port', network_id=network['id'], port_security_enabled=False)
    assert port['security_groups'] == []


@pytest.mark.parametrize(
    ('rule', 'status'),
    [
        ({'protocol': 'tcp', 'port_range_min': 22, 'port_range_max': 22}, 201),
        ({'protocol': 'icmp', 'port_range_min': 8, 'port_range_max': 0}, 201),
        ({'protocol': '47'}, 201),
        ({'remote_ip_prefix': '10.0.0.0/8'}, 201),
        ({'remote_ip_prefix': '10.0.0.0/8', 'ethertype': 'IPv6'}, 400),
        ({'protocol': 'tcp', 'port_range_min': 23, 'port_range_max': 22}, 400),
        ({'protocol': 'tcp', 'port_range_min': 23}, 400),
        ({'protocol': 'gre', 'port_range_min': 23, 'port_range_max': 23}, 400),
        ({'port_range_min': 23, 'port_range_max': 23}, 400),
        ({'protocol': 'carrier-pigeon'}, 400),
        ({'direction': 'sideways'}, 400),
        ({'remote_group_id': ELSEWHERE}, 404),
        ({'direction': 'egress'}, 409),
    ],
)
def test_security_group_rules(cloud, rule, status):
    group = cloud.make('security_group', ALICE, name='web')
    wanted = {'direction': 'ingress', 'security_group_id': group['id'], **rule}
    cloud.make('security_group_rule', ALICE, status, **wanted)
    cloud.make('security_group_rule', BOB, 404, direction='egress', security_group_id=group['id'])


@pytest.mark.parametrize(
    ('query', 'names'),
    [
        ('name=a', 'a'),
        ('name=a&name=c', 'ac'),
        ('name=a&shared=true', ''),
        ('shared=True', 'b'),
        ('router:external=true', 'c'),
        ('admin_state_up=false', 'd'),
        ('status=DOWN', 'd'),
        ('tenant_id=p-alice', 'a'),
        ('project_id=p-admin', 'bcd'),
        ('sort_key=name&sort_dir=desc', 'dcba'),
        ('sort_key=name&limit=2', 'ab'),
    ],
)
def test_filters_on_networks(cloud, query, names):
    cloud.make('network', ALICE, name='a')
    for name, fields in (
        ('b', {'shared': True}),
        ('c', {'router:external': True}),
        ('d', {'admin_state_up': False}),
    ):
        cloud.make('network', name=name, **fields)
    found = ''.join(network['name'] for network in cloud.get(f'networks?{query}')['networks'])
    assert (found if 'sort' in query else ''.join(sorted(found))) == names


@pytest.mark.parametrize(
    'query', ['colour=red', 'shared=perhaps', 'limit=-1', 'sort_key=colour', 'sort_key=name&sort_dir=up', 'mtu=big']
)
def test_filters_that_mean_nothing_are_refused(cloud, query):
    cloud.get(f'networks?{query}', status=400)


def test_filters_on_ports(cloud):
    network, subnet = cloud.make_network()
    mine = cloud.make('port', network_id=network['id'], device_id='s1', fixed_ips=[{'ip_address': '10.0.0.50'}])
    cloud.make('port', network_id=network['id'], device_id='s2')
    for query in (
        'device_id=s1',
        f'id={mine["id"]}',
        'fixed_ips=ip_address=10.0.0.50',
        f'fixed_ips=subnet_id={subnet["id"]}&fixed_ips=ip_address=10.0.0.50',
        f'mac_address={mine["mac_address"]}&network_id={network["id"]}',
    ):
        assert [port['id'] for port in cloud.get(f'ports?{query}')['ports']] == [mine['id']], query


def test_pages_follow_each_other_to_the_end(cloud):
    for number in range(7):
        cloud.make('network', name=f'n{number % 3}')
    url, seen = 'networks?sort_key=name&sort_dir=desc&limit=3', []
    while url:
        page = cloud.get(url)
        seen += page['networks']
        links = {link['rel']: link['href'] for link in page.get('networks_links', ())}
        url = links.get('next', '').removeprefix('http://localhost/v2.0/')
    assert [network['name'] for network in seen] == ['n2', 'n2', 'n1', 'n1', 'n0', 'n0', 'n0']
    assert len({network['id'] for network in seen}) == 7
    before = links['previous'].removeprefix('http://localhost/v2.0/')
    assert [network['id'] for network in cloud.get(before)['networks']] == [network['id'] for network in seen[3:6]]


def test_a_list_without_limit_is_bounded_and_says_so(tmp_path):
    cloud = NetworkCloud(f'sqlite:///{tmp_path}/n.sqlite', max_limit=2)
    for _ in range(3):
        cloud.make('network')
    page = cloud.get('networks')
    assert len(page['networks']) == 2
    assert [link['rel'] for link in page['networks_links']] == ['next']


def test_fields_choose_what_is_shown(cloud):
    network, _ = cloud.make_network(name='blue')
    assert cloud.get('networks?fields=name')['networks'] == [{'name': 'blue'}]
    shown = cloud.get(f'networks/{network["id"]}?fields=id&fields=name')
    assert shown == {'network': {'id': network['id'], 'name': 'blue'}}


def test_the_machine_is_told_of_what_concerns_it(cloud):
    network, _ = cloud.make_network()
    before = cloud.changes
    port = cloud.make('port', network_id=network['id'])
    cloud.delete(f'ports/{port["id"]}')
    assert cloud.changes == before + 2
    cloud.make('security_group', name='web')
    cloud.get('ports')
    cloud.make('port', status=404, network_id=ELSEWHERE)
    assert cloud.changes == before + 2


def test_quotas_say_that_nothing_is_limited(cloud):
    cloud.make_network(caller=ALICE)
    assert cloud.get('quotas/p-alice', ALICE)['quota']['port'] == -1
    assert cloud.get('quotas/p-alice/details', ALICE)['quota']['network'] == {'limit': -1, 'used': 1, 'reserved': 0}
    cloud.get('quotas/p-alice', BOB, 403)


@pytest.mark.parametrize('body', [b'{', b'[]', b'{"port": []}', b'{"ports": []}', b'{"ports": [5]}', b'\xff'])
def test_bodies_that_are_none(cloud, body):
    request = webob.Request.blank('/v2.0/ports', method='POST', body=body)
    request.environ['test.caller'] = ADMIN
    assert request.get_response(cloud.application).status_code == 400


def test_making_a_port_costs_a_fixed_number_of_statements(cloud):
    network, _ = cloud.make_network()
    cloud.make('port', network_id=network['id'])
    statements = []
    sqlalchemy.event.listen(
        cloud.database.engine, 'before_cursor_execute', lambda *arguments: statements.append(arguments[2])
    )
    cloud.make('port', network_id=network['id'])
    assert len([text for text in statements if not text.startswith('BEGIN')]) <= 11
