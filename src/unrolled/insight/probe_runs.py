"""One network trained on one synthetic problem, watched: its score and its gradient's reach as it learns."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from unrolled.errors import TrainingError
from unrolled.insight.architectures import TITLES, solve_hidden
from unrolled.insight.synthetic import NOTHING, Drawn, Probe
from unrolled.models import FEED_FORWARD, SequenceNetwork, build
from unrolled.nn import Recurrent, Stack, parameter_count
from unrolled.probe import input_reach
from unrolled.tasks.forecast.files import jsonable
from unrolled.training import SilentReporter, TrainingOptions, fit

Batch = dict[str, torch.Tensor]
VALIDATED, TESTED, MEASURED = 500, 1000, 64  # sequences that stop, that judge, whose gradients are measured
LOOKS = 30  # times that a run is looked at
STRETCH = 1.2  # of an orthogonal recurrent matrix, so that gradients grow by a fifth a step


@dataclass(frozen=True)
class Variant:
    """A cell and how it starts and learns.

    `start`: "" is torch.nn's; "memory" spreads an LSTM's forget gates over the lag; "orthogonal" starts a
    recurrent matrix orthogonal; "stretched" that times 1.2, so that gradients explode.
    """

    cell: str
    start: str = ""
    clip: float = 1.0
    optimizer: str = "adamw"
    learning_rate: float | None = None

    @property
    def title(self) -> str:
        """For tables."""
        told = {"": "", "memory": " (memory=lag)", "orthogonal": " (orthogonal)"}
        told["stretched"] = f" ({'clipped' if self.clip else 'not clipped'})"
        return TITLES[self.cell] + told[self.start]


@dataclass(frozen=True)
class ProbeSettings:
    """What every run of a comparison shares: the budget and the way it is spent."""

    steps: int = 4000
    parameters: int = 16_000
    batch_size: int = 64
    learning_rate: float = 2e-3
    device: str = "cpu"


@dataclass(frozen=True)
class ProbeRun:
    """What a run came to.

    `steps` are those at which it was looked at, `scores` the problem's score there, `reach` the lag at which
    the gradient falls below 1 % (at most the sequence). `score` is that of the weights of the best look, on
    sequences of its own; NaN where training could not go on, for the reason in `failed`. `seconds` are the
    processor's.
    """

    probe: str
    lag: int
    variant: Variant
    seed: int
    hidden: int
    parameters: int
    seconds: float
    score: float
    steps: tuple[int, ...]
    scores: tuple[float, ...]
    reach: tuple[int, ...]
    gradient_norms: tuple[float, ...]
    clip_rate: float
    failed: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON; a number that is not finite is None."""
        return jsonable(asdict(self) | {"title": self.variant.title})


def whole_steps(steps: int) -> int:
    """The steps that a run makes of those given: as many between any two looks.

    Example:
        >>> whole_steps(4000), whole_steps(7)
        (3990, 7)
    """
    return steps - steps % min(LOOKS, steps)


class ProbeSource:
    """Sequences drawn anew for each step: a pure function of (seed, epoch, index)."""

    def __init__(self, probe: Probe, lag: int, batch_size: int, steps: int, seed: int) -> None:
        self._probe, self._lag, self._batch_size, self._seed = probe, lag, batch_size, seed
        self.steps = steps

    def batch(self, epoch: int, index: int) -> Batch:
        """The batch of a step."""
        random = np.random.default_rng((self._seed, 1, epoch, index))
        return to_batch(self._probe.draw(random, self._batch_size, self._lag))


@dataclass
class Watch:
    """Looks at a network as it is validated: its score, its reach, its loss."""

    probe: Probe
    drawn: Drawn
    scores: list[float] = field(default_factory=list)
    reach: list[int] = field(default_factory=list)

    def look(self, network: Any) -> float:
        """Note where it stands. Returns: the loss, by which the best weights are kept."""
        self.scores.append(score_of(network, self.probe, self.drawn))
        some = Drawn(*(part[:MEASURED] for part in self.drawn))
        found = input_reach(network, to_batch(some))
        self.reach.append(len(found.lags) if found.lag_below is None else found.lag_below)
        with torch.no_grad():
            return float(network.loss(to_batch(self.drawn))[0])


