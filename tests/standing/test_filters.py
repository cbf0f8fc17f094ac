"""Every filter in the registry: each has cases here, gives reasons as sentences, and is known by its name."""

import datetime
import json

import pytest

from nova import errors
from nova.conf import filter_scheduler
from nova.domain.request import GroupPlaces
from nova.scheduler import filters
from nova.scheduler.filters.failed_before import FailedBefore
from nova.scheduler.filters.requested_host import RequestedHost
from tests.fakes.hosts import NOW, a_host, a_request

SETTINGS = filters.Settings(service_down_time=60, default_zone='nova', max_servers=2, now=lambda: NOW)


def ago(seconds):
    return NOW - datetime.timedelta(seconds=seconds)


def image(**properties):
    return a_request(image_properties=properties)


def flavor(**specs):
    return a_request(extra_specs={key.replace('__', ':'): value for key, value in specs.items()})


def member(policy, most_per_host=1, **hosts):
    """A request of a group whose other members are on these hosts: so many on each."""
    members = {f'{host}-{number}': (host,) for host, count in hosts.items() for number in range(count)}
    return a_request(group=GroupPlaces(policy, most_per_host, members))


def hinted(places=None, **hints):
    """A request with hints, and where the servers are that they name."""
    return a_request(
        scheduler_hints=hints, places={server_id: tuple(hosts) for server_id, hosts in (places or {}).items()}
    )


def question(*terms):
    return hinted(query=json.dumps(terms))


HOLDS_NOT = 'The question in the hint query does not hold for it.'
NO_QUESTION = 'The hint query is no question that can be put to a host.'

