"""For every verb there is: conductors die, hosts and parts go away, users change their minds. It ends, and nothing leaks."""

import shutil

import pytest

from nova.conductor.reconcilers.abandoned_guests import ABANDONED_GUESTS
from nova.domain.lifecycle import TRANSITIONS
from nova.operations.registry import OPERATIONS
from tests.functional.cloud import Cloud, Urls
from tests.functional.conftest import PARTS
from tests.functional.verb_scene import CASES, HOST, Scene

every_verb = pytest.mark.parametrize('verb', [verb for verb in OPERATIONS if verb in CASES])


@pytest.fixture(scope='module')
def scenes(templates, tmp_path_factory):
    """The scene that the tests share; a test that fails takes it away, and the next one has a new one."""
    held = []

    def take():
        if not held:
            directory = tmp_path_factory.mktemp('scene')
            for name, database in templates('sqlite').items():
                database.close()
                shutil.copy(database.url.database, directory / f'{name}.db')
            urls = Urls(**{name: f'sqlite:///{directory}/{name}.db' for name in PARTS})
            held.append(Scene(Cloud(urls, directory, host_names=(HOST,), reclaim_interval=3600)))
        return held.pop()

    yield take, held.append
    for scene in held:
        scene.stop()


@pytest.fixture
def scene(scenes, request):
    take, give_back = scenes
    taken = take()
    failures = request.session.testsfailed
    yield taken
    if request.session.testsfailed == failures and taken.cloud.left() == {}:
        give_back(taken)
    else:
        taken.stop()


def test_every_verb_has_a_case():
    unknown = OPERATIONS.keys() - CASES.keys()
    assert not unknown, f'tests/functional/verb_scene.py must say how to come to where these verbs begin: {unknown}'


@every_verb
def test_another_conductor_ends_what_one_that_died_began(scene, verb):
    server_id = scene.prepared(verb)
    with scene.at_a_guest() as gate:
        asked = scene.begin(verb, server_id)
        gate.wait()
        scene.cloud.kill_conductor()
        gate.open()
        scene.cloud.start_conductor()
    server_id = server_id or asked.result()
    shown = scene.rests(server_id)
    assert (shown and shown['status']) == CASES[verb].ends
    assert scene.last_action(server_id) == (TRANSITIONS[verb].history, None)
    scene.refuse_leftovers(server_id)


@every_verb
def test_a_delete_in_the_middle_wins(scene, verb):
    server_id = scene.prepared(verb)
    with scene.at_a_guest() as gate:
        asked = scene.begin(verb, server_id)
        gate.wait()
        server_id = server_id or asked.result()
        scene.delete(server_id)
    assert scene.rests(server_id) is None
    asked.result()
    scene.refuse_leftovers(server_id)


@every_verb
@pytest.mark.parametrize('part', ['database', 'bus'])
def test_a_part_that_is_away_for_a_moment_is_waited_for(scene, verb, part):
    server_id = scene.prepared(verb)
    with scene.at_a_guest() as gate:
        asked = scene.begin(verb, server_id)
        gate.wait()
        scene.cloud.away.add(part)
    scene.cloud.until(lambda: scene.conductor._runner.queued == 0)
    scene.cloud.away.clear()
    server_id = server_id or asked.result()
    shown = scene.rests(server_id)
    assert (shown and shown['status']) == CASES[verb].ends
    scene.refuse_leftovers(server_id)


@every_verb
def test_a_host_that_does_not_answer_is_given_up_and_can_be_asked_again(scene, verb):
    case, server_id = CASES[verb], scene.prepared(verb)
    before = server_id and scene.api.server(server_id)['status']
    scene.cloud.stop_host(HOST)
    asked = scene.begin(verb, server_id).result()
    server_id = server_id or asked
    shown = scene.rests(server_id)
    if case.refused:
        assert asked == case.refused
        assert shown['status'] == before
    elif case.bears_absence:
        assert (shown and shown['status']) == case.ends
    else:
        assert shown['status'] == (case.away or before)
        assert scene.last_action(server_id) == (TRANSITIONS[verb].history, 'Error')
    scene.cloud.start_host(HOST)
    scene.cloud.discover()
    ABANDONED_GUESTS.repair(scene.cloud.means)
    if shown and shown['status'] == before:
        scene.begin(verb, server_id).result()
        assert scene.rests(server_id)['status'] == case.ends
    scene.refuse_leftovers(server_id)
