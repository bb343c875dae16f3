"""Small fitted tasks of every kind, with data to look inside them; made once."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import unrolled as ur
from unrolled.tasks.forecast import guard
from unrolled.training import SilentReporter

QUICK = {"hidden_size": 6, "epochs": 1, "device": "cpu"}
QUIET = SilentReporter()
WORDS = [["in", "old", "Rome", "it", "sleeps"], ["Rome", "sleeps", "in", "old", "Rome"], ["it", "sleeps"]] * 8
TAGS = [["O", "O", "B-place", "O", "O"], ["B-place", "O", "O", "O", "B-place"], ["O", "O"]] * 8
TEXTS = ["a fine and sunny day", "a bad and rainy day", "fine and good it was", "bad and sad it was"] * 8
LABELS = ["+", "-", "+", "-"] * 8
LINES = ["to be or not to be", "that is the question", "to sleep to dream"] * 12


def forecaster(decoder):
    rng = np.random.default_rng(0)
    stamps = np.datetime64("2024-01-01", "s") + np.arange(400) * np.timedelta64(3600, "s")
    x = rng.normal(size=400)
    y = np.sin(np.arange(400) / 24 * 2 * np.pi) + np.roll(x, 1) + 0.1 * rng.normal(size=400)
    frame = {"t": stamps, "y": y, "x": x, "sky": np.array(["clear", "rain"])[(x > 0).astype(int)]}
    roles = {"past": ["x", "sky"]} if decoder != "recursive" else {"known": ["x"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "helped", lambda gain: True)
        model = ur.Forecaster(4, 24, decoder=decoder, cell="lstm", paths=4, **QUICK)
        model.fit(frame, "y", time="t", reporter=QUIET, **roles)
    with torch.no_grad():  # a head at 0 would let no gradient through
        draw = torch.Generator().manual_seed(0)
        for name, weight in model.network_.named_parameters():
            if "head" in name:
                weight.add_(0.1 * torch.randn(weight.shape, generator=draw))
    return model, (frame,)


def sequences(kind, **options):
    x = np.random.default_rng(0).normal(size=(40, 14, 2)).astype(np.float32)
    lengths = np.random.default_rng(1).integers(6, 15, 40)
    y = x[:, 2, 0] > 0 if kind is ur.SequenceClassifier else x.sum((1, 2))
    if options.get("head") == "every":
        y = np.repeat(y[:, None], 14, 1)
    model = kind(**QUICK | options).fit(x, y, lengths=lengths, reporter=QUIET)
    return model, (x, y, lengths)


MAKE = {
    "segment": lambda: forecaster("segment"),
    "direct": lambda: forecaster("direct"),
    "recursive": lambda: forecaster("recursive"),
    "classify": lambda: sequences(ur.SequenceClassifier, cell="elman"),
    "classify both ways": lambda: sequences(ur.SequenceClassifier, bidirectional=True, head="mean", layers=2),
    "regress every step": lambda: sequences(ur.SequenceRegressor, cell="gru2014", head="every"),
    "text": lambda: (
        ur.TextClassifier(embedding_size=4, **QUICK).fit(TEXTS, LABELS, reporter=QUIET),
        (TEXTS, LABELS),
    ),
    "tag": lambda: (ur.Tagger(embedding_size=4, **QUICK).fit(WORDS, TAGS, reporter=QUIET), (WORDS, TAGS)),
    "lm": lambda: (
        ur.LanguageModel(embedding_size=4, **QUICK).fit([" ".join(LINES)], reporter=QUIET),
        ([" ".join(LINES)],),
    ),
    "mlm": lambda: (
        ur.MaskedLanguageModel(embedding_size=4, **QUICK).fit(LINES, reporter=QUIET),
        (LINES,),
    ),
    "translate": lambda: (
        ur.Translator(embedding_size=4, **QUICK).fit(LINES, LINES[::-1], reporter=QUIET),
        (LINES, LINES[::-1]),
    ),
}
_made: dict = {}


@pytest.fixture(params=MAKE)
def looked_into(request):
    """A fitted task, the data it is scored on, and what `inspect` finds."""
    if request.param not in _made:
        model, data = MAKE[request.param]()
        before = [value.numpy().tobytes() for value in model.network_.state_dict().values()]
        found = ur.inspect(model, *data)
        after = [value.numpy().tobytes() for value in model.network_.state_dict().values()]
        _made[request.param] = SimpleNamespace(
            kind=request.param,
            model=model,
            data=data,
            found=found,
            page=found.html(),
            unchanged=before == after,
        )
    return _made[request.param]
