"""Ctrl-C: the first one asks, the second one stops at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether the user has asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """A signal handler: remember the wish, and hand the next Ctrl-C to Python again."""
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def obey(self) -> None:
        """Stop here, if the user has asked to.

        Raises: KeyboardInterrupt.
        """
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """Within: the first Ctrl-C only sets `asked`. After: Ctrl-C is what it was.

    A program that handles Ctrl-C itself, or ignores it, keeps its own way; so does every thread but
    the main one, where Python delivers no signals.
    """
    interrupt = Interrupt()
    main = threading.current_thread() is threading.main_thread()
    ours = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, interrupt.ask)
    try:
        yield interrupt
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
