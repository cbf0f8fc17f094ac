"""The network client against the real network API, and the fake of it against the same rules."""

import dataclasses
import json

import pytest
import requests

from nova import errors
from nova.clients.network import NetworkClient
from nova.context import Context
from nova.domain import record
from nova.domain.network import NetworkRequest, Port
from tests.fakes.network import FakeNetwork
from tests.fakes.wsgi import WsgiTransport
from tests.unit.network.cloud import ADMIN, ALICE, BOB, SERVICE, NetworkCloud

HERS = Context(user_id='u-alice', project_id=ALICE.project_id, roles=('member',), token='alice')
HIS = Context(user_id='u-bob', project_id=BOB.project_id, roles=('member',), token='bob')
SERVER = '0f2c7f8e-0000-4000-8000-000000000001'
OTHER_SERVER = '0f2c7f8e-0000-4000-8000-000000000002'
NOWHERE = '11111111-2222-3333-4444-555555555555'


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class RealService:
    """Our client on the real API; what a test arranges goes in by the API, too."""

    def __init__(self, url, as_user):
        self.cloud = NetworkCloud(url)
        callers = {'service': SERVICE, 'alice': ALICE, 'bob': BOB}
        self.cloud._identify = lambda environ: callers[environ['HTTP_X_AUTH_TOKEN']]
        self.cloud.application.identify = self.cloud._identify
        self.transport, self.clock = WsgiTransport(self.cloud.application), Clock()
        for_user = (lambda context: self.transport.adapter(context.token)) if as_user else None
        self.client = NetworkClient(self.transport.adapter(), for_user, clock=self.clock)

    def arrange(self, method, *arguments, **fields):
        self.cloud.application.identify = lambda environ: environ['test.caller']
        try:
            return getattr(self.cloud, method)(*arguments, **fields)
        finally:
            self.cloud.application.identify = self.cloud._identify

    def add_network(self, project_id, cidr='10.0.0.0/24', shared=False):
        network = self.arrange('make', 'network', name='private', project_id=project_id, shared=shared)
        if cidr:
            self.arrange('make', 'subnet', network_id=network['id'], cidr=cidr)
        return network['id']

    def add_port(self, project_id, network_id):
        return self.arrange('make', 'port', network_id=network_id, project_id=project_id)['id']

    def add_security_group(self, project_id, name):
        self.arrange('make', 'security_group', name=name, project_id=project_id)

    def port_ids(self, network_id):
        ports = self.arrange('get', f'ports?network_id={network_id}')['ports']
        return {port['id'] for port in ports if port['device_owner'] != 'network:dhcp'}


class FakeService:
    def __init__(self):
        self.client = FakeNetwork()

    def add_network(self, project_id, cidr='10.0.0.0/24', shared=False):
        return self.client.add_network(project_id, cidr=cidr, shared=shared).id

    def add_port(self, project_id, network_id):
        return self.client.add_port(project_id, network_id)

    def add_security_group(self, project_id, name):
        self.client.add_security_group(project_id, name)

    def port_ids(self, network_id):
        return {port.id for port in self.client.ports.values() if port.network_id == network_id}


@pytest.fixture(params=['as the service', 'as the user', 'fake'])
def service(request, tmp_path):
    if request.param == 'fake':
        return FakeService()
    return RealService(f'sqlite:///{tmp_path}/network.sqlite', request.param == 'as the user')


@pytest.fixture
def real(tmp_path):
    return RealService(f'sqlite:///{tmp_path}/network.sqlite', False)


def ensure(service, *requests, server=SERVER, host='h1', **options):
    return service.client.ensure_ports(HERS, server, host, 'web-1', ALICE.project_id, requests, **options)


def test_a_port_has_all_that_a_guest_needs(service):
    network_id = service.add_network(ALICE.project_id)
    (port,) = ensure(service, NetworkRequest(network_id, tag='public'))
    (ip,), (subnet,) = port.fixed_ips, port.network.subnets
    assert port.mac.startswith('fa:16:3e:')
    assert (port.vif_type, port.vnic_type, port.host, port.tag) == ('bridge', 'normal', 'h1', 'public')
    assert port.bridge == f'brq{network_id[:11]}'
    assert port.devname == f'tap{port.id[:11]}'
    assert port.active
    assert not port.preserve_on_delete
    assert ip.address.startswith('10.0.0.')
    assert (port.network.label, port.network.mtu) == ('private', 1500)
    assert (subnet.id, subnet.cidr, subnet.gateway, subnet.dhcp_server) == (
        ip.subnet_id,
        '10.0.0.0/24',
        '10.0.0.1',
        '10.0.0.2',
    )


