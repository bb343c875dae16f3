"""The training loop: fit -> run_epoch -> train_step -> loss, four plain functions, each replaceable.

Whatever ends a run, the network is left with the weights of the best validation score.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import Module

from unrolled.arguments import integer
from unrolled.errors import ArgumentError, ShapeError, TrainingError, TrainingInterrupted, explain
from unrolled.format import check_output
from unrolled.probe import recurrent_layers
from unrolled.training.carried import detach
from unrolled.training.checkpoint import Checkpoint, Keeper, as_checkpoint
from unrolled.training.clipping import clip_gradients
from unrolled.training.device import autocast, choose_device, reproducible, to_device
from unrolled.training.history import EpochSums, History
from unrolled.training.interrupt import Interrupt, deferred_interrupt
from unrolled.training.options import TrainingOptions
from unrolled.training.progress import Reporter, default_reporter
from unrolled.training.run import Run, new_optimizer
from unrolled.training.watch import Watching
from unrolled.training.weights import Weights, averaged, restore, snapshot, start_average

Loss = Callable[[Module, Any, Any], tuple[Tensor, Any]]
Validate = Callable[[Module], float]


class Source(Protocol):
    """Where batches come from: each is a pure function of the seed, the epoch and the index, both from 0."""

    @property
    def steps(self) -> int:
        """Batches in an epoch."""

    def batch(self, epoch: int, index: int) -> Any:
        """The batch at a place of an epoch."""


def network_loss(network: Module, batch: Any, state: Any) -> tuple[Tensor, Any]:
    """The loss that a network of `models` computes itself."""
    return network.loss(batch, state)  # type: ignore[operator]


def fit(
    network: Module,
    source: Source,
    validate: Validate,
    options: TrainingOptions,
    loss: Loss = network_loss,
    checkpoint: Checkpoint | str | Path | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
) -> History:
    """Train a network in place and leave it, in eval mode, with the weights of its best validation score.

    `validate` answers a score, lower is better; the untrained network is scored too, and can win.
    `loss(network, batch, state)` answers a scalar and the state to carry on. The state is cut from its
    history before the next step gets it, which is truncated BPTT; a state of None all along is BPTT over
    the whole batch. Each epoch starts with state None.

    A run that was killed and goes on with `resume=True` ends in the same bytes as one that was not; with no
    file there yet it starts anew. Ctrl-C ends a run after its current step.
    Raises: ArgumentError, BackendError before training; TrainingError if a loss, gradient or score is not
    finite; TrainingInterrupted after Ctrl-C; OutputError if the checkpoint cannot be written.
    """
    integer("source.steps", source.steps, 1, "Give it more data, or a smaller batch size.")
    keep = as_checkpoint(checkpoint)
    goes_on = _goes_on(keep, resume)
    device = choose_device(options.device)
    autocast(device, options.precision)  # refuses now what it cannot do
    keeper = Keeper(keep, options, source.steps, device)
    if isinstance(reporter, Watching):
        recurrent_layers(network)  # refuses now what it cannot look into
    reporter = reporter or default_reporter()
    network.to(device)
    with reproducible(device, options.seed), deferred_interrupt() as interrupt:
        run = keeper.read(network) if goes_on else start_run(network, source.steps, validate, options, device)
        reporter.start(options.epochs, source.steps, run.step)
        if resume:
            reporter.note(_begins(run, keep, goes_on))
        try:
            train(run, source, validate, loss, keeper, reporter, interrupt)
        except KeyboardInterrupt:
            raise TrainingInterrupted(_interrupted(run, keep)) from None
        finally:
            restore(network, run.best)
            network.eval()
            reporter.close()
    return run.history


def start_run(
    network: Module, steps: int, validate: Validate, options: TrainingOptions, device: torch.device
) -> Run:
    """A run before its first step; the untrained network is scored, and is the best so far."""
    average = start_average(network) if options.average else None
    history = History(untrained=_finite_score(network, validate, average, "the untrained network"))
    optimizer = new_optimizer(network, options)
    return Run(network, optimizer, options, device, steps, history, best=snapshot(network), average=average)


def train(
    run: Run,
    source: Source,
    validate: Validate,
    loss: Loss,
    keeper: Keeper,
    reporter: Reporter,
    interrupt: Interrupt,
) -> None:
    """Epoch after epoch from where the run stands until it is done, kept and reported as it goes.

    Raises: KeyboardInterrupt once the user asks for it: the step is whole then, and the checkpoint written.
    """

    def after_step(batch: Any) -> None:
        reporter.step(run.sums)
        if isinstance(reporter, Watching):
            reporter.look(run, batch, loss)
        if keeper.due(run) or interrupt.asked:
            keeper.write(run)
        interrupt.obey()

    if run.step == 0:
        keeper.write(run)  # a full disk is found before the work, not after an epoch
    while not run.done:
        run_epoch(run, source, loss, after_step)
        finish_epoch(run, validate)
        keeper.write(run)
        reporter.epoch(run.epoch, run.history)
        interrupt.obey()


def run_epoch(run: Run, source: Source, loss: Loss, after_step: Callable[[Any], None]) -> None:
    """Train on what is left of the epoch's batches; `after_step` gets each batch."""
    run.network.train()
    while run.index < run.steps:
        batch = to_device(source.batch(run.epoch, run.index), run.device)
        train_step(run, batch, loss)
        after_step(batch)


