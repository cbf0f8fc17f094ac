"""Asking for disks in both forms: what goes together is kept, what needs volumes is told that there are none yet."""

import json

import pytest

from nova.domain.image import Image
from tests.unit.api.servers.asking import create, recorded, refused
from tests.unit.api.servers.world import CELL_ID, GB, IMAGE_ID, World

OTHER_ID = '5b1d3c8c-6a2f-4d0c-9f3d-4b5f6a7c8d9e'
ROOT = {'source_type': 'image', 'destination_type': 'local', 'uuid': IMAGE_ID, 'boot_index': 0}
SWAP = {'source_type': 'blank', 'destination_type': 'local', 'guest_format': 'swap', 'boot_index': -1}
EPHEMERAL = {'source_type': 'blank', 'destination_type': 'local', 'boot_index': -1}
VOLUME = {'source_type': 'volume', 'destination_type': 'volume', 'uuid': CELL_ID}
OF_IMAGE = {**ROOT, 'destination_type': 'volume', 'volume_size': 1}
BLANK = {'source_type': 'blank', 'destination_type': 'volume', 'volume_size': '1'}
SEQUENCE = (
    'Block Device Mapping is Invalid: '
    'Boot sequence for the instance and image/block device mapping combination is not valid.'
)
NO_VOLUMES = 'Servers with volumes cannot be made in this cloud yet'


def kept(world):
    """Of each disk what it is made from, its size, and whether it is swap."""
    devices = recorded(world)['web'].block_devices
    assert all(device.destination_type == 'local' for device in devices)
    return [(device.source_type, device.size, device.is_swap) for device in devices]


class TestLocalDisks:
    def test_the_image_is_the_root_disk(self, world):
        create(world)
        (root,) = recorded(world)['web'].block_devices
        assert (root.boot_index, root.image_id, root.delete_on_termination) == (0, IMAGE_ID, True)
        assert recorded(world)['web'].root_device_name == '/dev/vda'

    def test_the_disks_that_the_flavor_makes_need_not_be_named(self, world):
        create(world, flavorRef='big')
        assert kept(world) == [('image', None, False), ('blank', 2, False), ('blank', 512, True)]

    def test_they_may_be_named_and_smaller(self, tmp_path, template):
        world = World(tmp_path, template, max_local_block_devices=4)
        disks = [ROOT, {**SWAP, 'volume_size': 64}, {**EPHEMERAL, 'volume_size': 1}, {**EPHEMERAL, 'volume_size': '1'}]
        create(world, flavorRef='big', block_device_mapping_v2=disks)
        assert kept(world) == [('image', None, False), ('blank', 64, True), ('blank', 1, False), ('blank', 1, False)]
        world.databases.close()

    def test_without_a_size_they_have_the_flavors(self, world):
        create(world, flavorRef='big', block_device_mapping_v2=[ROOT, SWAP, {**EPHEMERAL, 'volume_size': ''}])
        assert kept(world) == [('image', None, False), ('blank', 512, True), ('blank', 2, False)]

    def test_the_root_disk_may_name_the_image_alone(self, world):
        document = {'server': {'name': 'web', 'flavorRef': '1', 'networks': 'none', 'block_device_mapping_v2': [ROOT]}}
        world.send('POST', '/servers', document, '2.93', status=202)
        assert recorded(world)['web'].image_id == IMAGE_ID

    def test_the_root_disk_may_have_a_name_and_a_tag(self, world):
        create(world, block_device_mapping_v2=[{**ROOT, 'device_name': 'sda', 'tag': 'system'}])
        request = recorded(world)['web']
        assert (request.root_device_name, request.block_devices[0].tag) == ('/dev/sda', 'system')

    def test_what_is_not_wanted_is_left_out(self, world):
        create(world, block_device_mapping_v2=[ROOT, {'device_name': 'vdb', 'no_device': True}])
        assert kept(world) == [('image', None, False)]

    def test_the_old_form_knows_the_flavors_disks(self, world):
        disks = [{'device_name': 'vdb', 'virtual_name': 'swap'}, {'device_name': 'vdc', 'virtual_name': 'ephemeral0'}]
        create(world, flavorRef='big', block_device_mapping=disks)
        assert kept(world) == [('image', None, False), ('blank', 512, True), ('blank', 2, False)]

    @pytest.mark.parametrize(
        ('most', 'flavor', 'status'), [(0, '1', 400), (1, '1', 202), (2, 'big', 400), (-1, 'big', 202)]
    )
    def test_the_operator_bounds_disks_on_the_host(self, tmp_path, template, most, flavor, status):
        world = World(tmp_path, template, max_local_block_devices=most)
        create(world, flavorRef=flavor, status=status)


