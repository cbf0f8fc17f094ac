"""A request that may be sent twice: who carries it out, and its answer once there is one."""

import dataclasses
import datetime

KEPT_FOR = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class Attempt:
    """`key_hash` is whose request it is, `body_hash` what it asks for. `answer` is unreadable without the key itself."""

    key_hash: str
    body_hash: str
    project_id: str | None
    request_id: str
    attempt: str
    lease_until: datetime.datetime
    created_at: datetime.datetime
    status: int | None = None
    answer: str | None = None
