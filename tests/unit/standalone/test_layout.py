"""Where a cloud keeps things, and what it refuses to be."""

import pytest

from nova.standalone.layout import PORTS, Layout, layout_of, saved_choices
from nova.standalone.refusal import Refusal


def test_every_port_moves_with_the_offset(tmp_path):
    cloud = Layout(tmp_path, port_offset=1000)
    assert all(cloud.port(name) == port + 1000 for name, port in PORTS.items())
    assert cloud.url('nova-api', '/v2.1') == 'http://127.0.0.1:9774/v2.1'


def test_ports_do_not_meet():
    assert len(set(PORTS.values())) == len(PORTS)
    highest_fixed_below = [port for port in PORTS.values() if 0 < port - PORTS['nova-compute-health'] <= 200]
    assert not highest_fixed_below, 'the health ports of many computes would run into these'


@pytest.mark.parametrize(
    ('choices', 'sentence'),
    [
        ({'port_offset': -1}, 'must lie between'),
        ({'port_offset': 60000}, 'must lie between'),
        ({'driver': 'xen'}, 'must be one of'),
        ({'driver': 'fake', 'computes': 0}, '--computes must lie'),
        ({'driver': 'libvirt', 'computes': 2}, '--driver fake'),
        ({'address': '1.2.3'}, '--address must be an IPv4'),
        ({'address': '::1'}, '--address must be an IPv4'),
        ({'database': 'nova'}, '--database must be like'),
        ({'database': 'sqlite:///x'}, '--database must be like'),
        ({'database': 'mysql+pymysql://'}, '--database must be like'),
        ({'parts': frozenset({'swift'})}, 'no part swift'),
    ],
)
def test_choices_that_cannot_be(tmp_path, choices, sentence):
    with pytest.raises(Refusal, match=sentence):
        Layout(tmp_path, **choices)


def test_what_up_was_told_is_kept_and_may_be_told_anew(tmp_path):
    first = layout_of(tmp_path, driver='fake', computes=3, port_offset=7)
    first.make_directories()
    first.save()
    assert layout_of(tmp_path) == first
    assert layout_of(tmp_path, computes=5).computes == 5
    assert layout_of(tmp_path, computes=5).port_offset == 7


def test_choices_that_cannot_be_read_are_said(tmp_path):
    (tmp_path / 'cloud.json').write_text('{"port_offset": 7')
    with pytest.raises(Refusal, match='cloud.json is not what'):
        saved_choices(tmp_path)


def test_no_cloud_has_no_choices(tmp_path):
    assert saved_choices(tmp_path) == {}


def test_only_the_fake_driver_goes_without_libvirt(tmp_path):
    assert Layout(tmp_path).has('libvirt')
    assert not Layout(tmp_path, driver='fake').has('libvirt')


@pytest.mark.parametrize(
    ('database', 'expected'),
    [
        ('', 'sqlite:///{state}/data/nova/nova_api.db'),
        ('mysql+pymysql://u:p@db/', 'mysql+pymysql://u:p@db/nova_api'),
        ('postgresql+psycopg://u:p@db', 'postgresql+psycopg2://u:p@db/nova_api'),
        ('postgresql://u:p@db', 'postgresql+psycopg2://u:p@db/nova_api'),
    ],
)
def test_database_urls(tmp_path, database, expected):
    cloud = Layout(tmp_path, database=database)
    assert cloud.database_url('nova', 'nova_api') == expected.format(state=tmp_path)


def test_offsets_that_we_propose_stay_clear_of_ports_for_outgoing_connections():
    assert max(PORTS.values()) + 21000 + 200 < 32768
