"""Answering together what arrives together."""

import threading

import pytest

from nova.scheduler.batch import MAX_BATCH, Batches


class Slow:
    """Answers when told to; remembers the batches."""

    def __init__(self):
        self.batches, self.entered, self.go = [], threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, items):
        self.batches.append(list(items))
        self.entered.release()
        self.go.acquire(timeout=30)
        return [ValueError(item) if item == 'bad' else f'answer to {item}' for item in items]


def submit(batches, item, results):
    def run():
        try:
            results[item] = batches.submit(item)
        except ValueError as failure:
            results[item] = failure

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_for(batches, count):
    pause = threading.Event()
    while batches.waiting < count:
        pause.wait(0.001)


def test_what_arrives_meanwhile_is_answered_in_one_go():
    answer, results = Slow(), {}
    batches = Batches(answer)
    threads = [submit(batches, 'first', results)]
    answer.entered.acquire(timeout=30)
    items = [f'item {number}' for number in range(5)]
    threads += [submit(batches, item, results) for item in items]
    wait_for(batches, 5)
    answer.go.release(2)
    for thread in threads:
        thread.join(30)
    assert [len(batch) for batch in answer.batches] == [1, 5]
    assert results == {item: f'answer to {item}' for item in ['first', *items]}


def test_an_error_is_its_own_requests():
    answer, results = Slow(), {}
    batches = Batches(answer)
    threads = [submit(batches, 'first', results)]
    answer.entered.acquire(timeout=30)
    threads += [submit(batches, item, results) for item in ('good', 'bad')]
    wait_for(batches, 2)
    answer.go.release(2)
    for thread in threads:
        thread.join(30)
    assert results['good'] == 'answer to good'
    assert isinstance(results['bad'], ValueError)


def test_a_failure_of_all_is_raised_in_each_and_the_next_is_served():
    calls = []

    def answer(items):
        calls.append(items)
        if len(calls) == 1:
            raise RuntimeError('lost')
        return ['fine'] * len(items)

    batches = Batches(answer)
    with pytest.raises(RuntimeError, match='lost'):
        batches.submit('one')
    assert batches.submit('two') == 'fine'


def test_batches_are_bounded():
    answer, results = Slow(), {}
    batches = Batches(answer)
    threads = [submit(batches, 'first', results)]
    answer.entered.acquire(timeout=30)
    threads += [submit(batches, number, results) for number in range(MAX_BATCH + 3)]
    wait_for(batches, MAX_BATCH + 3)
    answer.go.release(3)
    for thread in threads:
        thread.join(30)
    assert [len(batch) for batch in answer.batches] == [1, MAX_BATCH, 3]
    assert len(results) == MAX_BATCH + 4
