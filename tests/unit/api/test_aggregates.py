import pytest


@pytest.fixture
def zoned(cloud):
    cloud.host_reports()
    cloud.zone('london', 'compute')
    cloud.zone('paris')
    return cloud


def test_aggregates_are_listed_with_their_hosts(zoned):
    found = zoned.get('/os-aggregates', '2.40', token='admin')['aggregates']
    assert [(entry['name'], entry['availability_zone'], entry['hosts']) for entry in found] == [
        ('london', 'london', ['compute']),
        ('paris', 'paris', []),
    ]
    assert zoned.get('/os-aggregates/2', '2.40', token='admin')['aggregate'] == found[1]


@pytest.mark.parametrize(('version', 'shown'), [('2.40', False), ('2.41', True)])
def test_the_uuid_is_shown_since_2_41(zoned, version, shown):
    assert ('uuid' in zoned.get('/os-aggregates/1', version, token='admin')['aggregate']) is shown


@pytest.mark.parametrize(('which', 'status'), [('3', 404), ('london', 400), ('%D9%A1', 400), ('99999999999', 400)])
def test_an_aggregate_that_is_not_there(zoned, which, status):
    assert zoned.fault('GET', f'/os-aggregates/{which}', token='admin')[0] == status
