"""What a guest does by itself is told; what this host does to it is not."""

import queue

import pytest

from nova.domain.lifecycle import Power
from nova.virt.libvirt.events import REMEMBER, News, Teller

GUEST, OTHER = 'a-guest', 'another-guest'
RUNNING, PAUSED, SHUTDOWN, CRASHED, GONE = Power.RUNNING, Power.PAUSED, Power.SHUTDOWN, Power.CRASHED, None


@pytest.fixture
def news():
    fresh = News(settle=3)
    for guest in (GUEST, OTHER):
        fresh.take(guest)
        fresh.release(guest, 0, RUNNING)
    return fresh


@pytest.mark.parametrize(
    ('heard', 'told'),
    [
        ([(1, PAUSED)], [(GUEST, PAUSED)]),
        ([(1, GONE)], [(GUEST, GONE)]),
        ([(1, RUNNING)], []),
        ([(1, SHUTDOWN)], []),
        ([(1, SHUTDOWN), (3, RUNNING)], []),
        ([(1, PAUSED), (2, RUNNING)], []),
        ([(1, SHUTDOWN), (2, GONE)], [(GUEST, GONE)]),
    ],
)
def test_what_is_told_within_three_seconds_of_the_first_event(news, heard, told):
    for at, power in heard:
        news.heard(GUEST, power, at)
    assert news.due(3.5) == told


@pytest.mark.parametrize('power', [SHUTDOWN, CRASHED])
def test_a_guest_that_stays_down_is_told_once(news, power):
    news.heard(GUEST, power, 1)
    assert news.wait(1) == 3
    assert news.due(3.9) == []
    assert news.due(4) == [(GUEST, power)]
    assert news.wait(5) is None
    news.heard(GUEST, power, 5)
    assert news.due(10) == []


def test_a_removal_is_silent_however_late_its_events_come(news):
    news.take(GUEST)
    news.heard(GUEST, SHUTDOWN, 1)
    news.release(GUEST, 2, GONE)
    news.heard(GUEST, SHUTDOWN, 3)
    news.heard(GUEST, GONE, 3)
    assert news.due(20) == []


def test_a_start_is_silent_however_late_its_events_come(news):
    news.take('new')
    news.heard('new', RUNNING, 1)
    news.release('new', 2, RUNNING)
    news.heard('new', RUNNING, 3)
    assert news.due(20) == []


def test_a_guest_that_dies_while_it_is_started_is_told(news):
    news.take('new')
    news.heard('new', RUNNING, 1)
    news.heard('new', CRASHED, 1)
    news.release('new', 2, RUNNING)
    assert news.due(5) == [('new', CRASHED)]


def test_work_that_failed_hides_nothing(news):
    news.take(GUEST)
    news.heard(GUEST, SHUTDOWN, 1)
    news.release(GUEST, 2)
    assert news.due(5) == [(GUEST, SHUTDOWN)]


def test_other_guests_are_told_of_meanwhile(news):
    news.take(GUEST)
    news.heard(OTHER, PAUSED, 1)
    assert news.due(1) == [(OTHER, PAUSED)]


def test_two_workers_on_one_guest_end_the_silence_together(news):
    news.take(GUEST)
    news.take(GUEST)
    news.release(GUEST, 1, RUNNING)
    news.heard(GUEST, SHUTDOWN, 2)
    news.release(GUEST, 3, GONE)
    assert news.due(20) == []


def test_a_guest_may_come_back(news):
    news.take(GUEST)
    news.release(GUEST, 1, GONE)
    news.heard(GUEST, RUNNING, 4)
    assert news.due(4) == [(GUEST, RUNNING)]


def test_what_is_heard_late_of_a_guest_that_we_removed_is_no_news(news):
    news.take(GUEST)
    news.heard(GUEST, RUNNING, 1)
    news.release(GUEST, 1, GONE)
    news.heard(GUEST, RUNNING, 1)
    assert news.due(10) == []


def test_guests_that_are_gone_are_forgotten(news):
    news.take(GUEST)
    news.release(GUEST, 1, GONE)
    news.heard(OTHER, PAUSED, 2 + REMEMBER)
    news.heard(GUEST, SHUTDOWN, 3 + REMEMBER)
    assert (GUEST, SHUTDOWN) in news.due(10 + REMEMBER)


@pytest.fixture
def teller():
    made = Teller(News(settle=0), look=lambda: None)
    yield made
    made.close()


def test_the_listener_is_called_from_another_thread(teller):
    told = queue.Queue()
    teller.listen(lambda *what: told.put(what))
    teller.hear(GUEST, PAUSED)
    assert told.get(timeout=10) == (GUEST, PAUSED)


def test_a_listener_that_fails_is_called_again(teller):
    told = queue.Queue()

    def listener(guest_id, power):
        told.put(power)
        raise RuntimeError('the bus is away')

    teller.listen(listener)
    for power in (PAUSED, RUNNING):
        teller.hear(GUEST, power)
        assert told.get(timeout=10) == power


def test_work_that_raises_ends_the_silence(teller):
    told = queue.Queue()
    teller.listen(lambda *what: told.put(what))
    with pytest.raises(OSError), teller.working_on(GUEST):
        teller.hear(GUEST, SHUTDOWN)
        raise OSError
    assert told.get(timeout=10) == (GUEST, SHUTDOWN)


def test_work_that_succeeds_is_silent(teller):
    told = queue.Queue()
    teller.listen(lambda *what: told.put(what))
    with teller.working_on(GUEST) as left:
        teller.hear(GUEST, RUNNING)
        left(RUNNING)
    teller.hear(OTHER, PAUSED)
    assert told.get(timeout=10) == (OTHER, PAUSED)
