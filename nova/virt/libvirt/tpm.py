"""Whether guests on this host can have a TPM, and which secret each one's is encrypted with."""

import os
import shutil
from collections.abc import Callable

from nova.virt.libvirt.connection import Connection
from nova.virt.libvirt.domain_xml.tpm import DISABLED, secret_xml
from nova.virt.libvirt.settings import Settings

VERSIONS = ('1.2', '2.0')
PROGRAMS = ('swtpm', 'swtpm_setup')
# In a guest's directory: the key manager's id of its secret.
KEY_FILE = 'tpm.key'


def missing(settings: Settings) -> str | None:
    """Why guests on this host cannot have one; None if they can."""
    if not settings.swtpm_enabled:
        return DISABLED
    lacking = [program for program in PROGRAMS if shutil.which(program) is None]
    return f'{lacking[0]} is not installed on this host; install swtpm and swtpm-tools.' if lacking else None


def traits(settings: Settings) -> frozenset[str]:
    names = {f'COMPUTE_SECURITY_TPM_{version.replace(".", "_")}' for version in VERSIONS}
    names |= {'COMPUTE_SECURITY_TPM_TIS', 'COMPUTE_SECURITY_TPM_CRB'}
    # Of the ways to keep a module's secret the one that the daemons of the cloud see to.
    names.add('COMPUTE_SECURITY_TPM_SECRET_SECURITY_DEPLOYMENT')
    return frozenset() if missing(settings) else frozenset(names)


class Keys:
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
        self._connection.hold_secret(secret_xml(key_id, guest_id), secret)

    def forget(self, guest_id: str) -> None:
        if key_id := self.of(guest_id):
            self._connection.forget_secret(key_id)
