"""Looks that are begun before their answers are needed: most of a second `up` is waiting for what others see."""

import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def begin(look: Callable[[], _T], *, beside: bool = True) -> Callable[[], _T]:
    """Runs `look` in a thread from now on, or, unless `beside`, when its answer is asked for.

    What is given back waits for what it found, and raises what it raised.
    """
    if not beside:
        return look
    found: list[_T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            found.append(look())
        except BaseException as e:  # noqa: BLE001 - raised again where the answer is asked for
            failures.append(e)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def answer() -> _T:
        thread.join()
        if failures:
            raise failures[0]
        return found[0]

    return answer
