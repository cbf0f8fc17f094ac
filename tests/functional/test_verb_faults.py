"""For every verb there is: conductors die, hosts and parts go away, users change their minds. It ends, and nothing leaks."""

import pytest

from nova.conductor.reconcilers.abandoned_guests import ABANDONED_GUESTS
from nova.domain.lifecycle import TRANSITIONS
from nova.operations.registry import OPERATIONS
from tests.functional.cloud import Cloud
from tests.functional.verb_scene import CASES, HOST, Scene

VERBS = [verb for verb in OPERATIONS if verb in CASES]


@pytest.fixture(scope='module')
def scenes(fresh, tmp_path_factory):
    """The scene that the tests share; a test that fails takes it away, and the next one has a new one."""
    held = []

    def take():
        if not held:
            directory = tmp_path_factory.mktemp('scene')
            held.append(Scene(Cloud(fresh(directory), directory, host_names=(HOST,), reclaim_interval=3600)))
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


def prepared(scene):
    """A server for each verb, in a state in which it may begin."""
    return {verb: scene.prepared(verb) for verb in VERBS}


def begun(scene, servers):
    """All verbs, as they stand before their guests; what they were asked with comes with the id of the server."""
    asked = {verb: scene.begin(verb, server_id) for verb, server_id in servers.items()}
    scene.cloud.until(lambda: scene.conductor._runner.queued == len(asked))
    return {verb: servers[verb] or asked[verb].result() for verb in asked}


def statuses(scene, servers):
    scene.cloud.settle()
    return {verb: scene.status(server_id) for verb, server_id in servers.items()}


def ends(verbs=VERBS):
    return {verb: CASES[verb].ends for verb in verbs}


def test_another_conductor_ends_what_one_that_died_began(scene):
    servers = prepared(scene)
    with scene.at_a_guest() as gate:
        servers = begun(scene, servers)
        gate.wait()
        scene.cloud.kill_conductor()
        gate.open()
        scene.cloud.start_conductor()
    assert statuses(scene, servers) == ends()
    done = {verb: scene.last_action(server_id) for verb, server_id in servers.items()}
    assert done == {verb: (TRANSITIONS[verb].history, None) for verb in VERBS}
    scene.refuse_leftovers(*servers.values())


@pytest.mark.parametrize('part', ['database', 'bus'])
def test_a_part_that_is_away_for_a_moment_is_waited_for(scene, part):
    servers = prepared(scene)
    with scene.at_a_guest() as gate:
        servers = begun(scene, servers)
        gate.wait()
        scene.cloud.away.add(part)
    scene.cloud.until(lambda: scene.conductor._runner.queued == 0)
    scene.cloud.away.clear()
    assert statuses(scene, servers) == ends()
    scene.refuse_leftovers(*servers.values())


def test_a_host_that_does_not_answer_is_given_up_and_can_be_asked_again(scene):
    servers = prepared(scene)
    before = {verb: server_id and scene.status(server_id) for verb, server_id in servers.items()}
    scene.cloud.stop_host(HOST)
    asked = {verb: scene.begin(verb, server_id) for verb, server_id in servers.items()}
    answers = {verb: answer.result() for verb, answer in asked.items()}
    servers = {verb: server_id or answers[verb] for verb, server_id in servers.items()}
    without = {verb: case.ends if case.bears_absence else case.away or before[verb] for verb, case in CASES.items()}
    assert statuses(scene, servers) == without
    assert {verb: answers[verb] for verb, case in CASES.items() if case.refused} == {
        verb: case.refused for verb, case in CASES.items() if case.refused
    }
    given_up = [verb for verb, case in CASES.items() if not (case.bears_absence or case.refused)]
    told = {verb: scene.last_action(servers[verb]) for verb in given_up}
    assert told == {verb: (TRANSITIONS[verb].history, 'Error') for verb in given_up}
    scene.cloud.start_host(HOST)
    scene.cloud.discover()
    ABANDONED_GUESTS.repair(scene.cloud.means)
    again = [verb for verb in VERBS if not CASES[verb].bears_absence and without[verb] == before[verb]]
    for answer in [scene.begin(verb, servers[verb]) for verb in again]:
        answer.result()
    assert statuses(scene, {verb: servers[verb] for verb in again}) == ends(again)
    scene.refuse_leftovers(*servers.values())


@pytest.mark.parametrize('verb', VERBS)
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


def test_a_conductor_that_comes_back_goes_on_at_once_with_what_it_ran(make_cloud):
    # In a quiet cloud nobody looks for orphans later.
    cloud = make_cloud(host_names=(HOST,), quiet=True)
    with cloud.paused(cloud.hosts[HOST].driver, 'ensure') as gate:
        server_id = cloud.api().create()
        gate.wait()
        cloud.kill_conductor()
        gate.open()
        cloud.start_conductor()
    assert cloud.api().wait(server_id)['status'] == 'ACTIVE'