# Filter, host, request, and the reason for which the host is left out (None: it fits).
CASES = [
    ('AllHostsFilter', a_host(enabled=False), a_request(), None),
    ('AvailabilityZoneFilter', a_host(), a_request(), None),
    ('AvailabilityZoneFilter', a_host(), a_request(availability_zone='nova'), None),
    ('AvailabilityZoneFilter', a_host(availability_zone='a'), a_request(availability_zone='b, a'), None),
    (
        'AvailabilityZoneFilter',
        a_host(availability_zone='a'),
        a_request(availability_zone='nova'),
        'It is in the availability zone a, not in nova.',
    ),
    ('ServerGroupAffinityFilter', a_host('a'), a_request(), None),
    ('ServerGroupAffinityFilter', a_host('a'), member('affinity'), None),
    ('ServerGroupAffinityFilter', a_host('a'), member('affinity', a=1, b=1), None),
    ('ServerGroupAffinityFilter', a_host('a'), member('anti-affinity', a=1), None),
    (
        'ServerGroupAffinityFilter',
        a_host('a'),
        member('affinity', c=2, b=1),
        'The server group keeps its members together on b, c.',
    ),
    ('ServerGroupAntiAffinityFilter', a_host('a'), a_request(), None),
    ('ServerGroupAntiAffinityFilter', a_host('a'), member('anti-affinity', b=1), None),
    ('ServerGroupAntiAffinityFilter', a_host('a'), member('soft-anti-affinity', a=1), None),
    ('ServerGroupAntiAffinityFilter', a_host('a'), member('anti-affinity', 3, a=2), None),
    (
        'ServerGroupAntiAffinityFilter',
        a_host('a'),
        member('anti-affinity', 3, a=3),
        'It has 3 members of the server group; 3 are allowed.',
    ),
    ('ComputeFilter', a_host(seen_at=ago(60)), a_request(), None),
    ('ComputeFilter', a_host(seen_at=ago(61)), a_request(), 'It is down.'),
    ('ComputeFilter', a_host(seen_at=None), a_request(), 'It is down.'),
    ('ComputeFilter', a_host(forced_down=True), a_request(), 'It is down.'),
    ('ComputeFilter', a_host(enabled=False), a_request(), 'It is disabled.'),
    ('ComputeFilter', a_host(enabled=False, disabled_reason='repair'), a_request(), 'It is disabled: repair.'),
    ('ComputeFilter', a_host(trouble='No libvirt.'), a_request(), 'It is in trouble: No libvirt.'),
    ('ComputeCapabilitiesFilter', a_host(), a_request(), None),
    ('ComputeCapabilitiesFilter', a_host(), flavor(hw__cpu_policy='dedicated'), None),
    ('ComputeCapabilitiesFilter', a_host(), flavor(capabilities__vcpus_total='>= 16'), None),
    (
        'ComputeCapabilitiesFilter',
        a_host(),
        flavor(capabilities__vcpus_total='>= 17'),
        'Its vcpus_total is 16; the flavor asks for >= 17.',
    ),
    (
        'ComputeCapabilitiesFilter',
        a_host(cpu_info={'features': ['aes']}),
        flavor(capabilities__cpu_info__features='<in> aes'),
        None,
    ),
    (
        'ComputeCapabilitiesFilter',
        a_host(cpu_info={'features': ['mmx']}),
        flavor(capabilities__cpu_info__features='<in> aes'),
        'Its cpu_info:features is ["mmx"]; the flavor asks for <in> aes.',
    ),
    ('ComputeCapabilitiesFilter', a_host(), flavor(hypervisor_type='QEMU'), None),
    (
        'ComputeCapabilitiesFilter',
        a_host(),
        flavor(colour='red'),
        'It says nothing of colour, which the flavor asks for.',
    ),
    ('ImagePropertiesFilter', a_host(), a_request(), None),
    ('ImagePropertiesFilter', a_host(), image(hw_architecture='AMD64', img_hv_type='qemu', hw_vm_mode='hvm'), None),
    ('ImagePropertiesFilter', a_host(), image(architecture='i386', hypervisor_type='kvm'), None),
    ('ImagePropertiesFilter', a_host(), image(hw_architecture='arm64'), 'It cannot run images that need hw_architecture=aarch64.'),
    (
        'ImagePropertiesFilter',
        a_host(supported_instances=(('x86_64', 'qemu', 'hvm'),)),
        image(img_hv_type='kvm'),
        'It cannot run images that need img_hv_type=kvm.',
    ),
    ('ImagePropertiesFilter', a_host(), image(hw_vm_mode='xen'), 'It cannot run images that need hw_vm_mode=xen.'),
    ('NumInstancesFilter', a_host(servers=1), a_request(), None),
    ('NumInstancesFilter', a_host(servers=2), a_request(), 'It has 2 servers; 2 are allowed.'),
    ('SameHostFilter', a_host('a'), a_request(), None),
    ('SameHostFilter', a_host('a'), hinted({'x': 'a'}, same_host='x'), None),
    ('SameHostFilter', a_host('a'), hinted({'x': 'a', 'y': 'a'}, same_host=['x', 'y', 'gone']), None),
    (
        'SameHostFilter',
        a_host('a'),
        hinted({'x': 'a', 'y': 'b'}, same_host=['x', 'y']),
        'The server y, which the hint same_host names, is on b.',
    ),
    ('SameHostFilter', a_host('a'), hinted(same_host=['gone']), 'No server that the hint same_host names is on a host.'),
    ('DifferentHostFilter', a_host('a'), a_request(), None),
    ('DifferentHostFilter', a_host('a'), hinted({'x': 'b'}, different_host=['x', 'gone']), None),
    (
        'DifferentHostFilter',
        a_host('a'),
        hinted({'x': 'b', 'y': 'ba'}, different_host=['x', 'y']),
        'It has the server y, which the hint different_host names.',
    ),
    ('JsonFilter', a_host(), a_request(), None),
    ('JsonFilter', a_host(), hinted(query='[]'), None),
    ('JsonFilter', a_host(), question('>=', '$free_ram_mb', 1024), None),
    ('JsonFilter', a_host(), question('>=', '$free_ram_mb', 10**6), HOLDS_NOT),
    ('JsonFilter', a_host(), question('and', ['>=', '$free_ram_mb', 1024], ['>=', '$free_disk_mb', 1024]), None),
    ('JsonFilter', a_host(), question('and', ['>=', '$free_ram_mb', 1024], ['<', '$free_disk_mb', 1024]), HOLDS_NOT),
    ('JsonFilter', a_host(), question('or', ['>', '$vcpus_used', 3], ['=', '$hypervisor_hostname', 'host']), None),
    ('JsonFilter', a_host(), question('not', ['=', '$hypervisor_hostname', 'host']), HOLDS_NOT),
    ('JsonFilter', a_host('a'), question('in', '$host', 'a', 'b'), None),
    ('JsonFilter', a_host('c'), question('in', '$host', 'a', 'b'), HOLDS_NOT),
    ('JsonFilter', a_host(), question('<=', '$vcpus_total', 16, 17), None),
    ('JsonFilter', a_host(), question('<', '$colour', 5), HOLDS_NOT),
    ('JsonFilter', a_host(cpu_info={'arch': 'x86_64'}), question('=', '$cpu_info.arch', 'x86_64'), None),
    ('JsonFilter', a_host(), question('perhaps', 1), NO_QUESTION),
    ('JsonFilter', a_host(), hinted(query='{"and": 1}'), NO_QUESTION),
    ('JsonFilter', a_host(), hinted(query={'and': 1}), NO_QUESTION),
    ('JsonFilter', a_host(), hinted(query='['), NO_QUESTION),
    ('JsonFilter', a_host(), hinted(query='[' * 4096), NO_QUESTION),
    ('JsonFilter', a_host(), hinted(query='["not", ' * 50 + '1' + ']' * 50), None),
    ('SimpleCIDRAffinityFilter', a_host(host_ip='192.168.1.7'), a_request(), None),
    ('SimpleCIDRAffinityFilter', a_host(host_ip='192.168.1.7'), hinted(build_near_host_ip='192.168.1.1'), None),
    (
        'SimpleCIDRAffinityFilter',
        a_host(host_ip='192.168.1.7'),
        hinted(build_near_host_ip='192.168.1.1', cidr='/30'),
        'Its address is 192.168.1.7; the hints ask for one in 192.168.1.0/30.',
    ),
    (
        'SimpleCIDRAffinityFilter',
        a_host(),
        hinted(build_near_host_ip='192.168.1.1', cidr='/30'),
        'Its address is not known; the hints ask for one in 192.168.1.0/30.',
    ),
    (
        'SimpleCIDRAffinityFilter',
        a_host(host_ip='192.168.1.7'),
        hinted(build_near_host_ip='192.168.1.1', cidr='/99'),
        'The hints build_near_host_ip and cidr name 192.168.1.1/99, which is no network.',
    ),
]  # fmt: skip