class TestRules:
    @pytest.mark.parametrize(
        ('disks', 'text'),
        [
            ([ROOT, {**SWAP, 'volume_size': 1024}], 'Swap drive requested is larger than instance type allows.'),
            ([ROOT, SWAP, SWAP], 'More than one swap drive requested.'),
            ([ROOT, {**EPHEMERAL, 'volume_size': 3}], 'Ephemeral disks requested are larger than the instance type'),
            ([ROOT, EPHEMERAL, EPHEMERAL], 'Ephemeral disks requested are larger than the instance type'),
            ([{**ROOT, 'uuid': CELL_ID}], 'Invalid imageRef provided.'),
            ([{**ROOT, 'boot_index': 1}], 'Block Device Mapping is Invalid: Mapping image to local is not supported.'),
            ([{**ROOT, 'boot_index': None}], 'Block Device Mapping is Invalid: Mapping image to local is not'),
            ([{**EPHEMERAL, 'boot_index': 0}], SEQUENCE),
            ([ROOT, {**VOLUME, 'boot_index': 0}], SEQUENCE),
            ([ROOT, {**VOLUME, 'boot_index': 2}], SEQUENCE),
            ([ROOT, {**VOLUME, 'destination_type': 'local'}], 'Block Device Mapping is Invalid: Mapping volume to local'),
            ([{'uuid': CELL_ID}], 'Block Device Mapping is Invalid: Invalid source_type field.'),
            ([{'source_type': 'volume'}], 'Block Device Mapping is Invalid: Missing device UUID.'),
            ([{**BLANK, 'uuid': CELL_ID}], 'Block Device Mapping is Invalid: Invalid device UUID.'),
            ([{**OF_IMAGE, 'volume_size': None}], 'Block Device Mapping is Invalid: Images with destination_type'),
            ([ROOT, {**BLANK, 'volume_size': 0}], 'Block Device Mapping is Invalid: Blank volumes (source'),
            ([ROOT, VOLUME, VOLUME], 'Block Device Mapping is Invalid: The same volume_id is given for two devices.'),
            ([{**ROOT, 'device_name': 'a'}, {**VOLUME, 'device_name': 'a'}], 'Block Device Mapping is Invalid: The same'),
            ([{**ROOT, 'tag': 'a'}, {**VOLUME, 'tag': 'a'}], 'Block Device Mapping is Invalid: The same tag'),
            ([ROOT, {**VOLUME, 'volume_type': 'fast'}], 'Block Device Mapping is Invalid: volume_type is for volumes'),
            ([ROOT, {**OF_IMAGE, 'boot_index': -1, 'uuid': OTHER_ID}],
             f'Block Device Mapping is Invalid: failed to get image {OTHER_ID}.'),
            ([{**ROOT, 'boot_index': 'first'}], 'Invalid input for field/attribute boot_index.'),
            ([{**ROOT, 'device_name': 'a b'}], 'Invalid input for field/attribute device_name.'),
            ([{**ROOT, 'delete_on_termination': 'maybe'}], 'Invalid input for field/attribute delete_on_termination.'),
            ([{**ROOT, 'source_type': 'tape'}], 'Invalid input for field/attribute source_type.'),
            ([{**ROOT, 'volume_size': 'x'}], 'Invalid input for field/attribute volume_size.'),
        ],
    )  # fmt: skip
    def test_disks_that_do_not_go_together_are_refused(self, world, disks, text):
        status, message = refused(world, flavorRef='big', block_device_mapping_v2=disks)
        assert message.startswith(text)
        assert status == 400

    @pytest.mark.parametrize(
        ('disk', 'text'),
        [
            ({'device_name': 'vdb'}, 'Block Device Mapping is Invalid: Unrecognized legacy format.'),
            ({'volume_id': CELL_ID, 'device_name': 'v d'}, 'Invalid input for field/attribute device_name.'),
            ({'volume_id': 'x', 'device_name': 'vdb'}, 'Invalid input for field/attribute volume_id.'),
        ],
    )
    def test_the_old_form_has_rules_too(self, world, disk, text):
        status, message = refused(world, block_device_mapping=[disk])
        assert status == 400
        assert message.startswith(text)

    def test_one_form_at_a_time(self, world):
        old = {'volume_id': CELL_ID, 'device_name': 'vdb'}
        status, message = refused(world, block_device_mapping=[old], block_device_mapping_v2=[ROOT])
        assert (status, message) == (
            400,
            'Using different block_device_mapping syntaxes is not allowed in the same request.',
        )

    def test_a_volume_is_for_one_server(self, world):
        assert refused(world, max_count=2, block_device_mapping_v2=[ROOT, VOLUME]) == (
            400,
            'Cannot attach one or more volumes to multiple instances',
        )

    @pytest.mark.parametrize(
        ('version', 'disk'),
        [
            ('2.31', {**ROOT, 'tag': 'a'}),
            ('2.33', {**ROOT, 'tag': 'a'}),
            ('2.41', {**ROOT, 'tag': 'a'}),
            ('2.66', {**OF_IMAGE, 'volume_type': 'a'}),
        ],
    )
    def test_fields_are_refused_before_their_version(self, world, version, disk):
        networks = None if version < '2.37' else 'none'
        assert refused(world, version, networks=networks, block_device_mapping_v2=[disk])[0] == 400

    def test_tags_were_known_for_one_version_before_they_stayed(self, world):
        create(world, '2.42', block_device_mapping_v2=[{**ROOT, 'tag': 'a'}])
        document = {'server': {'name': 'old', 'imageRef': IMAGE_ID, 'flavorRef': '1'}}
        document['server']['block_device_mapping_v2'] = [{**ROOT, 'tag': 'a'}]
        world.send('POST', '/servers', document, '2.32', status=202)


