"""Refuse to a server with a TPM what would lose what is in it: the TPM stays on its host, and is of one version."""

from nova import errors
from nova.domain.flavor import Flavor
from nova.domain.guest_wishes import Tpm, Wishes
from nova.domain.server import Server


def refuse_leaving(server: Server, what: str) -> None:
    """`what`: that the server would be, by which it leaves its host."""
    if _tpm(server, server.flavor):
        raise errors.Conflict(f'Server {server.id} has a TPM, whose content stays on its host; it cannot be {what}.')


def refuse_other_version(server: Server, flavor: Flavor) -> None:
    had, wanted = _tpm(server, server.flavor), _tpm(server, flavor)
    if had and wanted and had.version != wanted.version:
        raise errors.Invalid(
            f'Server {server.id} has a TPM of the version {had.version}, which a flavor cannot change to {wanted.version}.'
        )


def _tpm(server: Server, flavor: Flavor) -> Tpm | None:
    return Wishes(flavor.extra_specs, server.image_properties).tpm()
