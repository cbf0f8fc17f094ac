"""Give guests with a TPM the secret that it is encrypted with, out of the key manager."""

import logging
import secrets
from typing import Any

from nova import errors
from nova.clients.keys import KeyClient
from nova.domain.guest import Guest
from nova.domain.guest_wishes import Wishes
from nova.virt import driver

LOG = logging.getLogger(__name__)

SECRET_BYTES = 48


def unlock(keys: KeyClient, hypervisor: Any, guest: Guest) -> None:
    """Have the guest's secret ready for its start; one is made for a guest that has none yet."""
    wishes = Wishes(guest.server.flavor.extra_specs, guest.server.image_properties)
    if wishes.tpm() is None or not isinstance(hypervisor, driver.Tpms):
        return
    key_id = hypervisor.tpm_key(guest.id)
    if key_id is None:
        key_id = keys.store(f'TPM of server {guest.id}', secrets.token_urlsafe(SECRET_BYTES).encode())
        hypervisor.keep_tpm_key(guest.id, key_id)
    hypervisor.unlock_tpm(guest.id, key_id, keys.get(key_id))


def key_of(hypervisor: Any, guest_id: str) -> str | None:
    return hypervisor.tpm_key(guest_id) if isinstance(hypervisor, driver.Tpms) else None


def forget(keys: KeyClient, key_id: str) -> None:
    """Delete the secret of a guest that is gone. One that stays is of no use to anybody, and keeps nobody waiting."""
    try:
        keys.delete(key_id)
    except errors.NovaError as failure:
        LOG.warning('The secret %s of a TPM that is gone was not deleted: %s', key_id, failure)
