import signal

import pytest

from unrolled.training.interrupt import deferred_interrupt


def test_the_first_ctrl_c_asks_the_second_stops_and_afterwards_all_is_as_before() -> None:
    with deferred_interrupt() as interrupt:
        interrupt.obey()
        signal.raise_signal(signal.SIGINT)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            interrupt.obey()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_program_that_handles_ctrl_c_itself_keeps_its_way() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with deferred_interrupt() as interrupt:
            signal.raise_signal(signal.SIGINT)
            assert not interrupt.asked
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT]
