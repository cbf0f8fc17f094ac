"""A key manager in memory behind the interface of nova.clients.keys.KeyClient."""

import uuid

from nova import errors
from nova.clients.keys import AWAY


class FakeKeys:
    """`kept`: by id, what each secret is called and what it is. While it is `away` it does nothing."""

    def __init__(self):
        self.kept: dict[str, tuple[str, bytes]] = {}
        self.away = False
        # How often a secret was given out.
        self.read = 0

    def names(self) -> list[str]:
        return sorted(name for name, _secret in self.kept.values())

    def store(self, name: str, secret: bytes) -> str:
        self._answer()
        key_id = str(uuid.uuid4())
        self.kept[key_id] = name, secret
        return key_id

    def get(self, key_id: str) -> bytes:
        self._answer()
        if key_id not in self.kept:
            raise errors.NotFound('The key manager does not have the secret any more.')
        self.read += 1
        return self.kept[key_id][1]

    def delete(self, key_id: str) -> None:
        self._answer()
        self.kept.pop(key_id, None)

    def _answer(self) -> None:
        if self.away:
            raise errors.Unavailable(AWAY)