class TestVolumes:
    @pytest.mark.parametrize(
        ('image', 'disks'),
        [
            (IMAGE_ID, [ROOT, VOLUME]),
            (IMAGE_ID, [{**VOLUME, 'boot_index': None}]),
            (IMAGE_ID, [BLANK]),
            ('', [{**VOLUME, 'boot_index': 0}]),
            ('', [OF_IMAGE, {**VOLUME, 'boot_index': '1'}]),
            (None, [{'source_type': 'snapshot', 'uuid': CELL_ID, 'boot_index': '0'}]),
        ],
    )
    def test_nothing_attaches_them_yet(self, world, image, disks):
        status, message = refused(world, imageRef=image, block_device_mapping_v2=disks)
        assert message.startswith(NO_VOLUMES)
        assert status == 501

    @pytest.mark.parametrize('image', [IMAGE_ID, ''])
    def test_nor_in_the_old_form(self, world, image):
        status, message = refused(world, imageRef=image, block_device_mapping=[{'volume_id': CELL_ID}])
        assert message.startswith(NO_VOLUMES)
        assert status == 501

    def test_flavors_without_disk_are_for_servers_with_volumes(self, world):
        assert refused(world, flavorRef='none', imageRef='', block_device_mapping_v2=[OF_IMAGE])[0] == 501
        assert refused(world, flavorRef='none', block_device_mapping_v2=[ROOT, VOLUME])[0] == 403

    def test_a_volume_must_be_as_large_as_the_image_says(self, world):
        world.images.kept[IMAGE_ID] = Image(IMAGE_ID, min_disk_gb=2)
        status, message = refused(world, imageRef='', block_device_mapping_v2=[OF_IMAGE])
        assert status == 400
        assert message.endswith(f'Volume size is {GB} bytes, minimum size is {2 * GB} bytes.')

    def test_certificates_are_not_for_volumes(self, world):
        disks = {'imageRef': '', 'block_device_mapping_v2': [OF_IMAGE]}
        assert refused(world, trusted_image_certificates=['a'], **disks) == (
            400,
            'Image certificate validation is not supported when booting from volume',
        )

    def test_images_of_servers_with_volumes_name_them(self, world):
        mapping = [{'source_type': 'snapshot', 'snapshot_id': CELL_ID, 'boot_index': 0, 'destination_type': 'volume'}]
        properties = {'bdm_v2': 'True', 'block_device_mapping': json.dumps(mapping)}
        world.images.kept[IMAGE_ID] = Image(IMAGE_ID, properties=properties)
        assert refused(world)[0] == 501

    @pytest.mark.parametrize('damage', ['{', '[1]', '"x"', '[{"source_type": "tape"}]'])
    def test_an_image_that_names_disks_badly_is_refused(self, world, damage):
        properties = {'bdm_v2': 'True', 'block_device_mapping': damage}
        world.images.kept[IMAGE_ID] = Image(IMAGE_ID, properties=properties)
        assert refused(world)[0] == 400
