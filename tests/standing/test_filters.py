"""Every filter in the registry: each has cases here, gives reasons as sentences, and is known by its name."""

import datetime

import pytest

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
    with pytest.raises(ValueError, match='names ComputFilter, which is not known. Did you mean ComputeFilter?'):
        filters.build(['ComputFilter'], SETTINGS)
