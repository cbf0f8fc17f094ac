"""Keep verified copies of images on this host: each is fetched once, however many guests wait for it."""

import contextlib
import dataclasses
import errno
import hashlib
import logging
import os
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from nova import errors
from nova.clients.image import ImageClient
from nova.context import Context, admin_context
from nova.domain import image_format
from nova.domain.guest import Guest
from nova.domain.image import Image

LOG = logging.getLogger(__name__)

GIB = 1 << 30
CONVERTED = frozenset({'qcow2', 'vmdk', 'vdi', 'vhd', 'vhdx'})
PLAIN = frozenset({'raw', 'iso', 'ami', 'aki', 'ari'})
CONVERT_TIMEOUT = 3600
# A directory beside the files: for each guest the name of the file that it was made from.
USERS = 'users'


@dataclasses.dataclass(frozen=True)
class Conversion:
    """How `qemu-img` is held in check: a crafted image must not take the host's memory or time."""

    memory_gib: int = 2
    timeout: float = CONVERT_TIMEOUT


class ImageCache:
    """Files under `directory`, named by the SHA-1 of the image's id; a `.part` is one that is being made.

    A file that is there is complete and was verified. It is looked at again each time that a guest gets it.
    """

    def __init__(
        self,
        directory: str,
        client: ImageClient,
        force_raw: bool = True,
        conversion: Conversion | None = None,
        max_conversions: int = 0,
        vmdk_types: Collection[str] = tuple(image_format.VMDK_TYPES),
    ):
        self._vmdk_types = vmdk_types
        self._directory, self._client, self._force_raw = Path(directory), client, force_raw
        self._conversion = conversion or Conversion()
        self._turns = threading.BoundedSemaphore(max_conversions) if max_conversions else contextlib.nullcontext()
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self.fetched = 0

    @property
    def client(self) -> ImageClient:
        return self._client

    def as_kept(self, image: Image) -> Image:
        """The image with the format that its file here has."""
        return dataclasses.replace(image, disk_format='raw') if self._converts(image) else image

    def path(self, image: Image, disk_gb: int = 0, guest_id: str | None = None) -> str:
        """The file with the image's verified data, in the format of `as_kept`; fetched from Glance if need be.

        `image` is as Glance describes it; its disk must not be larger than `disk_gb`, if that is given. The file stays
        as long as the guest does. Errors: ImageUnacceptable, NotFound, ServiceDown, HostFailed.
        """
        if not image.disk_format:
            raise errors.ImageUnacceptable(f'Image {image.id} has no disk format.')
        path = self._directory / self._name(image)
        with self._lock_of(path.name), self._used_by(guest_id, path.name):
            if path.exists():
                self._inspect(path, image, self.as_kept(image).disk_format, disk_gb)
                os.utime(path)
            else:
                self._fetch(image, path, disk_gb)
        return str(path)

    def prefetch(self, context: Context, image_id: str) -> bool:
        """Have the image here before a guest needs it; whether it had to be fetched. Errors as of `path`."""
        image = self._client.get(context, image_id)
        here = (self._directory / self._name(image)).exists()
        self.path(image)
        return not here

    def clean(self) -> None:
        """Remove what an interrupted fetch has left. To be called before the first guest."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for part in self._directory.glob('*.part'):
            part.unlink(missing_ok=True)

    def expire(self, guest_ids: Collection[str], min_age: float) -> list[str]:
        """Remove the files that none of these guests was made from and that were last used `min_age` seconds ago."""
        users = self._directory / USERS
        for note in users.glob('*'):
            # A guest that is being made may not be known yet; its note is new.
            if note.name not in guest_ids and _age(note) >= min_age:
                note.unlink(missing_ok=True)
        used = {name for note in users.glob('*') for name in _names_in(note)}
        removed = []
        for path in self._directory.glob('*'):
            if path.name in used or path.suffix == '.part' or not path.is_file():
                continue
            with self._lock_of(path.name):
                if _age(path) >= min_age:
                    path.unlink(missing_ok=True)
                    removed.append(path.name)
        return removed

    def settle(self, guest_id: str, image: Image | None) -> None:
        """Note that of all the images it ever got the guest uses this one alone from now on."""
        name = self._name(image) if image and image.disk_format else None
        if name and name in _names_in(self._directory / USERS / guest_id):
            self._note(guest_id, (name,))

    @contextlib.contextmanager
    def _used_by(self, guest_id: str | None, name: str) -> Iterator[None]:
        """Note that the guest uses the file, beside others, unless it turns out that it cannot."""
        before = _names_in(self._directory / USERS / guest_id) if guest_id else ()
        if guest_id is None or name in before:
            yield
            return
        self._note(guest_id, (*before, name))
        try:
            yield
        except errors.NovaError:
            self._note(guest_id, before)
            raise

    def _note(self, guest_id: str, names: tuple[str, ...]) -> None:
        """Write down which files the guest uses; what was written before stays if that fails."""
        note, part = self._directory / USERS / guest_id, self._directory / f'{guest_id}.part'
        try:
            if not names:
                note.unlink(missing_ok=True)
                return
            note.parent.mkdir(parents=True, exist_ok=True)
            part.write_text('\n'.join(names))
            os.replace(part, note)
        except OSError as failure:
            part.unlink(missing_ok=True)
            raise errors.HostFailed(
                f'What image guest {guest_id} uses cannot be noted in {self._directory}: {failure}'
            ) from failure

    def _name(self, image: Image) -> str:
        digest = hashlib.sha1(image.id.encode(), usedforsecurity=False).hexdigest()
        kept = self.as_kept(image).disk_format
        return digest if kept in PLAIN else f'{digest}.{kept}'

    def _converts(self, image: Image) -> bool:
        return self._force_raw and image.disk_format in CONVERTED

    def _lock_of(self, name: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(name, threading.Lock())

    def _fetch(self, image: Image, path: Path, disk_gb: int) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        part = self._part(path)
        try:
            self._download(image, part)
            facts = self._inspect(part, image, image.disk_format, disk_gb)
            if self._converts(image):
                part = self._convert(facts.qemu_format, part, self._part(path))
                self._inspect(part, image, 'raw', disk_gb)
            os.chmod(part, 0o644)
            os.replace(part, path)
        except OSError as failure:
            raise errors.HostFailed(
                f'Image {image.id} could not be stored in {self._directory}: {failure}'
            ) from failure
        finally:
            for left in self._directory.glob(f'{path.name}.*.part'):
                left.unlink(missing_ok=True)
        self.fetched += 1
        LOG.info('Fetched image %s (%d bytes) as %s.', image.id, image.size, path.name)

    def _part(self, path: Path) -> Path:
        return path.with_name(f'{path.name}.{uuid.uuid4().hex}.part')

    def _download(self, image: Image, part: Path) -> None:
        algorithm, expected = _digest_of(image)
        digest = hashlib.new(algorithm, usedforsecurity=False) if algorithm else None
        with open(part, 'wb') as file:
            for chunk in _bounded(self._client.download(image.id), image):
                file.write(chunk)
                if digest:
                    digest.update(chunk)
            file.flush()
            # A file with its final name must be whole even after the host has lost its power.
            os.fsync(file.fileno())
        if digest and digest.hexdigest() != expected:
            self._client.forget(image.id)
            raise errors.HostFailed(
                f'Image {image.id} arrived with another {algorithm} checksum than Glance names. It was not kept.'
            )

    def _inspect(self, path: Path, image: Image, claimed: str, disk_gb: int) -> image_format.ImageFacts:
        with open(path, 'rb') as file:
            facts = image_format.inspect(file)
        try:
            image_format.check_safe(facts, claimed)
        except errors.ImageUnacceptable as failure:
            raise errors.ImageUnacceptable(f'Image {image.id} is not accepted: {failure}') from failure
        if facts.format == 'vmdk' and facts.kind not in self._vmdk_types:
            raise errors.ImageUnacceptable(
                f'Image {image.id} is vmdk of the type {facts.kind}, which this host does not take.'
            )
        if disk_gb and facts.virtual_size > disk_gb * GIB:
            raise errors.ImageUnacceptable(
                f'Image {image.id} holds a disk of {facts.virtual_size} bytes; the flavor gives {disk_gb} GB.'
            )
        return facts

    def _convert(self, kind: str, source: Path, target: Path) -> Path:
        with self._turns:
            _qemu_img_convert(kind, source, target, self._conversion)
        source.unlink()
        return target


def source_of(images: ImageCache, guest: Guest, image: Image | None = None) -> tuple[Guest, Callable[[Any], str]]:
    """The guest with its image as it is kept here (or with this one instead), and what makes that available, or another
    image that this one needs."""
    image = image or guest.image
    if image is None:
        return guest, _no_image

    def source(wanted: Image) -> str:
        if wanted.id != image.id:
            return images.path(images.client.get(admin_context(), wanted.id))
        # An image that goes is kept for nobody.
        return images.path(image, guest.server.flavor.disk_gb, guest.id if guest.image_stays else None)

    return dataclasses.replace(guest, image=images.as_kept(image)), source


def _no_image(_image: Any) -> str:
    raise errors.HostFailed('The guest has no image.')


def _names_in(note: Path) -> tuple[str, ...]:
    """The files that a guest was made from."""
    try:
        return tuple(note.read_text().split())
    except FileNotFoundError:
        return ()


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _digest_of(image: Image) -> tuple[str | None, str | None]:
    if image.hash_algorithm in hashlib.algorithms_available and image.hash_value:
        return image.hash_algorithm, image.hash_value
    return ('md5', image.checksum) if image.checksum else (None, None)


def _bounded(chunks: Iterator[bytes], image: Image) -> Iterator[bytes]:
    """The data, but not more of it than Glance has announced."""
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if image.size and received > image.size:
            raise errors.HostFailed(f'Image {image.id} is larger than the {image.size} bytes that Glance names.')
        yield chunk
    if image.size and received < image.size:
        raise errors.ServiceDown(f'Glance sent {received} of {image.size} bytes of image {image.id}.')


def _qemu_img_convert(kind: str, source: Path, target: Path, limits: Conversion) -> None:
    command = ['prlimit', f'--as={limits.memory_gib * GIB}', 'qemu-img', 'convert', '-f', kind, '-O', 'raw']
    command += [str(source), str(target)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limits.timeout, check=False)
    except FileNotFoundError as failure:
        raise errors.HostFailed(f'{failure.filename} is not installed on this host.') from failure
    except subprocess.TimeoutExpired as failure:
        raise errors.HostFailed(
            f'Converting an image took longer than {limits.timeout:g} s and was stopped.'
        ) from failure
    if done.returncode:
        said = done.stderr.decode(errors='replace').strip()[:500]
        if os.strerror(errno.ENOSPC) in said:
            raise errors.HostFailed(f'There is no room on this host to convert the image: {said}')
        raise errors.ImageUnacceptable(f'The image could not be converted from {kind} to raw: {said}')
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
