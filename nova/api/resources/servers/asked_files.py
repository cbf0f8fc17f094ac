"""What a request gives its server's guest to read: user data, and until 2.56 files."""

import base64
from typing import Any

from nova import errors
from nova.api import quota
from nova.api.request import Request
from nova.domain.server import InjectedFile


def user_data(body: dict[str, Any]) -> str | None:
    return _unbroken(body.get('user_data') or '') or None


def wanted(request: Request) -> tuple[InjectedFile, ...]:
    """The files of `personality`, as many and as large as the quota allows. The guest finds them on its config drive."""
    given = request.body.get('personality') or ()
    if not given:
        return ()
    files = tuple(InjectedFile(entry['path'], _unbroken(entry['contents'])) for entry in given)
    with request.databases.api.reading() as tx:
        allowed = quota.limits(tx, request.settings, request.context.project_id)
    longest_path = max(len(file.path.encode()) for file in files)
    largest = max(len(base64.b64decode(file.contents)) for file in files)
    if _beyond(len(files), allowed['injected_files']):
        raise errors.OverQuota('Personality file limit exceeded')
    if _beyond(longest_path, allowed['injected_file_path_bytes']):
        raise errors.OverQuota(f'Personality file path exceeds maximum {allowed["injected_file_path_bytes"]}')
    if _beyond(largest, allowed['injected_file_content_bytes']):
        raise errors.OverQuota(f'Personality file content exceeds maximum {allowed["injected_file_content_bytes"]}')
    return files


def _unbroken(text: str) -> str:
    """Base64 without line breaks, so that every decoder reads it alike."""
    return ''.join(text.split())


def _beyond(amount: int, limit: int) -> bool:
    return limit != quota.UNLIMITED and amount > limit
