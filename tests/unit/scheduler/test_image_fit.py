"""A server that gets another image stays on its host, so the host must be able to run that image; nothing else counts."""

import pytest

from nova.domain.host import Host, Inventory
from nova.domain.request import PlacementRequest
from nova.scheduler import filters
from nova.scheduler.image_fit import objection

ENABLED = filters.build(list(filters.FILTERS), filters.Settings())


def a_host(**fields):
    """One that takes nobody any more: full, disabled, and not seen for long."""
    values = {'inventory': Inventory(vcpus=0, memory_mb=0, disk_gb=0), 'enabled': False}
    values['supported_instances'] = (('x86_64', 'qemu', 'hvm'),)
    return Host('h1', 'h1', 'node-id', 'cell', **values | fields)


def a_request(required_traits=(), **image_properties):
    return PlacementRequest(
        'server', 'project', 'user', {'VCPU': 1}, required_traits=required_traits, image_properties=image_properties
    )


@pytest.mark.parametrize(
    ('request_', 'traits', 'why'),
    [
        (a_request(), ('COMPUTE_STATUS_DISABLED',), None),
        (a_request(hw_architecture='x86_64'), (), None),
        (a_request(hw_architecture='aarch64'), (), 'It cannot run images that need hw_architecture=aarch64.'),
        (a_request(**{'trait:CUSTOM_GOLD': 'required'}), ('CUSTOM_GOLD',), None),
        (a_request(**{'trait:CUSTOM_GOLD': 'required'}), (), 'It lacks the trait CUSTOM_GOLD.'),
        (a_request(**{'trait:CUSTOM_OLD': 'forbidden'}), (), None),
        (
            a_request(**{'trait:CUSTOM_OLD': 'forbidden'}),
            ('CUSTOM_OLD',),
            'It has the trait CUSTOM_OLD, which must not be.',
        ),
        (a_request(('COMPUTE_TRUSTED_CERTS',)), (), 'It lacks the trait COMPUTE_TRUSTED_CERTS.'),
    ],
)
def test_only_what_the_image_needs_is_looked_at(request_, traits, why):
    assert objection(a_host(), request_, ENABLED, traits) == why
