"""Every published sample holds: its request is accepted at its microversion, its response has its keys and types."""

import pytest

from nova.api.microversions import MAX
from tests.functional.cloud import NEVER
from tests.functional.samples import cases, index
from tests.functional.samples.scene import EMPTY_HOST, HOST, SampleCloud, Scene
from tests.functional.samples.walk import problems, walk
from tests.published import DIRECTORY


def key(sample):
    return sample.path.removesuffix('.json')


def parameter(sample):
    reason = cases.NOT_YET.get(key(sample))
    # Strict, so that a line goes from the list as soon as it may.
    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
    return pytest.param(sample, marks=marks, id=key(sample))


ALIVE = [sample for sample in index.samples() if sample.version <= MAX]


@pytest.fixture(scope='module')
def scene(fresh, tmp_path_factory):
    """One cloud for all samples: each prepares what it needs."""
    directory = tmp_path_factory.mktemp('samples')
    # What is made for a sample is used by later ones, however long the walk takes.
    cloud = SampleCloud(fresh(directory), directory, host_names=(HOST, 'h2', EMPTY_HOST), console_token_ttl=NEVER)
    cloud.start()
    made = Scene(cloud)
    made.prepare()
    yield made
    cloud.stop()


@pytest.mark.every_database
@pytest.mark.parametrize('sample', map(parameter, ALIVE))
def test_a_published_sample_holds(scene, sample):
    try:
        walked = walk(scene, sample)
    finally:
        scene.clean()
    assert problems(walked, sample) == []
    if sample.kind == 'response' and not walked.built:
        pytest.skip(f'{walked.route} is not built.')


@pytest.mark.parametrize('table', [cases.CASES, cases.REFUSED, cases.NOT_YET], ids=['cases', 'refused', 'not yet'])
def test_what_is_said_of_samples_is_said_of_some_sample(table):
    assert table.keys() <= {key(sample) for sample in ALIVE} | {f'{sample.folder}/{sample.name}' for sample in ALIVE}


def test_every_sample_is_listed_once():
    files = [str(path.relative_to(DIRECTORY)) for path in DIRECTORY.rglob('*.json')]
    assert sorted(sample.path for sample in index.samples()) == sorted(files)
