"""Kill one daemon after the other, in the middle of what was asked for last."""

import contextlib
import os
import random
import signal
import threading
from collections.abc import Callable

from nova.standalone import processes
from tools.trials.site import Site
from tools.trials.tally import Tallies

OURS = ('nova-api', 'nova-scheduler', 'nova-conductor', 'nova-compute', 'nova-network', 'nova-novncproxy')
NEIGHBOURS = ('rabbitmq', 'keystone', 'glance', 'placement', 'libvirtd')
# Those that are many processes of which each could live on: they are killed as a machine that loses its power would.
KILLED_WHOLE = ('rabbitmq',)


class Killer:
    """Waits `pause` seconds on average, then for the next request, then up to `longest` more, and kills."""

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
            self._kill()

    def stop(self) -> None:
        self._stopping.set()
        self.asked.set()

    def _kill(self) -> None:
        running = [
            entry
            for entry in self._site.cloud.supervision.status()
            if entry['pid'] and entry['name'].startswith(self._killable)
        ]
        kinds = sorted({_kind(entry['name']) for entry in running})
        kind = self._chance.choice(kinds)
        victim = self._chance.choice([entry for entry in running if _kind(entry['name']) == kind])
        whole = victim['name'] in KILLED_WHOLE
        for pid in processes.family(victim['pid']) if whole else {victim['pid']}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._tallies.killed(kind)
        self._say(f'killed {victim["name"]}')


def _kind(name: str) -> str:
    """Hosts count as one: what they are is the same, however many there are."""
    return 'nova-compute' if name.startswith('nova-compute') else name
