"""What the machine's firewall is told, from what is in the database."""

import shutil
import subprocess

import pytest

from nova.network.host import desired
from nova.network.host.firewall import ruleset
from tests.unit.network.cloud import ALICE


@pytest.fixture
def fixed(cloud):
    """A server's port with a floating address; its fixed address, and the floating one."""
    public, _ = cloud.make_network('203.0.113.0/29', **{'router:external': True})
    network, _ = cloud.make_network(caller=ALICE)
    port = cloud.make('port', ALICE, network_id=network['id'])
    floating = cloud.make('floatingip', ALICE, floating_network_id=public['id'], port_id=port['id'])
    cloud.make('floatingip', ALICE, floating_network_id=public['id'])
    return port['network_id'], floating['fixed_ip_address'], floating['floating_ip_address'], floating['id']


def rules(cloud):
    with cloud.database.reading() as tx:
        return ruleset('nova', desired.read(tx, 'openstacklocal'), 8775)


def test_a_floating_address_leads_to_the_fixed_one_and_back(cloud, fixed):
    network_id, address, floating, ident = fixed
    text = rules(cloud)
    assert text.count(f'ip daddr {floating} dnat to {address}\n') == 2
    assert f'ip saddr {address} oifname != "brq{network_id[:11]}" snat to {floating}\n' in text
    # What was asked for by a floating address comes before what keeps networks apart, and before what hides guests.
    assert text.index('ct status dnat accept') < text.index(' drop')
    assert text.index(f'snat to {floating}') < text.index('!= "brq' + network_id[:11] + '" masquerade')
    cloud.change(f'floatingips/{ident}', ALICE, port_id=None)
    assert 'dnat' not in rules(cloud)


def test_the_port_that_holds_a_floating_address_is_no_guest(cloud, fixed):
    with cloud.database.reading() as tx:
        guests = [guest.address for network in desired.read(tx, 'x') for guest in network.guests]
    assert guests == [fixed[1]]


@pytest.mark.skipif(not shutil.which('nft'), reason='There is no nft on this machine.')
def test_nft_understands_it(cloud, fixed):
    checked = subprocess.run(
        ['unshare', '-rn', 'nft', '-c', '-f', '-'], input=rules(cloud), text=True, capture_output=True
    )
    if 'unshare' in checked.stderr or 'not permitted' in checked.stderr:
        pytest.skip('This user may not have a network namespace.')
    assert checked.returncode == 0, checked.stderr
