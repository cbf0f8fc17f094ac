"""nova-manage libvirt and image_property."""

import pytest

from nova.cmd.manage import libvirt
from nova.db.stores import servers
from nova.domain.lifecycle import State
from tests.unit.cmd.test_manage import Site
from tests.unit.db.builders import an_id


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    made.cell = made.set_up()
    return made


def server(site, number=1):
    with site.main.reading() as tx:
        return servers.get(tx, an_id(number))


def put(site, number=1, state=State.STOPPED, machine='pc', **fields):
    kept = {'image_hw_machine_type': machine} if machine else {}
    site.put(site.cell, number, state=state, operation_id=None, activity=None, system_metadata=kept, **fields)


class TestMachineType:
    def test_it_is_shown(self, site, capsys):
        put(site)
        assert site(f'libvirt get_machine_type {an_id(1)}') == 0
        assert capsys.readouterr().out.splitlines()[-1] == 'pc'

    def test_the_image_s_comes_first(self, site, capsys):
        put(site, image_properties={'hw_machine_type': 'q35'})
        assert site(f'libvirt get_machine_type {an_id(1)}') == 0
        assert capsys.readouterr().out.splitlines()[-1] == 'q35'

    def test_who_has_none_is_told_so(self, site, capsys):
        put(site, machine=None)
        assert site(f'libvirt get_machine_type {an_id(1)}') == 3
        assert site(f'libvirt get_machine_type {an_id(9)}') == 2
        assert site('libvirt list_unset_machine_type') == 3
        assert an_id(1) in capsys.readouterr().out
        assert site(f'libvirt update_machine_type {an_id(1)} pc') == 0
        assert site('libvirt list_unset_machine_type') == 0
        assert site(f'libvirt list_unset_machine_type --cell-uuid {an_id(5)}') == 2

    @pytest.mark.parametrize(
        ('old', 'new', 'code'),
        [
            ('pc-i440fx-6.0', 'pc-i440fx-7.2', 0),
            ('q35', 'q35', 0),
            ('pc', 'q35', 4),
            ('q35', 'pc-q35-5.0', 4),
            ('pc-1.2.3', 'pc-1.2.4', 0),
            ('pc', 'foo', 5),
        ],
    )
    def test_it_is_changed_only_to_the_same_machine(self, site, old, new, code):
        put(site, machine=old)
        assert site(f'libvirt update_machine_type {an_id(1)} {new}') == code
        assert libvirt.recorded(server(site)) == (old if code else new)

    def test_force_changes_it_to_anything(self, site):
        put(site, state=State.ACTIVE, image_properties={'hw_machine_type': 'pc'})
        assert site(f'libvirt update_machine_type {an_id(1)} pc-i440fx-7.2') == 4
        assert site(f'libvirt update_machine_type {an_id(1)} q35 --force') == 0
        assert libvirt.recorded(server(site)) == 'q35'

    def test_a_guest_that_may_run_keeps_its_own(self, site):
        put(site, state=State.ACTIVE)
        assert site(f'libvirt update_machine_type {an_id(1)} pc') == 3


class TestImageProperty:
    def test_it_is_changed_and_shown(self, site, capsys):
        put(site, image_properties={'hw_disk_bus': 'ide', 'hw_vif_model': 'e1000'})
        command = f'image_property set {an_id(1)} --property hw_disk_bus=virtio --property hw_cdrom_bus=sata'
        assert site(command) == 0
        assert site(f'image_property show {an_id(1)} hw_disk_bus') == 0
        assert capsys.readouterr().out.splitlines()[-1] == 'virtio'
        assert server(site).image_properties == {
            'hw_disk_bus': 'virtio',
            'hw_cdrom_bus': 'sata',
            'hw_vif_model': 'e1000',
        }

    @pytest.mark.parametrize(
        ('state', 'pair', 'code'),
        [
            (State.STOPPED, 'hw_disk_bus=bogus', 5),
            (State.STOPPED, 'hw_nothing=1', 4),
            (State.STOPPED, 'hw_disk_bus', 4),
            (State.ACTIVE, 'hw_disk_bus=scsi', 3),
            (State.SHELVED, 'hw_disk_bus=scsi', 0),
        ],
    )
    def test_what_is_wrong_has_its_code(self, site, state, pair, code):
        put(site, state=state, image_properties={})
        assert site(f'image_property set {an_id(1)} --property {pair}') == code

    def test_what_is_not_there_has_its_code(self, site):
        put(site, image_properties={})
        assert site(f'image_property show {an_id(1)} hw_disk_bus') == 3
        assert site(f'image_property show {an_id(9)} hw_disk_bus') == 2
        assert site(f'image_property set {an_id(9)} --property hw_disk_bus=ide') == 2
