import types

import pytest

from tools.trials.left_behind import left_behind, wait_until_clean

SERVER, OTHER, PORT = 'a' * 36, 'b' * 36, 'c' * 36


class World:
    """A cloud at rest with one server; the tests add what does not belong there."""

    def __init__(self, folder):
        self.servers_shown = [
            {
                'id': SERVER,
                'name': 'one',
                'status': 'ACTIVE',
                'OS-EXT-STS:task_state': None,
                'OS-EXT-STS:vm_state': 'active',
            }
        ]
        self.tables = {
            'FROM guests': [(SERVER,)],
            'server_mappings': [(SERVER,)],
            'FROM allocations': [(SERVER,)],
            'FROM migrations': [],
            "('running', 'waiting')": [(0,)],
            "= 'stuck'": [],
        }
        self.ports = [{'id': PORT, 'device_owner': 'compute:nova', 'device_id': SERVER}]
        self.images = [{'id': 'first', 'name': 'tiny', 'status': 'active'}]
        self.first_images = {'first'}
        self.instances = folder / 'fake-1' / 'instances'
        for name in (SERVER, '_base'):
            (self.instances / name).mkdir(parents=True)
        self.cloud = types.SimpleNamespace(layout=types.SimpleNamespace(driver='fake', data=lambda _service: folder))

    def servers(self):
        return self.servers_shown

    def read(self, _name, query, *_values, service='nova'):
        return next(rows for part, rows in self.tables.items() if part in query)

    def get(self, service, _path):
        return {'network': {'ports': self.ports}, 'glance': {'images': self.images}}[service]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_server_at_rest_with_all_that_is_its_own_is_nothing_left_behind(world):
    assert list(left_behind(world)) == []


@pytest.mark.parametrize(
    ('spoil', 'said'),
    [
        (
            lambda world: world.servers_shown[0].update({'OS-EXT-STS:task_state': 'deleting'}),
            f'server {SERVER} in ACTIVE',
        ),
        (lambda world: world.tables.update({"('running', 'waiting')": [(2,)]}), '2 operations not ended in nova_api'),
        (lambda world: world.tables.update({"= 'stuck'": [('x',)]}), '1 operations stuck in nova_api: x'),
        (lambda world: world.tables['FROM guests'].append((OTHER,)), f'1 guest records without server: {OTHER}'),
        (lambda world: world.tables['FROM allocations'].append((OTHER,)), f'1 allocations without guest: {OTHER}'),
        (lambda world: world.tables['FROM allocations'].clear(), f'1 guests without allocation: {SERVER}'),
        (lambda world: world.tables['server_mappings'].append((OTHER,)), f'1 deleted servers in the quota: {OTHER}'),
        (lambda world: world.ports[0].update(device_id=OTHER), f'1 ports without server: {PORT}'),
        (
            lambda world: world.images.append({'id': 'half', 'name': 'kept-a', 'status': 'saving'}),
            '1 images that are not whole: half',
        ),
        (
            lambda world: world.images.append({'id': 'x', 'name': 'one-shelved', 'status': 'active'}),
            '1 images that nobody asked for: one-shelved',
        ),
        (lambda world: (world.instances / OTHER).mkdir(), f'1 directories without guest: {OTHER}'),
        (lambda world: (world.instances / f'{SERVER}_del').mkdir(), f'1 parts of guests: {SERVER}_del'),
    ],
)
def test_what_has_no_owner_is_named(world, spoil, said):
    spoil(world)
    assert any(line.startswith(said) for line in left_behind(world))


def test_what_cannot_be_looked_for_is_not_taken_for_clean(world):
    def away(*_arguments):
        raise RuntimeError('Glance does not answer.')

    world.get = away
    assert wait_until_clean(world, 0) == ['what could not be looked for: Glance does not answer.']
