"""Give guests with a TPM the secret that it is encrypted with, out of the key manager; delete it when they are gone."""

import contextlib
import logging
import os
import secrets
from collections.abc import Iterator
from typing import Any

from nova import errors
from nova.clients.keys import KeyClient
from nova.domain.guest import Guest
from nova.domain.guest_wishes import Wishes
from nova.domain.lifecycle import Power

LOG = logging.getLogger(__name__)

SECRET_BYTES = 48
STARTED = frozenset({Power.RUNNING, Power.PAUSED})


class Tpms:
    """`directory` keeps which secrets are to be deleted: a key manager that is away keeps nobody waiting."""

    def __init__(self, hypervisor: Any, keys: KeyClient, directory: str):
        self._hypervisor, self._keys, self._directory = hypervisor, keys, directory

    def unlock(self, guest: Guest) -> None:
        """Have the guest's secret ready for its next start; one is made for a guest that has none yet."""
        if not _has_tpm(guest):
            return
        key_id = self._hypervisor.tpm_key(guest.id)
        if key_id is None:
            key_id = self._keys.store(f'TPM of server {guest.id}', secrets.token_urlsafe(SECRET_BYTES).encode())
            self._hypervisor.keep_tpm_key(guest.id, key_id)
        self._hypervisor.unlock_tpm(guest.id, key_id, self._secret(key_id))

    def unlock_to_start(self, guest: Guest) -> None:
        """The same, unless the guest has been started: it goes on without."""
        if _has_tpm(guest):
            seen = self._hypervisor.observe(guest.id)
            if seen is None or seen.power not in STARTED:
                self.unlock(guest)

    def _secret(self, key_id: str) -> bytes:
        try:
            return self._keys.get(key_id)
        except errors.NotFound as missing:
            raise errors.Conflict(
                f"The secret {key_id} of the server's TPM is not in the key manager any more, so the TPM cannot be "
                'unlocked; an administrator has to put it back.'
            ) from missing

    @contextlib.contextmanager
    def leaving(self, guest_id: str) -> Iterator[None]:
        """While this holds the guest's files are removed; afterwards nobody needs its secret."""
        key_id = self._hypervisor.tpm_key(guest_id)
        if key_id is not None:
            self._note(key_id, guest_id)
        yield
        if key_id is not None:
            self._delete(key_id)

    def sweep(self) -> None:
        """Delete the secrets of guests that are gone, of which the key manager has not been told yet."""
        for key_id in self._noted():
            with open(self._path(key_id), encoding='utf-8') as file:
                guest_id = file.read()
            if self._hypervisor.tpm_key(guest_id) != key_id and not self._delete(key_id):
                return

    def _delete(self, key_id: str) -> bool:
        try:
            self._keys.delete(key_id)
        except errors.NovaError as failure:
            LOG.warning('The secret %s of a TPM that is gone is to be deleted later: %s', key_id, failure)
            return False
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(key_id))
        return True

    def _note(self, key_id: str, guest_id: str) -> None:
        os.makedirs(self._directory, exist_ok=True)
        part = f'{self._path(key_id)}.part'
        with open(part, 'w', encoding='utf-8') as file:
            file.write(guest_id)
        os.rename(part, self._path(key_id))

    def _noted(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self._directory) if not name.endswith('.part'))
        except FileNotFoundError:
            return []

    def _path(self, key_id: str) -> str:
        return os.path.join(self._directory, key_id)


def _has_tpm(guest: Guest) -> bool:
    return Wishes(guest.server.flavor.extra_specs, guest.server.image_properties).tpm() is not None
