"""Run the commands of a client one after another in one process: to load it takes longer than most commands.

Used as a program, by the Python that has the client: the module of its `main`, then a line of JSON for each command.
"""

import contextlib
import importlib
import io
import json
import subprocess
import sys
from pathlib import Path


class ClientShell:
    """A client that waits for commands."""

    def __init__(self, python: Path, module: str, environment: dict[str, str]):
        self._process = subprocess.Popen(
            [python, __file__, module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            encoding='utf-8',
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The status of a command, what it prints, and what it complains about."""
        print(json.dumps(arguments), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, 'The client has ended.'
        return tuple(json.loads(answer))

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


def _serve(module: str) -> None:
    client, lines, answers = importlib.import_module(module), sys.stdin, sys.stdout
    # Whoever asks for more gets nothing.
    sys.stdin = io.StringIO()
    for line in lines:
        printed, complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
            status = _status(client.main, json.loads(line))
        print(json.dumps((status, printed.getvalue(), complained.getvalue())), file=answers, flush=True)


def _status(main, arguments) -> int:
    try:
        return main(arguments) or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as failure:
        print(failure, file=sys.stderr)
        return 1


if __name__ == '__main__':
    _serve(sys.argv[1])