def train_step(run: Run, batch: Any, loss: Loss) -> None:
    """One step: the loss and its gradient, clipped; the update; the state to carry on.

    Raises: TrainingError if the loss or the gradient is not finite; the weights are not updated then.
    """
    run.optimizer.clear_gradients()
    with autocast(run.device, run.options.precision):
        value, state = loss(run.network, batch, run.state)
    if value.ndim != 0:
        raise ShapeError(
            explain("loss", "a scalar", tuple(value.shape), "Take the mean over batch and time.")
        )
    value.backward()
    norm, clipped = clip_gradients(run.network.parameters(), run.options.clip)
    # The numbers come from the device together: each reading waits for all the work before it.
    number, length, over = torch.stack([value.detach().to(norm), norm, clipped.to(norm)]).tolist()
    _refuse_not_finite(run, number, length)
    run.optimizer.step(run.rate)
    run.follow()
    run.state = detach(state)
    run.sums.add(number, length, bool(over))
    run.index += 1


def finish_epoch(run: Run, validate: Validate) -> None:
    """Validate, record, keep the weights if they are the best, and stand at the start of the next epoch."""
    score = _finite_score(run.network, validate, run.average, f"epoch {run.epoch + 1}")
    run.history.add(run.sums.record(score, run.rate_of(run.step - 1)))
    if run.history.stale_epochs == 0:
        with averaged(run.network, run.average):
            run.best = snapshot(run.network)
    run.epoch, run.index, run.state, run.sums = run.epoch + 1, 0, None, EpochSums()
    run.average_when_still()


def _finite_score(network: Module, validate: Validate, average: Weights | None, when: str) -> float:
    network.eval()
    with averaged(network, average), torch.no_grad():
        score = float(validate(network))
    if not math.isfinite(score):
        cure = "Look for rows without answers in the validation part, or lower learning_rate."
        raise TrainingError(explain("validation", "a finite score", f"{score} after {when}", cure))
    return score


def _refuse_not_finite(run: Run, loss: float, norm: float) -> None:
    if math.isfinite(loss) and math.isfinite(norm):
        return
    what, value = ("gradient", f"a norm of {norm}") if math.isfinite(loss) else ("loss", f"{loss}")
    where = f"{value} in {run.next_batch}, step {run.step + 1}, learning rate {run.rate:.3g}"
    cure = "Try a lower learning_rate, a smaller clip, a longer warmup or precision='fp32', and look at the"
    cure += f" data of that batch. Best so far: {run.standing}."
    raise TrainingError(explain(what, "finite numbers", where, cure))


def _goes_on(keep: Checkpoint | None, resume: bool) -> bool:
    """Whether there is a run to go on with; never overwrites one that nobody asked to overwrite."""
    if keep is None:
        if resume:
            cure = "Name the file: checkpoint='run.checkpoint'."
            raise ArgumentError(explain("resume", "a checkpoint to go on from", "checkpoint=None", cure))
        return False
    check_output(keep.path)
    if keep.path.exists() and not resume:
        cure = "Go on with it by resume=True, or delete it to start anew."
        raise ArgumentError(explain("checkpoint", "a file that does not exist yet", f"'{keep.path}'", cure))
    return keep.path.exists()


def _begins(run: Run, keep: Checkpoint | None, goes_on: bool) -> str:
    if not goes_on:
        return f"No checkpoint at '{keep.path if keep else None}' yet: starting anew."
    return "The run was complete already." if run.done else f"Going on {run.place}."


def _interrupted(run: Run, keep: Checkpoint | None) -> str:
    if keep is None:
        cure = f"The best weights so far ({run.standing}) are in the network, the rest of the run is lost: "
        cure += "name a checkpoint next time to be able to go on."
    else:
        cure = f"Go on with resume=True and checkpoint='{keep.path}' (--resume on the command line)."
    return explain("training", f"{run.options.epochs} epochs", f"Ctrl-C {run.place}", cure)
