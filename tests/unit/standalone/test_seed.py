"""The guests' network keeps clear of the machine's."""

import ipaddress

import pytest

from nova.standalone import seed
from nova.standalone.refusal import Refusal


def test_routes_are_read_from_the_kernel(tmp_path):
    routes = tmp_path / 'route'
    routes.write_text(
        'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n'
        'eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n'
        'eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n'
    )
    assert seed.routed_ranges(routes) == [ipaddress.ip_network('10.0.0.0/24')]


def test_a_range_in_use_is_left_alone():
    first = seed.free_range(0, [])
    second = seed.free_range(0, [first])
    assert not first.overlaps(second)
    assert second.prefixlen == 24


def test_clouds_side_by_side_try_different_ranges():
    assert seed.free_range(0, []) != seed.free_range(1000, [])


def test_no_range_left():
    with pytest.raises(Refusal, match='network of your own'):
        seed.free_range(0, [ipaddress.ip_network('10.0.0.0/8')])
