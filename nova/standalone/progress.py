"""Show a person what is being done, how far it is, and how long each step took."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

BAR_AFTER = 2.0  # seconds of silence that a person bears without a sign of life
REDRAW = 0.2
BAR_WIDTH = 24
LINE_WIDTH = 100


class Progress:
    """`with progress.step('Keystone: database'):` prints its title and time when it ends; a terminal also has a bar."""

    def __init__(self, total: int, output: TextIO = sys.stderr, clock=time.monotonic):
        self.total = total
        self.output = output
        self.clock = clock
        self.done = 0
        self.running: dict[str, float] = {}
        self.begun = clock()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._drawn = False

    def __enter__(self):
        self._painter = None
        if self.output.isatty():
            self._painter = threading.Thread(target=self._keep_drawing, daemon=True)
            self._painter.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        if self._painter:
            self._painter.join()
        with self._lock:
            self._wipe()

    @property
    def elapsed(self) -> float:
        return self.clock() - self.begun

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        began = self.clock()
        with self._lock:
            self.running[title] = began
        mark = 'failed'
        try:
            yield
            mark = 'ok'
        finally:
            with self._lock:
                del self.running[title]
                self.done += mark == 'ok'
                self._wipe()
                print(f'  {mark:6} {title:<58} {self.clock() - began:6.1f} s', file=self.output, flush=True)

    def bar(self) -> str:
        filled = BAR_WIDTH * self.done // self.total if self.total else BAR_WIDTH
        names = ', '.join(title for title, _ in sorted(self.running.items(), key=lambda item: item[1]))
        picture = '#' * filled + '-' * (BAR_WIDTH - filled)
        return f'  [{picture}] {self.done}/{self.total}  {self.elapsed:5.1f} s  {names}'[:LINE_WIDTH]

    def _keep_drawing(self) -> None:
        while not self._ended.wait(REDRAW):
            with self._lock:
                if self.running and self.clock() - min(self.running.values()) >= BAR_AFTER:
                    print('\r\x1b[K' + self.bar(), end='', file=self.output, flush=True)
                    self._drawn = True

    def _wipe(self) -> None:
        if self._drawn:
            print('\r\x1b[K', end='', file=self.output, flush=True)
            self._drawn = False
