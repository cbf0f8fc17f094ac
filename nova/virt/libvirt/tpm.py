"""The guest's trusted platform module, which swtpm emulates and keeps encrypted."""

import shutil

from nova import errors
from nova.domain.guest_wishes import Wishes
from nova.virt.libvirt.domain_xml.element import Element, element, write
from nova.virt.libvirt.settings import Settings

VERSIONS = ('1.2', '2.0')
DISABLED = 'This host gives guests no TPM; set [libvirt] swtpm_enabled.'
PROGRAMS = ('swtpm', 'swtpm_setup')


def missing(settings: Settings) -> str | None:
    """Why guests on this host cannot have one; None if they can."""
    if not settings.swtpm_enabled:
        return DISABLED
    lacking = [program for program in PROGRAMS if shutil.which(program) is None]
    return f'{lacking[0]} is not installed on this host; install swtpm and swtpm-tools.' if lacking else None


def traits(settings: Settings) -> frozenset[str]:
    names = {f'COMPUTE_SECURITY_TPM_{version.replace(".", "_")}' for version in VERSIONS}
    names |= {'COMPUTE_SECURITY_TPM_TIS', 'COMPUTE_SECURITY_TPM_CRB'}
    return frozenset() if missing(settings) else frozenset(names)


def device(wishes: Wishes, settings: Settings, secret_id: str | None) -> list[Element]:
    """`secret_id` is of the libvirt secret that the module's state is encrypted with."""
    tpm = wishes.tpm()
    if tpm is None:
        return []
    if not settings.swtpm_enabled:
        raise errors.NotImplementedHere(DISABLED)
    if secret_id is None:
        raise errors.NotImplementedHere(
            'A TPM needs a key manager that keeps its secret, and this cloud has none; set [key_manager] backend.'
        )
    encryption = element('encryption', secret=secret_id)
    backend = element('backend', encryption, type='emulator', version=tpm.version)
    return [element('tpm', backend, model=tpm.model)]


def secret_xml(secret_id: str, guest_id: str) -> str:
    """libvirt's description of the secret: it is kept in memory alone, and shown to nobody."""
    usage = element('usage', element('name', guest_id), type='vtpm')
    return write(element('secret', element('uuid', secret_id), usage, ephemeral='yes', private='yes'))
