"""Simulate TPMs: what is in one is of use only with the secret that it was made with."""

import dataclasses
import hashlib
import json
from pathlib import Path

from nova import errors
from nova.domain.guest import Guest
from nova.domain.guest_wishes import Wishes
from nova.virt.fake.simulation import write_whole

SUFFIX = '.tpm'


@dataclasses.dataclass(frozen=True)
class Module:
    """Which secret it needs, and what that one looks like from outside; None while it was never used."""

    key_id: str
    seal: str | None = None


class Modules:
    """Secrets are held in memory alone, as libvirt holds them; modules are in a file each if there is a directory."""

    def __init__(self, directory: Path | None = None):
        self._directory = directory
        self._modules: dict[str, Module] = {}
        self._secrets: dict[str, tuple[str, bytes]] = {}
        for path in sorted(directory.glob(f'*{SUFFIX}')) if directory else ():
            self._modules[path.stem] = Module(**json.loads(path.read_text()))

    def guests(self) -> tuple[str, ...]:
        return tuple(self._modules)

    def key_of(self, guest_id: str) -> str | None:
        module = self._modules.get(guest_id)
        return module and module.key_id

    def keep_key(self, guest_id: str, key_id: str) -> None:
        self._keep(guest_id, Module(key_id))

    def unlock(self, guest_id: str, key_id: str, secret: bytes) -> None:
        self._secrets[guest_id] = key_id, secret

    def power_on(self, guest: Guest) -> None:
        """Errors: `HostFailed` if the guest shall have a TPM, and its secret is not held or is another."""
        if Wishes(guest.server.flavor.extra_specs, guest.server.image_properties).tpm() is None:
            return
        module = self._modules.get(guest.id)
        key_id, secret = self._secrets.get(guest.id, (None, b''))
        if module is None or key_id != module.key_id:
            raise errors.HostFailed(f'The TPM of guest {guest.id} is locked: this host does not hold its secret.')
        seal = hashlib.sha256(secret).hexdigest()
        if module.seal not in (None, seal):
            raise errors.HostFailed(f'The TPM of guest {guest.id} was made with another secret.')
        self._keep(guest.id, Module(key_id, seal))

    def renew(self, guest_id: str) -> None:
        """Empty the guest's TPM, for another system to use it."""
        if guest_id in self._modules:
            self._keep(guest_id, Module(self._modules[guest_id].key_id))

    def remove(self, guest_id: str) -> None:
        self._secrets.pop(guest_id, None)
        if self._modules.pop(guest_id, None) and self._directory:
            self._file(guest_id).unlink(missing_ok=True)

    def _keep(self, guest_id: str, module: Module) -> None:
        if self._directory:
            write_whole(self._file(guest_id), json.dumps(dataclasses.asdict(module)))
        self._modules[guest_id] = module

    def _file(self, guest_id: str) -> Path:
        return self._directory / f'{guest_id}{SUFFIX}'