def run_probe(probe: Probe, lag: int, variant: Variant, seed: int, settings: ProbeSettings) -> ProbeRun:
    """Train one network on one problem at one lag."""
    torch.manual_seed(seed)
    network, hidden = sized_network(probe, lag, variant, settings.parameters)
    looks = min(LOOKS, settings.steps)
    source = ProbeSource(probe, lag, settings.batch_size, settings.steps // looks, seed)
    watch = Watch(probe, probe.draw(np.random.default_rng((seed, 2)), VALIDATED, lag))
    options = options_of(variant, settings, looks, seed)
    started, failed = time.process_time(), ""
    recorder = Recorder()
    try:
        fit(network, source, watch.look, options, reporter=recorder)
    except TrainingError as error:
        failed = str(error)
    seconds = time.process_time() - started
    tested = probe.draw(np.random.default_rng((seed, 3)), TESTED, lag)
    return ProbeRun(
        probe.name, lag, variant, seed, hidden, parameter_count(network), seconds,
        score=float("nan") if failed else score_of(network, probe, tested),
        steps=tuple(source.steps * place for place in range(len(watch.scores))),
        scores=tuple(watch.scores), reach=tuple(watch.reach),
        gradient_norms=tuple(recorder.norms), clip_rate=recorder.clip_rate, failed=failed,
    )  # fmt: skip


class Recorder(SilentReporter):
    """Notes the gradient's norms, epoch after epoch."""

    def __init__(self) -> None:
        self.norms: list[float] = []
        self.clip_rate = 0.0

    def epoch(self, number: int, history: Any) -> None:
        """Take the newest record."""
        self.norms.append(history.epochs[-1].gradient_norm)
        self.clip_rate = float(np.mean([record.clip_rate for record in history.epochs]))


def options_of(variant: Variant, settings: ProbeSettings, looks: int, seed: int) -> TrainingOptions:
    """How a variant is trained: an equal number of steps for each."""
    plain = variant.optimizer != "adamw"
    return TrainingOptions(
        epochs=looks,
        learning_rate=variant.learning_rate or settings.learning_rate,
        weight_decay=0.0 if plain else 0.01,
        clip=variant.clip,
        warmup=0 if plain else 0.02,
        schedule="constant" if plain else "cosine",
        patience=0,
        seed=seed,
        device=settings.device,
        optimizer=variant.optimizer,
    )


def sized_network(probe: Probe, lag: int, variant: Variant, budget: int) -> tuple[SequenceNetwork, int]:
    """A network of about `budget` parameters for a problem, started as the variant says, and its size."""
    steps = len(probe.draw(np.random.default_rng(0), 1, lag).x[0])
    fixed = {"steps": steps} if variant.cell == FEED_FORWARD else {}
    common = {"kind": "sequence", "shape": probe.shape.card(), "cell": variant.cell, "head": probe.head}
    common |= starting(variant, lag)

    def count(hidden: int) -> int:
        with torch.device("meta"):
            return parameter_count(build(common | fixed | {"hidden": hidden}))

    hidden = solve_hidden(count, budget, TITLES[variant.cell])
    network = build(common | fixed | {"hidden": hidden})
    assert isinstance(network, SequenceNetwork)
    if variant.start == "stretched":
        stretch(network)
    return network, hidden


def starting(variant: Variant, lag: int) -> dict[str, Any]:
    """The start of a variant's cells, as a network's configuration has it; nothing where it is torch.nn's."""
    if variant.start == "memory":
        return {"cells": {"memory": max(lag, 3)}}
    return {"cells": {"orthogonal": True}} if variant.start in ("orthogonal", "stretched") else {}


@torch.no_grad()
def stretch(network: SequenceNetwork) -> None:
    """Make the gradients of a recurrent network explode."""
    assert isinstance(network.recurrent, Stack)
    for layer in network.recurrent.layers:
        assert isinstance(layer, Recurrent)
        layer.weight_hh.mul_(STRETCH)


def to_batch(drawn: Drawn) -> Batch:
    """Drawn sequences as a sequence network takes them."""
    label = drawn.label if drawn.label.dtype == np.float32 else drawn.label.astype(np.int64)
    return {"x": torch.from_numpy(drawn.x), "label": torch.from_numpy(label)}


@torch.no_grad()
def score_of(network: SequenceNetwork, probe: Probe, drawn: Drawn) -> float:
    """The problem's score: the mean squared error of a number, the share of right classes."""
    network.eval()
    found = network.scores({"x": torch.from_numpy(drawn.x)}).cpu().double().numpy()
    if probe.shape.targets:
        return float(((found - drawn.label) ** 2)[drawn.scored].mean())
    counted = drawn.scored & (drawn.label != NOTHING)
    return float((found.argmax(-1) == drawn.label)[counted].mean())
