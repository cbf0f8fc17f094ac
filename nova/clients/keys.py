"""Keep secrets in the key manager that [key_manager] names, as this service and for nobody else to read."""

import concurrent.futures
import logging
import threading
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from nova import errors

LOG = logging.getLogger(__name__)

# Seconds that an answer is waited for. castellan sets no limit: a key manager that hangs would hold a host up for ever.
PATIENCE = 30.0
AWAY = 'The key manager, which keeps the secrets of TPMs, cannot be used just now; try again later.'


class KeyClient:
    """Secrets by the ids that the key manager gives them. It is found when it is first needed.

    A host has no user's token, nor should it be given one: what it keeps for a guest is the service's own.
    """

    def __init__(self, conf: cfg.ConfigOpts, patience: float = PATIENCE):
        self._conf, self._patience = conf, patience
        self._manager: Any = None
        self._credential: Any = None

    def store(self, name: str, secret: bytes) -> str:
        from castellan.common.objects.passphrase import Passphrase

        # What is stored after all, when nobody waits for it any more, would be known to nobody.
        return self._ask(lambda manager, who: manager.store(who, Passphrase(secret, name=name)), too_late=self.delete)

    def get(self, key_id: str) -> bytes:
        return self._ask(lambda manager, who: manager.get(who, key_id).get_encoded())

    def delete(self, key_id: str) -> None:
        """Make the secret not exist. One that is not there is fine."""
        try:
            self._ask(lambda manager, who: manager.delete(who, key_id))
        except errors.NotFound:
            return

    def _ask(self, question: Callable[[Any, Any], Any], too_late: Callable[[Any], None] | None = None) -> Any:
        manager = self._found()
        from castellan.common import exception

        answer = _aside(lambda: question(manager, self._credential))
        try:
            return answer.result(self._patience)
        except (exception.ManagedObjectNotFoundError, KeyError) as missing:
            raise errors.NotFound('The key manager does not have the secret any more.') from missing
        except Exception as failure:
            # Its back ends raise errors of all kinds, of which none is for users.
            LOG.warning(
                'The key manager did not do what it was asked; see [key_manager]: %s', str(failure) or 'no answer'
            )
            if too_late:
                answer.add_done_callback(lambda done: done.exception() or too_late(done.result()))
            raise errors.Unavailable(AWAY) from failure

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


def _aside(work: Callable[[], Any]) -> concurrent.futures.Future:
    """Do this in a thread that nothing waits for at the end of the process."""
    answer: concurrent.futures.Future = concurrent.futures.Future()

    def do() -> None:
        try:
            done = work()
        except Exception as failure:
            answer.set_exception(failure)
        else:
            answer.set_result(done)

    threading.Thread(target=do, name='key-manager', daemon=True).start()
    return answer
