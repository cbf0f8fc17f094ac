"""Every published sample holds: its request is accepted at its microversion, its response has its keys and types."""

import pytest

from nova.api.microversions import MAX
from tests.functional.cloud import Urls
from tests.functional.samples import index
from tests.functional.samples.scene import EMPTY_HOST, HOST, SampleCloud, Scene
from tests.functional.samples.walk import problems, walk

WALKED = [sample for sample in index.samples() if sample.version <= MAX]


@pytest.fixture(scope='module')
def scene(templates, tmp_path_factory):
    directory = tmp_path_factory.mktemp('samples')
    cloud = SampleCloud(_copies(templates('sqlite'), directory), directory, host_names=(HOST, 'h2', EMPTY_HOST))
    cloud.start()
    made = Scene(cloud)
    made.prepare()
    yield made
    cloud.stop()


def _copies(parts, directory):
    import shutil

    for name, database in parts.items():
        database.close()
        shutil.copy(database.url.database, directory / f'{name}.db')
    return Urls(**{name: f'sqlite:///{directory}/{name}.db' for name in parts})


@pytest.mark.parametrize('sample', WALKED, ids=lambda sample: sample.path.removesuffix('.json'))
def test_sample(scene, sample):
    try:
        walked = walk(scene, sample)
    finally:
        scene.clean()
    if walked.answer.status_int == 501:
        pytest.skip(f'not built: {walked.request}')
    assert problems(walked, sample) == []