def test_ports_travel_as_plain_data(service):
    network_id = service.add_network(ALICE.project_id)
    ports = ensure(service, NetworkRequest(network_id))
    assert record.load(tuple[Port, ...], record.dump(ports)) == ports


def test_ports_come_in_the_order_of_the_requests(service):
    one, two = service.add_network(ALICE.project_id), service.add_network(ALICE.project_id, '10.1.0.0/24')
    brought = service.add_port(ALICE.project_id, two)
    wanted = (NetworkRequest(two), NetworkRequest(port_id=brought), NetworkRequest(one), NetworkRequest(two))
    ports = ensure(service, *wanted)
    # No guest waits for them: the hypervisor wires them by itself.
    assert not any(port.tells_when_wired for port in ports)
    assert [port.network.id for port in ports] == [two, two, one, two]
    assert [port.preserve_on_delete for port in ports] == [False, True, False, False]
    assert ports[1].id == brought


def test_doing_it_again_makes_nothing_new(service):
    network_id = service.add_network(ALICE.project_id)
    brought = service.add_port(ALICE.project_id, network_id)
    wanted = (
        NetworkRequest(network_id),
        NetworkRequest(network_id, fixed_ip='10.0.0.50'),
        NetworkRequest(port_id=brought),
        NetworkRequest(network_id),
    )
    first = ensure(service, *wanted)
    again = ensure(service, *wanted, maybe_exists=True)
    assert {port.id for port in again} == {port.id for port in first} == service.port_ids(network_id)
    assert again[1].addresses == ('10.0.0.50',)


def test_what_an_interrupted_run_made_is_completed(service):
    network_id = service.add_network(ALICE.project_id)
    (first,) = ensure(service, NetworkRequest(network_id))
    ports = ensure(service, NetworkRequest(network_id), NetworkRequest(network_id), maybe_exists=True)
    assert first.id in {port.id for port in ports}
    assert len({port.id for port in ports}) == 2


def test_a_second_attempt_on_another_host_moves_the_ports_there(service):
    network_id = service.add_network(ALICE.project_id)
    brought = service.add_port(ALICE.project_id, network_id)
    wanted = (NetworkRequest(network_id), NetworkRequest(port_id=brought))
    first = ensure(service, *wanted)
    moved = ensure(service, *wanted, host='h2', maybe_exists=True)
    assert [port.id for port in moved] == [port.id for port in first]
    assert [port.host for port in moved] == ['h2', 'h2']


@pytest.mark.parametrize('how', ['ports known', 'ports not known'])
def test_release_deletes_ours_and_gives_the_users_back(service, how):
    network_id = service.add_network(ALICE.project_id)
    brought = service.add_port(ALICE.project_id, network_id)
    wanted = (NetworkRequest(network_id), NetworkRequest(port_id=brought))
    ports = ensure(service, *wanted)
    (other,) = ensure(service, NetworkRequest(network_id), server=OTHER_SERVER)
    for _ in range(2):
        if how == 'ports known':
            service.client.release_ports(HERS, SERVER, ports)
        else:
            service.client.release_ports(HERS, SERVER, requests=wanted)
        assert service.port_ids(network_id) == {brought, other.id}
        assert service.client.ports_of(HERS, SERVER) == ()
    (again,) = ensure(service, NetworkRequest(port_id=brought), server=OTHER_SERVER)
    service.client.release_ports(HERS, SERVER, ports)
    assert brought in {port.id for port in service.client.ports_of(HERS, OTHER_SERVER)}


def test_release_of_what_was_never_made_is_nothing(service):
    service.client.release_ports(HERS, SERVER)
    service.client.release_ports(HERS, SERVER, ())


def test_ports_of_a_server_know_whose_they_are(service):
    network_id = service.add_network(ALICE.project_id)
    brought = service.add_port(ALICE.project_id, network_id)
    wanted = (NetworkRequest(network_id), NetworkRequest(port_id=brought, tag='mine'))
    made = ensure(service, *wanted)
    found = {port.id: port for port in service.client.ports_of(HERS, SERVER, wanted)}
    assert found[brought] == made[1]
    assert found[made[0].id] == made[0]


def test_a_port_of_another_server_is_refused(service):
    network_id = service.add_network(ALICE.project_id)
    brought = service.add_port(ALICE.project_id, network_id)
    ensure(service, NetworkRequest(port_id=brought), server=OTHER_SERVER)
    with pytest.raises(errors.Conflict, match=f'Port {brought} is still in use'):
        ensure(service, NetworkRequest(port_id=brought))


