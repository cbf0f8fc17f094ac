"""Read the end of a console log, however long the log is."""

import os

# More than this is never given out.
MOST = 100 * 1024


def tail(path: str, lines: int | None = None, most: int = MOST) -> bytes:
    """The last lines of the log, or all that is kept. libvirt's log daemon moves older output to `path.0`."""
    kept = _end(path, most)
    if len(kept) < most:
        kept = _end(f'{path}.0', most - len(kept)) + kept
    if lines is None:
        return kept
    return b''.join(kept.splitlines(keepends=True)[-lines:]) if lines > 0 else b''


def _end(path: str, most: int) -> bytes:
    try:
        with open(path, 'rb') as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - most))
            return file.read(most)
    except FileNotFoundError:
        return b''
