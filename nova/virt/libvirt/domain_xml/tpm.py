"""The guest's trusted platform module, which swtpm emulates and keeps encrypted."""

from nova import errors
from nova.domain.guest_wishes import Wishes
from nova.virt.libvirt.domain_xml.element import Element, element, write
from nova.virt.libvirt.settings import Settings

DISABLED = 'This host gives guests no TPM; set [libvirt] swtpm_enabled.'


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