def test_a_network_that_is_gone_is_not_found(service):
    with pytest.raises(errors.NotFound, match=NOWHERE):
        ensure(service, NetworkRequest(NOWHERE))


@pytest.mark.parametrize(
    ('owners', 'answer'),
    [
        ([], 0),
        ([ALICE.project_id], 1),
        ([BOB.project_id], 0),
        (['shared'], 1),
        ([ALICE.project_id, BOB.project_id], 1),
        ([ALICE.project_id, 'shared'], errors.Conflict),
        ([ALICE.project_id, ALICE.project_id], errors.Conflict),
    ],
)
def test_the_network_of_a_server_that_names_none(service, owners, answer):
    made = []
    for owner in owners:
        is_shared = owner == 'shared'
        made.append(service.add_network(ADMIN.project_id if is_shared else owner, shared=is_shared))
    if answer is errors.Conflict:
        with pytest.raises(errors.Conflict, match='Multiple possible networks found, use a Network ID'):
            service.client.available(HERS)
    else:
        assert [network.id for network in service.client.available(HERS)] == made[:answer]


def test_a_network_made_after_the_first_look_is_found(service):
    assert service.client.available(HERS) == []
    network_id = service.add_network(ALICE.project_id)
    assert [network.id for network in service.client.available(HERS)] == [network_id]


def test_check_accepts_what_can_be_had(service):
    network_id = service.add_network(ALICE.project_id)
    brought = service.add_port(ALICE.project_id, network_id)
    service.add_security_group(ALICE.project_id, 'web')
    wanted = [NetworkRequest(network_id, fixed_ip='10.0.0.50'), NetworkRequest(port_id=brought)]
    service.client.check(HERS, wanted, ['web', 'default'])
    assert service.port_ids(network_id) == {brought}


def test_check_refuses_what_cannot_be_had(service):
    hers, his = service.add_network(ALICE.project_id), service.add_network(BOB.project_id)
    bare = service.add_network(ALICE.project_id, cidr=None)
    used, his_port = service.add_port(ALICE.project_id, hers), service.add_port(BOB.project_id, his)
    addressless = service.add_port(ALICE.project_id, bare)
    (port,) = ensure(service, NetworkRequest(port_id=used))
    for request, kind, words in (
        (NetworkRequest(NOWHERE), errors.Invalid, f'Network {NOWHERE} could not be found'),
        (NetworkRequest(his), errors.Invalid, f'Network {his} could not be found'),
        (NetworkRequest(bare), errors.Invalid, 'requires a subnet'),
        (NetworkRequest(hers, fixed_ip='10.77.0.1'), errors.Invalid, 'not a valid ip address'),
        (NetworkRequest(hers, fixed_ip=port.addresses[0]), errors.Invalid, 'already in use'),
        (NetworkRequest(port_id=NOWHERE), errors.Invalid, f'Port id {NOWHERE} could not be found'),
        (NetworkRequest(port_id=his_port), errors.Invalid, 'could not be found'),
        (NetworkRequest(port_id=used), errors.Conflict, 'still in use'),
        (NetworkRequest(port_id=addressless), errors.Invalid, 'requires a FixedIP'),
    ):
        with pytest.raises(kind, match=words):
            service.client.check(HERS, [request])
    with pytest.raises(errors.Invalid, match='twice'):
        service.client.check(HERS, [NetworkRequest(port_id=used)] * 2)
    with pytest.raises(errors.Invalid, match='Security group other not found'):
        service.client.check(HERS, [NetworkRequest(hers)], ['other'])


def answering(status, document):
    """Our client of a network service that says this, whatever it is asked."""

    def application(environ, start_response):
        start_response(status, [('Content-Type', 'application/json')])
        return [json.dumps(document).encode()]

    return NetworkClient(WsgiTransport(application).adapter())


def test_a_project_may_be_given_its_first_network(real):
    client = answering('200 OK', {'auto_allocated_topology': {'id': NOWHERE, 'tenant_id': ALICE.project_id}})
    assert client.allocate(HERS) == NOWHERE
    assert real.client.allocate(HERS) is None, 'ours makes none'
    fault = {'type': 'AutoAllocationFailure', 'message': 'No default router:external network.', 'detail': ''}
    with pytest.raises(errors.Conflict, match='No default router:external network.'):
        answering('409 Conflict', {'NeutronError': fault}).allocate(HERS)


