"""Remember simulated guests: in memory and, if they shall outlive the process, in a file each."""

import dataclasses
import json
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nova import errors
from nova.domain.lifecycle import Power


@dataclasses.dataclass
class Simulated:
    """One guest."""

    id: str
    name: str
    power: Power
    log: str = ''
    wishes: dict[str, str] = dataclasses.field(default_factory=dict)
    # What is on its disk.
    disk: str = ''
    # What was made for a rebuild, and did not replace its disk yet.
    prepared: str | None = None
    # What is on the disk that it is rescued from.
    rescue_disk: str | None = None
    # Its disks in GB, root and ephemeral ones, and of swap in MB; None while nobody has asked for other sizes.
    sizes: list[int] | None = None
    # What was on its disk, and the sizes, when it was resized.
    aside: tuple[str, list[int]] | None = None
    # The ports that are plugged in.
    interfaces: Sequence[str] = ()
    # The name of the power that it has again when an image has been made of it.
    saved_as: str | None = None

    def refuse_running(self) -> None:
        if self.power not in (Power.SHUTDOWN, Power.CRASHED):
            raise errors.HostFailed(f'Guest {self.id} is not off, so its disks cannot be exchanged.')


class Simulation:
    """The guests of one host. A guest is never changed in place: what was found stays as it was found."""

    def __init__(self, directory: Path | None = None):
        self._directory = directory
        self._guests: dict[str, Simulated] = {}
        self._lock = threading.Lock()
        if directory:
            directory.mkdir(parents=True, exist_ok=True)
            self._read_all(directory)

    def all(self) -> tuple[Simulated, ...]:
        with self._lock:
            return tuple(self._guests.values())

    def find(self, guest_id: str) -> Simulated | None:
        with self._lock:
            return self._guests.get(guest_id)

    def get(self, guest_id: str) -> Simulated:
        """Errors: `NotFound`."""
        found = self.find(guest_id)
        if found is None:
            raise errors.NotFound(f'There is no guest {guest_id} on this host.')
        return found

    def keep(self, known: Simulated, **changes: Any) -> Simulated:
        """Have the guest so, with these changes; as it is then."""
        known = dataclasses.replace(known, **changes)
        self._write(known)
        with self._lock:
            self._guests[known.id] = known
        return known

    def forget(self, guest_id: str) -> None:
        if self._directory:
            self._file(guest_id).unlink(missing_ok=True)
        with self._lock:
            self._guests.pop(guest_id, None)

    def _file(self, guest_id: str) -> Path:
        return self._directory / f'{guest_id}.json'

    def _write(self, known: Simulated) -> None:
        if self._directory:
            write_whole(self._file(known.id), json.dumps({**dataclasses.asdict(known), 'power': known.power.value}))

    def _read_all(self, directory: Path) -> None:
        for part in directory.glob('*.part'):
            part.unlink(missing_ok=True)
        for path in sorted(directory.glob('*.json')):
            found: dict[str, Any] = json.loads(path.read_text())
            self._guests[found['id']] = Simulated(**{**found, 'power': Power(found['power'])})


def write_whole(path: Path, text: str) -> None:
    """Nobody ever finds half of it."""
    with tempfile.NamedTemporaryFile('w', dir=path.parent, suffix='.part', delete=False) as file:
        file.write(text)
    os.replace(file.name, path)
