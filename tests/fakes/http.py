"""What our fakes of neighbours answer with: as much of a `requests` response as our clients use."""

import json
from collections.abc import Iterator
from typing import Any


class Response:
    def __init__(self, status_code: int, body: Any = None, content: bytes = b''):
        self.status_code = status_code
        self.content = content if body is None else json.dumps(body).encode()

    @property
    def text(self) -> str:
        return self.content.decode(errors='replace')

    def json(self) -> Any:
        return json.loads(self.content)

    def iter_content(self, size: int) -> Iterator[bytes]:
        for start in range(0, len(self.content), size):
            yield self.content[start : start + size]

    def close(self) -> None:
        pass
