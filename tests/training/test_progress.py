import io
import sys

import pytest
from rich.console import Console

from unrolled.training import EpochRecord, History, PlainReporter, RichReporter, default_reporter
from unrolled.training.history import EpochSums
from unrolled.training.progress import Reporter

SUMS = EpochSums(steps=4, loss=2.0, norm=1.0, clipped=1)


def tell(reporter: Reporter) -> None:
    history = History(2.0)
    reporter.start(epochs=2, steps=4, done=0)
    reporter.note("starting [anew]")
    for number, validation in [(1, 0.75), (2, 1.5)]:
        for _ in range(4):
            reporter.step(SUMS)
        history.add(EpochRecord(0.5, validation, 0.25, 1.0, 0.001))
        reporter.epoch(number, history)
    reporter.close()


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    tell(PlainReporter())
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "starting [anew]",
        "epoch 1/2 loss 0.5 · validation 0.75 (best) · clipped 25% · gradient 1 · rate 0.001",
        "epoch 2/2 loss 0.5 · validation 1.5 · clipped 25% · gradient 1 · rate 0.001",
    ]


def test_a_log_that_is_gone_does_not_end_a_training() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    tell(PlainReporter(Gone()))


def test_the_bar_tells_loss_clip_rate_validation_and_keeps_the_best_epochs() -> None:
    text = io.StringIO()
    tell(RichReporter(Console(file=text, force_terminal=True, width=140)))
    for words in (
        "starting [anew]",
        "loss 0.5 · clipped 25%",
        "validation 0.75, best 0.75",
        "8/8",
        "epoch 1/2 loss",
    ):
        assert words in text.getvalue()
    assert "epoch 2/2 loss" not in text.getvalue()


def test_the_bar_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(default_reporter(), PlainReporter)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert isinstance(default_reporter(), RichReporter)