ALWAYS_CASES = [
    (RequestedHost(), a_host('a'), a_request(), None),
    (RequestedHost(), a_host('a'), a_request(host='a', node='a'), None),
    (RequestedHost(), a_host('a'), a_request(host='b'), 'The request names the host b.'),
    (RequestedHost(), a_host('a'), a_request(node='b'), 'The request names the node b.'),
    (FailedBefore(), a_host('a'), a_request(excluding=('b',)), None),
    (FailedBefore(), a_host('a'), a_request(excluding=('b', 'a')), 'It has failed to make this guest already.'),
]


@pytest.mark.parametrize(('name', 'host', 'request_', 'reason'), CASES)
def test_the_filter_says_what_it_should(name, host, request_, reason):
    assert filters.FILTERS[name](SETTINGS).reject(host, request_) == reason


@pytest.mark.parametrize(('rule', 'host', 'request_', 'reason'), ALWAYS_CASES)
def test_what_a_request_says_always_holds(rule, host, request_, reason):
    assert rule.reject(host, request_) == reason
    assert rule.always


@pytest.mark.parametrize('name', sorted(filters.FILTERS))
def test_every_filter_has_cases_that_pass_and_that_fail(name):
    reasons = [reason for case, _host, _request, reason in CASES if case == name]
    assert None in reasons
    assert name == 'AllHostsFilter' or any(reasons)


def test_reasons_are_sentences():
    reasons = [case[-1] for case in [*CASES, *ALWAYS_CASES] if case[-1]]
    assert all(reason[0].isupper() and reason.endswith('.') or 'asks for' in reason for reason in reasons)


def test_the_default_filters_are_all_known():
    enabled = next(opt.default for opt in filter_scheduler.OPTS if opt.name == 'enabled_filters')
    built = {type(rule).__name__ for rule in filters.build(enabled, SETTINGS)}
    assert {'AvailabilityZone', 'RequestedHost', 'FailedBefore', 'Compute', 'ImageProperties'} <= built


def test_no_filter_is_built_twice():
    built = filters.build(['ComputeFilter', 'AvailabilityZoneFilter', 'ComputeFilter'], SETTINGS)
    kinds = [type(rule) for rule in built]
    assert len(kinds) == len(set(kinds))


def test_an_unknown_filter_is_refused_with_a_suggestion():
    with pytest.raises(errors.Invalid, match='names ComputFilter, which is not known. Did you mean ComputeFilter?'):
        filters.build(['ComputFilter'], SETTINGS)
