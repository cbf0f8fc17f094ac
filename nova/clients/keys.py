"""Keep secrets in the key manager that [key_manager] names, as this service and for nobody else to read."""

from typing import Any

from oslo_config import cfg

from nova import errors


class KeyClient:
    """Secrets by the ids that the key manager gives them. It is found when it is first needed.

    A host has no user's token, nor should it be given one: what it keeps for a guest is the service's own.
    """

    def __init__(self, conf: cfg.ConfigOpts):
        self._conf = conf
        self._manager: Any = None
        self._credential: Any = None

    def store(self, name: str, secret: bytes) -> str:
        from castellan.common.objects.passphrase import Passphrase

        return self._ask(lambda manager, who: manager.store(who, Passphrase(secret, name=name)))

    def get(self, key_id: str) -> bytes:
        return self._ask(lambda manager, who: manager.get(who, key_id).get_encoded())

    def delete(self, key_id: str) -> None:
        """Make the secret not exist. One that is not there is fine."""
        try:
            self._ask(lambda manager, who: manager.delete(who, key_id))
        except errors.NotFound:
            return

    def _ask(self, question: Any) -> Any:
        manager = self._found()
        from castellan.common import exception

        try:
            return question(manager, self._credential)
        except (exception.ManagedObjectNotFoundError, KeyError) as missing:
            raise errors.NotFound('The key manager does not have the secret any more.') from missing
        except Exception as failure:
            # Its back ends raise errors of all kinds, of which none is for users.
            raise errors.HostFailed(
                f'The key manager cannot be used; see [key_manager] on this host. {failure}'
            ) from failure

    def _found(self) -> Any:
        if self._manager is None:
            try:
                from castellan import key_manager, options
                from castellan.common import utils
            except ImportError as missing:
                raise errors.NotImplementedHere(
                    'This host has no key manager: castellan is not installed. Install nova[tpm].'
                ) from missing
            options.set_defaults(self._conf)
            try:
                self._credential = utils.credential_factory(conf=self._conf)
                self._manager = key_manager.API(self._conf)
            except Exception as failure:
                raise errors.NotImplementedHere(
                    f'This host has no key manager that can be used; see [key_manager]. {failure}'
                ) from failure
        return self._manager
