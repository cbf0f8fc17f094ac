"""Remember which secret a guest's TPM is encrypted with, and have libvirt know it."""

import os
from collections.abc import Callable

from nova.virt.libvirt import tpm
from nova.virt.libvirt.connection import Connection

# In a guest's directory: the key manager's id of its secret.
KEY_FILE = 'tpm.key'


class TpmKeys:
    """Which secret each guest's module is encrypted with. What a secret is libvirt keeps in memory alone."""

    def __init__(self, connection: Connection, directory: Callable[[str], str]):
        self._connection, self._directory = connection, directory

    def of(self, guest_id: str) -> str | None:
        try:
            with open(os.path.join(self._directory(guest_id), KEY_FILE), encoding='ascii') as file:
                return file.read().strip() or None
        except FileNotFoundError:
            return None

    def keep(self, guest_id: str, key_id: str) -> None:
        directory = self._directory(guest_id)
        os.makedirs(directory, exist_ok=True)
        part = os.path.join(directory, f'{KEY_FILE}.part')
        with open(part, 'w', encoding='ascii') as file:
            file.write(key_id)
        os.rename(part, os.path.join(directory, KEY_FILE))

    def unlock(self, guest_id: str, key_id: str, secret: bytes) -> None:
        self._connection.hold_secret(tpm.secret_xml(key_id, guest_id), secret)

    def forget(self, guest_id: str) -> None:
        if key_id := self.of(guest_id):
            self._connection.forget_secret(key_id)