@pytest.mark.parametrize(
    ('resources', 'wants'), [({'resources': {'NET_BW_EGR_KILOBIT_PER_SEC': 1000}}, True), (None, False)]
)
def test_a_port_may_want_resources_of_its_host(resources, wants):
    ports = [{'id': NOWHERE}, {'id': SERVER, 'resource_request': resources}]
    client = answering('200 OK', {'ports': ports})
    assert client.wants_resources([NOWHERE, SERVER]) is wants
    assert client.wants_resources([]) is False


def test_an_address_that_was_taken_meanwhile_is_a_conflict(service):
    network_id = service.add_network(ALICE.project_id)
    ensure(service, NetworkRequest(network_id, fixed_ip='10.0.0.50'))
    with pytest.raises(errors.Conflict, match='already allocated'):
        ensure(service, NetworkRequest(network_id, fixed_ip='10.0.0.50'), server=OTHER_SERVER)


def test_security_groups_are_given_by_name_or_id(real):
    network_id = real.add_network(ALICE.project_id)
    real.add_security_group(ALICE.project_id, 'web')
    groups = real.arrange('get', f'security-groups?project_id={ALICE.project_id}')['security_groups']
    ids = {group['name']: group['id'] for group in groups}
    (by_name,) = ensure(real, NetworkRequest(network_id), security_groups=['web', 'default'])
    (by_id,) = ensure(real, NetworkRequest(network_id), server=OTHER_SERVER, security_groups=[ids['web']])
    assert set(by_name.security_groups) == {ids['web'], ids['default']}
    assert by_id.security_groups == (ids['web'],)
    real.add_security_group(ALICE.project_id, 'web')
    real.client.forget()
    with pytest.raises(errors.Conflict, match='Use an ID to be more specific'):
        real.client.check(HERS, [], ['web'])


def test_the_port_carries_the_servers_name(real):
    network_id = real.add_network(ALICE.project_id)
    (port,) = ensure(real, NetworkRequest(network_id))
    seen = real.arrange('get', f'ports/{port.id}')['port']
    assert (seen['dns_name'], seen['project_id'], seen['device_owner']) == ('web-1', ALICE.project_id, 'compute:nova')


def test_a_boot_and_delete_costs_two_calls_once_networks_are_known(real):
    network_id = real.add_network(ALICE.project_id)
    ensure(real, NetworkRequest(network_id))
    real.transport.calls.clear()
    ports = ensure(real, NetworkRequest(network_id), server=OTHER_SERVER)
    real.client.release_ports(HERS, OTHER_SERVER, ports)
    assert real.transport.calls == [('POST', '/v2.0/ports'), ('DELETE', f'/v2.0/ports/{ports[0].id}')]


def test_what_is_remembered_has_a_bounded_age(real):
    network_id = real.add_network(ALICE.project_id)
    real.client.check(HERS, [NetworkRequest(network_id)])
    real.arrange('change', f'networks/{network_id}', name='renamed')
    assert ensure(real, NetworkRequest(network_id))[0].network.label == 'private'
    real.clock.now += 31
    assert ensure(real, NetworkRequest(network_id), server=OTHER_SERVER)[0].network.label == 'renamed'


def test_lists_are_read_to_their_last_page(real):
    network_id = real.add_network(ALICE.project_id)
    application = real.cloud.application
    application.settings = dataclasses.replace(application.settings, max_limit=2)
    made = ensure(real, *[NetworkRequest(network_id)] * 5)
    assert {port.id for port in real.client.ports_of(HERS, SERVER)} == {port.id for port in made}


def test_a_service_that_does_not_answer_is_down(real):
    real.transport.failure = requests.exceptions.ConnectionError('refused')
    for call in (real.client.ping, lambda: real.client.available(HERS)):
        with pytest.raises(errors.ServiceDown, match='Neutron cannot be reached'):
            call()


@pytest.mark.parametrize(
    ('status', 'body', 'kind'),
    [
        (500, b'oops', errors.ServiceDown),
        (503, b'{}', errors.ServiceDown),
        (401, b'', errors.ServiceDown),
        (403, b'{"NeutronError": {"type": "PolicyNotAuthorized", "message": "no"}}', errors.ServiceDown),
        (400, b'not json', errors.Invalid),
        (409, b'{"NeutronError": {"type": "OverQuota", "message": "too many"}}', errors.OverQuota),
        (409, b'{"NeutronError": {"type": "IpAddressGenerationFailure", "message": "none left"}}', errors.Conflict),
    ],
)
def test_what_the_services_answers_mean(status, body, kind):
    def application(environ, start_response):
        start_response(f'{status} Whatever', [('Content-Type', 'application/json')])
        return [body]

    client = NetworkClient(WsgiTransport(application).adapter())
    with pytest.raises(kind):
        client.ping()
