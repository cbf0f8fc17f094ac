"""Do many steps at once, each as soon as what it needs is done."""

import concurrent.futures
import dataclasses
from collections.abc import Callable, Sequence

from nova.standalone.progress import Progress


@dataclasses.dataclass(frozen=True)
class Task:
    name: str
    title: str
    work: Callable[[], object]
    needs: tuple[str, ...] = ()


def carry_out(tasks: Sequence[Task], progress: Progress, at_once: int = 6) -> None:
    """Run them all; after a failure nothing new begins, and the failure is raised when what runs has ended.

    A need that names no task of this plan counts as met, so a plan may leave parts out.
    """
    names = {task.name for task in tasks}
    waiting = {task.name: task for task in tasks}
    unmet = {task.name: set(task.needs) & names for task in tasks}
    running: dict[concurrent.futures.Future, str] = {}
    failure = None
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        while True:
            if failure is None:
                for name in [name for name in waiting if not unmet[name]]:
                    running[pool.submit(_work, waiting.pop(name), progress)] = name
            if not running:
                break
            ended, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in ended:
                name = running.pop(future)
                failure = failure or future.exception()
                for others in unmet.values():
                    others.discard(name)
    if failure:
        raise failure
    if waiting:
        raise ValueError(f'These tasks need one another: {", ".join(sorted(waiting))}')


def _work(task: Task, progress: Progress) -> None:
    with progress.step(task.title):
        task.work()
