"""A user's public key, which a server lets in."""

import dataclasses
import datetime


@dataclasses.dataclass(frozen=True)
class KeyPair:
    """`type` is `ssh` or `x509`; the fingerprint is of the public key or certificate."""

    name: str
    user_id: str
    public_key: str
    fingerprint: str
    type: str = 'ssh'
    id: int | None = None
    created_at: datetime.datetime | None = None
