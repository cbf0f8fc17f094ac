"""Images that were recorded for a server's data and that no operation fills are removed in time; others stay."""

import dataclasses

import pytest

from nova.conductor.reconcilers import unfilled_images
from nova.db.stores import operations
from nova.domain.operation import OperationRow

SERVER, IN_AN_HOUR = '5a8b0f3e-0b5c-4d5f-9a5e-0c7b5f0f0001', '2999-01-01T00:00:00Z'


def of_server(**more):
    return {'image_type': 'snapshot', 'instance_uuid': SERVER, **more}


@pytest.fixture
def glance(cloud):
    return cloud.glance


def test_what_a_request_left_that_was_cut_off_is_removed(cloud, glance):
    lost = [glance.record(**of_server())['id'] for _page in range(3)]
    lost.append(glance.record(**of_server(image_type='backup'))['id'])
    before = set(glance.images) - set(lost)
    unfilled_images.repair(cloud.means)
    assert set(glance.images) == before


@pytest.mark.parametrize(
    'facts',
    [
        {},
        {'instance_uuid': SERVER},
        {'image_type': 'snapshot'},
        of_server(status='saving'),
        of_server(status='active'),
        of_server(created_at=IN_AN_HOUR),
    ],
)
def test_what_is_a_users_own_or_young_or_has_data_stays(cloud, glance, facts):
    image_id = glance.record()['id']
    glance.images[image_id] |= facts
    unfilled_images.repair(cloud.means)
    assert image_id in glance.images


@pytest.mark.parametrize(
    ('status', 'stays'), [('running', True), ('waiting', True), ('stuck', True), ('failed', False)]
)
def test_what_an_operation_is_to_fill_stays_as_long_as_it_may(cloud, glance, status, stays):
    image_id = glance.record(**of_server())['id']
    row = OperationRow('f' * 36, 'create_image', SERVER, parameters={'image_id': image_id}, status=status)
    with cloud.means.databases.own.writing() as tx:
        operations.start(tx, dataclasses.replace(row, created_at=cloud.means.now()))
    unfilled_images.repair(cloud.means)
    assert (image_id in glance.images) is stays
