"""Keep copies of simulated disks."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nova.domain.snapshot import Snapshot


class SnapshotFiles:
    """A file for each image, in a folder for each guest; without a `directory` only as long as the process lives."""

    def __init__(self, directory: Path | None = None):
        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix='fake-snapshots-')
        self._directory = (directory or Path(self._temporary.name)) / 'snapshots'

    def take(self, guest_id: str, image_id: str, disk: str) -> Snapshot:
        place = self._directory / guest_id
        place.mkdir(parents=True, exist_ok=True)
        data = disk.encode()
        (place / image_id).write_bytes(data)
        return Snapshot('raw', len(data), len(data))

    def file(self, guest_id: str, image_id: str) -> str | None:
        path = self._directory / guest_id / image_id
        return str(path) if path.exists() else None

    def discard(self, guest_id: str, image_id: str) -> None:
        (self._directory / guest_id / image_id).unlink(missing_ok=True)

    def discard_of(self, guest_id: str) -> None:
        shutil.rmtree(self._directory / guest_id, ignore_errors=True)

    def discard_all(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    def images(self) -> Sequence[str]:
        return sorted(path.name for path in self._directory.glob('*/*'))
