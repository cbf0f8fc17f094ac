"""Kill one daemon after the other, in the middle of what was asked for last."""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable

from nova.standalone import processes, readiness
from tools.trials.site import Site
from tools.trials.tally import Tallies

OURS = ('nova-api', 'nova-scheduler', 'nova-conductor', 'nova-compute', 'nova-network', 'nova-novncproxy')
NEIGHBOURS = ('rabbitmq', 'keystone', 'glance', 'placement', 'libvirtd')
# Those that are many processes of which each could live on: they are killed as a machine that loses its power would.
KILLED_WHOLE = ('rabbitmq',)
# For how many seconds nothing else is killed while a daemon comes back.
BACK_PATIENCE = 60


class Killer:
    """Waits until what it killed is back, `pause` seconds more on average, then for the next request, then up to `longest`
    more, and kills."""

    def __init__(
        self,
        site: Site,
        tallies: Tallies,
        seed: str,
        pause: float,
        longest: float,
        spare_neighbours: bool,
        say: Callable[[str], None],
    ):
        self._site, self._tallies, self._say = site, tallies, say
        self._chance = random.Random(seed)
        self._pause, self._longest = pause, longest
        self._killable = OURS if spare_neighbours else OURS + NEIGHBOURS
        self._stopping = threading.Event()
        self.asked = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(self._chance.expovariate(1 / self._pause)):
            self.asked.clear()
            self.asked.wait(self._pause)
            if self._stopping.wait(self._chance.uniform(0, self._longest)):
                return
            # The supervisor may be too busy to answer.
            with contextlib.suppress(OSError):
                self._wait_until_back(self._kill(), time.monotonic())

    def stop(self) -> None:
        self._stopping.set()
        self.asked.set()

    def _running(self) -> list[dict]:
        return [
            entry
            for entry in self._site.cloud.supervision.status()
            if entry['pid'] and entry['name'].startswith(self._killable)
        ]

    def _kill(self) -> dict:
        running = self._running()
        kind = self._chance.choice(sorted({_kind(entry['name']) for entry in running}))
        victim = self._chance.choice([entry for entry in running if _kind(entry['name']) == kind])
        whole = victim['name'] in KILLED_WHOLE
        for pid in processes.family(victim['pid']) if whole else {victim['pid']}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._tallies.killed(kind)
        self._say(f'killed {victim["name"]}')
        return victim

    def _wait_until_back(self, victim: dict, since: float) -> None:
        """Two that are away at once are worth a trial, too, but not all of them all the time."""
        while time.monotonic() < since + BACK_PATIENCE and not self._stopping.wait(0.5):
            now = next((entry for entry in self._running() if entry['name'] == victim['name']), victim)
            if now['pid'] != victim['pid'] and readiness.ready(now['address'], now['ready_url']):
                return


def _kind(name: str) -> str:
    """Hosts count as one: what they are is the same, however many there are."""
    return 'nova-compute' if name.startswith('nova-compute') else name
