"""Servers are where their users' hints say, if the filters for that are enabled."""

import json

import pytest

FILTERS = ['ComputeFilter', 'SameHostFilter', 'DifferentHostFilter', 'JsonFilter', 'SimpleCIDRAffinityFilter']


@pytest.fixture
def cloud(make_cloud):
    made = make_cloud(host_names=('h1', 'h2'))
    enable(made, FILTERS)
    return made


def enable(cloud, names):
    cloud.outside.conf.set_override('enabled_filters', names, 'filter_scheduler')
    cloud.stop_scheduler()
    cloud.start_scheduler()
    cloud.discover()


def created(cloud, **hints):
    """The server's status and, if it has one, its host."""
    api = cloud.api()
    shown = api.wait(api.create(hints=hints) if hints else api.create())
    with_host = cloud.api('admin').server(shown['id'])
    return shown['id'], shown['status'], with_host['OS-EXT-SRV-ATTR:host']


def test_servers_keep_together_and_apart(cloud):
    first, _status, host = created(cloud)
    for _time in range(2):
        assert created(cloud, same_host=first)[1:] == ('ACTIVE', host)
    second, _status, other = created(cloud, different_host=[first])
    assert other != host
    assert created(cloud, different_host=[first, second])[1] == 'ERROR'
    assert created(cloud, same_host=[first, second])[1] == 'ERROR'


def test_a_question_chooses_the_host(cloud):
    for name in ('h2', 'h1'):
        assert created(cloud, query=json.dumps(['=', '$hypervisor_hostname', name]))[1:] == ('ACTIVE', name)
    assert created(cloud, query=json.dumps(['<', '$vcpus_total', 1]))[1] == 'ERROR'


def test_an_address_chooses_hosts(cloud):
    assert created(cloud, build_near_host_ip='10.0.0.77', cidr='/24')[1] == 'ACTIVE'
    assert created(cloud, build_near_host_ip='10.9.0.77', cidr='/24')[1] == 'ERROR'


def test_without_the_filters_the_hints_mean_nothing(cloud):
    enable(cloud, ['ComputeFilter'])
    first, _status, _host = created(cloud)
    api = cloud.api()
    other = api.create(hints={'different_host': first, 'same_host': 'nobody', 'query': '["<", "$vcpus_total", 1]'})
    assert api.wait(other)['status'] == 'ACTIVE'


def test_a_server_that_stays_on_its_host_is_not_asked_again(cloud):
    first, _status, host = created(cloud)
    second, _status, _host = created(cloud, same_host=first)
    api = cloud.api()
    api.delete(f'/servers/{first}')
    assert api.wait(first) is None
    cloud.api('admin').post(
        '/flavors', {'flavor': {'id': 'wide', 'name': 'wide', 'vcpus': 2, 'ram': 128, 'disk': 1}}, status=200
    )
    api.post(f'/servers/{second}/action', {'resize': {'flavorRef': 'wide'}}, '2.93')
    assert api.wait(second)['status'] == 'VERIFY_RESIZE'
