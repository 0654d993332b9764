"""Work done in a process of its own, in which nothing else has been loaded.

TensorFlow, tflite-runtime and ai-edge-litert carry the same C++ symbols: beside a loaded
TensorFlow 2.21, tflite-runtime 2.14 fails with ``ValueError: vector::reserve`` where it does not
fail worse. So none of them is ever loaded beside another, and one that crashes takes nobody along.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from .errors import DiedError
from .quiet import quiet

Result = TypeVar("Result")


def apart(work: Callable[..., Result], *arguments: object) -> Result:
    """Call a module's function in a fresh process and return what it returns or raises.

    Raises:
        DiedError: The process ended without an answer.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    # A pool's worker would wait for ever for more work if we were killed; this one ends by itself.
    process = context.Process(target=_answer, args=(sender, work, arguments), daemon=True)
    with quiet() as last_line, receiver:
        process.start()
        sender.close()
        try:
            failure, result = receiver.recv()
        except EOFError:
            process.join()
            raise DiedError(
                f"the process died with status {process.exitcode}, saying {last_line()!r:.200}"
            ) from None
        process.join()
        if failure is not None:
            raise failure
    return result  # type: ignore[no-any-return]


def _answer(sender: Connection, work: Callable[..., object], arguments: tuple[object, ...]) -> None:
    answer: tuple[Exception | None, object]
    try:
        answer = (None, work(*arguments))
    except Exception as error:  # raised again by the caller
        answer = (error, None)
    sender.send(answer)
