import io
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from unrolled.training import BarReporter, EpochRecord, History, PlainReporter, default_reporter
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


def test_one_bar_at_a_time_that_fits_80_columns() -> None:
    stream = io.StringIO()
    bar = BarReporter(Console(file=stream, force_terminal=True, width=80, highlight=False))
    sums = SimpleNamespace(steps=10, loss=12345.678, clipped=10)
    history = SimpleNamespace(best=0.000123456)
    for run in range(2):
        bar.note(f"Fold {run + 1} of 2")
        bar.start(epochs=100, steps=10, done=0)
        for epoch in range(1, 101):
            bar.step(sums)
            bar.epoch(epoch, history)
        bar._progress.refresh()
        lines = Console(width=80).render_lines(bar._progress.get_renderable())
        text = ["".join(segment.text for segment in line) for line in lines]
        assert len(text) == 1 and "…" not in text[0], text
        assert text[0].startswith("epoch 100/100 ") and "best 0.0001235" in text[0]
        bar.close()
    shown = stream.getvalue()
    assert "Fold 1 of 2" in shown and "Fold 2 of 2" in shown


def test_the_bar_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(default_reporter(), PlainReporter)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert isinstance(default_reporter(), BarReporter)
