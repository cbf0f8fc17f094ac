"""Answer together the requests that arrive while others are being answered."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

MAX_BATCH = 64


class Batches:
    """A group commit: the first request is answered at once; those that come meanwhile are answered in one go after it.

    Whoever waits first answers for all: no thread of our own, and nobody waits for company. `answer` takes a list and
    returns a result for each, which may be an exception to raise.
    """

    def __init__(self, answer: Callable[[Sequence[Any]], Sequence[Any]]):
        self._answer = answer
        self._waiting: deque[_Ticket] = deque()
        self._busy = False
        self._lock = threading.Lock()

    def submit(self, item: Any) -> Any:
        ticket = _Ticket(item)
        with self._lock:
            self._waiting.append(ticket)
            leads = not self._busy
            self._busy = True
        if not leads:
            ticket.woken.wait()
        if not ticket.answered:
            self._lead()
        if isinstance(ticket.result, BaseException):
            raise ticket.result
        return ticket.result

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def _lead(self) -> None:
        with self._lock:
            batch = [self._waiting.popleft() for _ticket in range(min(MAX_BATCH, len(self._waiting)))]
        try:
            results = self._answer([ticket.item for ticket in batch])
        except BaseException as failure:
            # Even then those who wait must be told, and the next be let in.
            results = [failure] * len(batch)
        for ticket, result in zip(batch, results, strict=True):
            ticket.result, ticket.answered = result, True
            ticket.woken.set()
        with self._lock:
            self._busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].woken.set()


class _Ticket:
    def __init__(self, item: Any):
        self.item = item
        self.woken = threading.Event()
        self.answered = False
        self.result: Any = None
