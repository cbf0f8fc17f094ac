"""Users' wishes for guests, through the API: refused where they cannot be, and no host where none has them."""

import pytest

from tests.functional.client import body_of


def flavor(cloud, **specs):
    admin = cloud.api('admin')
    body = {'flavor': {'name': 'shaped', 'id': 'shaped', 'ram': 128, 'vcpus': 4, 'disk': 1}}
    admin.post('/flavors', body, '2.90', status=200)
    named = {name.replace('__', ':'): value for name, value in specs.items()}
    admin.post('/flavors/shaped/os-extra_specs', {'extra_specs': named}, '2.86', status=200)
    return 'shaped'


@pytest.mark.parametrize(
    ('specs', 'says'),
    [
        ({'hw__cpu_sockets': '3'}, '4 virtual processors cannot be arranged in 3 sockets'),
        ({'hw__tpm_version': '1.2', 'hw__tpm_model': 'tpm-crb'}, 'needs the TPM version 2.0'),
        ({'os__secure_boot': 'required'}, 'needs UEFI'),
        ({'hw__locked_memory': 'true'}, 'hw:mem_page_size'),
        ({'quota__cpu_period': '5'}, 'quota:cpu_period is 5'),
    ],
)
def test_what_cannot_be_is_refused_at_once(cloud, specs, says):
    api = cloud.api()
    status, message = api.fault('POST', '/servers', body_of(flavorRef=flavor(cloud, **specs)), '2.37')
    assert status == 400
    assert says in message


@pytest.mark.parametrize(
    'specs',
    [
        {'hw__cpu_policy': 'dedicated'},
        {'hw__numa_nodes': '2'},
        {'hw__mem_page_size': 'large'},
        {'hw__tpm_version': '2.0'},
    ],
)
def test_what_no_host_has_finds_none(cloud, specs):
    api = cloud.api()
    server_id = api.create(flavorRef=flavor(cloud, **specs))
    api.wait(server_id)
    shown = api.server(server_id)
    assert (shown['status'], shown['fault']['message']) == ('ERROR', 'No valid host was found.')


def test_what_can_be_is_made(cloud):
    api = cloud.api()
    server_id = api.create(flavorRef=flavor(cloud, hw__cpu_sockets='2', hw__cpu_cores='2', quota__cpu_shares='10'))
    assert api.wait(server_id)['status'] == 'ACTIVE'
