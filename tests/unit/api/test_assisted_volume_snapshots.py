import json
from urllib.parse import quote

import pytest

PATH = '/os-assisted-volume-snapshots'
ID = '421752a6-acf6-4b2d-bc7a-119f9148cd8c'
INFO = {'snapshot_id': ID, 'type': 'qcow2', 'new_file': 'new_file_name', 'id': ID}


def asked(**fields):
    return {'snapshot': {'volume_id': ID, 'create_info': INFO | fields}}


@pytest.mark.parametrize(
    ('body', 'status'),
    [
        (asked(), 501),
        (asked(type='raw'), 400),
        (asked(snapshot_id='x'), 400),
        (asked(more=1), 400),
        ({'snapshot': {'volume_id': ID}}, 400),
        ({'snapshot': {'create_info': INFO}}, 400),
    ],
)
def test_a_snapshot_is_described_in_full(cloud, body, status):
    found, message = cloud.fault('POST', PATH, body, token='service')
    assert found == status
    if status == 501:
        assert message == 'Making a snapshot of a volume in use is not offered by this cloud yet.'


@pytest.mark.parametrize(
    ('query', 'status'),
    [
        ('', 400),
        ('?delete_info=x', 400),
        ('?delete_info=[]', 400),
        ('?delete_info={}', 400),
        ('?delete_info=' + '[' * 4000, 400),
        ('?delete_info=' + quote(json.dumps({'volume_id': ID})), 501),
    ],
)
def test_a_snapshot_that_is_removed_names_its_volume(cloud, query, status):
    assert cloud.fault('DELETE', f'{PATH}/{ID}{query}', token='service')[0] == status


@pytest.mark.parametrize(('token', 'status'), [('admin', 501), ('service', 501), ('manager', 403), ('member', 403)])
def test_only_services_and_administrators_may(cloud, token, status):
    assert cloud.fault('POST', PATH, asked(), token=token)[0] == status
