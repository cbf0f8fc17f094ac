"""What Placement is asked for."""

import pytest

from nova.scheduler.wanted import amounts, wanted
from tests.fakes.hosts import a_request


def test_disabled_hosts_are_never_asked_for():
    assert wanted(a_request()).forbidden == ('COMPUTE_STATUS_DISABLED',)


def test_traits_come_from_the_request_the_flavor_and_the_image():
    request = a_request(
        required_traits=('COMPUTE_NODE',),
        forbidden_traits=('CUSTOM_SLOW',),
        extra_specs={'trait:HW_CPU_X86_AVX': 'required', 'trait:CUSTOM_OLD': 'forbidden', 'hw:cpu_policy': 'shared'},
        image_properties={'trait:CUSTOM_LICENSED': 'required', 'hw_architecture': 'x86_64'},
    )
    asked = wanted(request)
    assert asked.required == ('COMPUTE_NODE', 'CUSTOM_LICENSED', 'HW_CPU_X86_AVX')
    assert asked.forbidden == ('COMPUTE_STATUS_DISABLED', 'CUSTOM_OLD', 'CUSTOM_SLOW')


@pytest.mark.parametrize(
    ('specs', 'expected'),
    [
        ({}, {'VCPU': 2, 'DISK_GB': 10}),
        ({'resources:VCPU': '0', 'resources:CUSTOM_GOLD': '1'}, {'DISK_GB': 10, 'CUSTOM_GOLD': 1}),
        ({'resources:VCPU': 'two'}, {'VCPU': 2, 'DISK_GB': 10}),
    ],
)
def test_a_flavor_may_replace_amounts(specs, expected):
    assert amounts(a_request(resources={'VCPU': 2, 'DISK_GB': 10}, extra_specs=specs)) == expected


def test_equal_requests_want_the_same():
    assert wanted(a_request('one')) == wanted(a_request('two'))
    assert wanted(a_request('one')) != wanted(a_request('one', resources={'VCPU': 2}))
