"""`inspect`: measure a trained network on its own data, say what it means, change nothing."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import Module

from unrolled.arguments import one_of
from unrolled.errors import ArgumentError, ModelFileError, explain
from unrolled.format import write_atomically
from unrolled.insight import findings as say
from unrolled.insight.advice import Setting
from unrolled.insight.cost import Cost, cost_of, program_of
from unrolled.insight.findings import Finding
from unrolled.insight.importance import Importance, importance_of
from unrolled.insight.jacobian import Spectrum, spectrum_of
from unrolled.insight.live import Live, live_of
from unrolled.models import RecursiveNetwork, SegmentNetwork, TranslationNetwork
from unrolled.probe import (
    Call,
    GateStatistics,
    GradientReach,
    MemoryUsed,
    final_losses,
    gate_statistics,
    gradient_reach,
    looking_on,
    memory_used,
    recurrent_layers,
    traced,
)
from unrolled.probe.losses import LOSSES
from unrolled.probe.memory import row_steps
from unrolled.tasks import Forecaster
from unrolled.tasks.examples import ROWS, STEPS, Examples, examples_of
from unrolled.tasks.task import Task
from unrolled.training import History

FEW = 16  # sequences: fewer tell little by being exchanged
KINDS = {"elman": "Elman", "lstm": "LSTM", "gru": "GRU", "gru2014": "GRU (2014)"}


@dataclass(frozen=True)
class Inspection:
    """What was found inside a network. `str` says it in sentences; `save` writes the page, `to_dict` is JSON.

    `memory` and `importance` are None where a network has no last answer to measure them by.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    unit: str
    loss_unit: str
    window: int
    reach: tuple[GradientReach, ...]
    memory: MemoryUsed | None
    spectra: tuple[Spectrum, ...]
    gates: tuple[GateStatistics, ...]
    importance: Importance | None
    cost: Cost
    history: History | None
    findings: tuple[Finding, ...]
    live: Live
    notes: tuple[str, ...]

    @property
    def changes(self) -> dict[str, Any]:
        """The task's parameters that the advice means, with their new values."""
        return say.changes_of(self.findings)

    def finding(self, topic: str) -> Finding:
        """The finding about a topic, such as 'gradient reach'. Raises: ArgumentError."""
        topics = {finding.topic: finding for finding in self.findings}
        return topics[one_of("topic", topic, topics)]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "title": self.title,
            "facts": dict(self.facts),
            "unit": self.unit,
            "window": self.window,
            "findings": [finding.to_dict() for finding in self.findings],
            "changes": self.changes,
            "gradient_reach": [reach.to_dict() for reach in self.reach],
            "memory_used": None if self.memory is None else self.memory.to_dict(),
            "jacobian": [spectrum.to_dict() for spectrum in self.spectra],
            "gates": [gates.to_dict() for gates in self.gates],
            "importance": None if self.importance is None else self.importance.to_dict(),
            "cost": self.cost.to_dict(),
            "clipped": None if self.history is None else [r.clip_rate for r in self.history.epochs],
            "notes": list(self.notes),
        }

    def html(self) -> str:
        """The page, one file that needs nothing else."""
        from unrolled.insight.page import render
        from unrolled.insight.report import page_of

        return render(page_of(self))

    def save(self, path: str | Path) -> None:
        """Write the page. Raises: OutputError."""
        write_atomically(path, [self.html().encode()])

    def __str__(self) -> str:
        lines = [self.title]
        for finding in self.findings:
            lines.append(f"{finding.topic}: {finding.sentence}")
            if finding.advice:
                lines.append(f"  advice: {finding.advice}")
        return "\n".join([*lines, *self.notes])


def inspect(
    model: Any,
    data: Any,
    y: Any = None,
    lengths: Any = None,
    *,
    lags: int | None = None,
    rows: int = ROWS,
    steps: int = STEPS,
    seed: int = 0,
) -> Inspection:
    """Look inside a fitted task, or a network: gradients, memory, gates, inputs, cost, on data of its own.

    `data` is what the task is scored on (a frame, a path, arrays with labels `y` and `lengths`; of a
    translator both texts), or a batch: a dict of tensors, as docs/house.md lists them. At most `rows` rows
    and `steps` steps of each are taken. `lags`: how many lags the gradient reach must have; without it all
    there are. The model and its state are not changed.

    Raises: ArgumentError for a model without a recurrent layer, a batch with one step, or rows shorter than
    the lag asked for; DataError, as `evaluate`.

    Example:
        >>> import numpy as np, unrolled as ur
        >>> X = np.random.default_rng(0).normal(size=(40, 12, 1)).astype(np.float32)
        >>> model = ur.SequenceClassifier(hidden_size=4, epochs=1, device="cpu").fit(X, X[:, 0, 0] > 0)
        >>> found = inspect(model, X, X[:, 0, 0] > 0)
        >>> found.window, [finding.topic for finding in found.findings][:2]
        (12, ['gradient reach', 'memory used'])
    """
    network = network_of(model)
    recurrent_layers(network)  # refuses one without
    examples = examples_for(model, data, y, lengths, rows, steps)
    network = copy.deepcopy(network).cpu()
    step = network.segment if isinstance(network, SegmentNetwork) else 1
    reach = gradient_reach(network, examples.batch, lags, step=step)
    calls = calls_of(network, examples.batch)
    window = int(calls[0].steps.max()) * step
    setting = Setting(
        parameters_of(model), usual_parameters(model), window, examples.unit, step, loss_unit(network),
        fixed_columns(model),
    )  # fmt: skip
    return measured(model, network, examples, setting, tuple(reach), calls, seed)


def examples_for(model: Any, data: Any, y: Any, lengths: Any, rows: int, steps: int) -> Examples:
    """The examples to look at. Raises: ArgumentError for rows of one step, and what is no batch."""
    if is_batch(data):
        return given_batch(data)
    if not isinstance(model, Task):
        cure = "Pass a dict of tensors, as docs/house.md lists them, or a fitted task with its data."
        raise ArgumentError(explain("data", "a batch of a network", type(data).__name__, cure))
    examples = examples_of(model, data, y, lengths, rows, steps)
    row_steps(examples.batch, name="data")
    return examples


def measured(
    model: Any,
    network: Module,
    examples: Examples,
    setting: Setting,
    reach: tuple[GradientReach, ...],
    calls: list[Call],
    seed: int,
) -> Inspection:
    """All measurements, and what they mean."""
    memory, importance = depended_on(network, examples, setting.step, seed)
    spectra = tuple(spectrum_of(call, seed) for call in calls)
    gates = tuple(gate_statistics(call) for call in calls)
    cost = cost_of(
        network, *(program_of(model) if isinstance(model, Task) else (None, "it is a bare network"))
    )
    history = history_of(model)
    many = len(next(iter(examples.batch.values()))) > 1
    why_not = "there is no last answer to judge it by" if many else "a sequence alone has no other"
    found = (
        say.about_reach(reach, setting, memory),
        say.about_memory(memory, setting, why_not),
        say.about_jacobian(spectra, setting),
        say.about_gates(gates, setting, reach),
        say.about_importance(importance, setting, why_not),
        say.about_clipping(history, setting),
        say.about_learning(history, setting),
    )
    return Inspection(
        title=f"Inside {title_of(model, calls)}",
        facts=facts_of(network, examples, setting, cost, calls),
        unit=examples.unit,
        loss_unit=loss_unit(network),
        window=setting.window,
        reach=reach,
        memory=memory,
        spectra=spectra,
        gates=gates,
        importance=importance,
        cost=cost,
        history=history,
        findings=tuple(finding for finding in found if finding is not None),
        live=live_of(model, network, examples, calls, setting.step),
        notes=notes_of(examples, calls, spectra, setting),
    )


def depended_on(
    network: Module, examples: Examples, step: int, seed: int
) -> tuple[MemoryUsed | None, Importance | None]:
    """What the answers depend on, by lag and by column, where there is a last answer."""
    if not isinstance(network, tuple(LOSSES)) or len(next(iter(examples.batch.values()))) < 2:
        return None, None
    with looking_on(network):
        losses = final_losses(network)
        memory = memory_used(losses, examples.batch, seed=seed)
        columns = {key: names for key, names in examples.columns.items() if key in examples.batch}
        return memory, importance_of(losses, examples.batch, columns, step, seed)


def calls_of(network: Module, batch: Any) -> list[Call]:
    """How each cell read the sequences."""
    with looking_on(network), traced(network) as trace, torch.no_grad():
        network.loss(batch, None)  # type: ignore[operator]
    return trace.longest()


def network_of(model: Any) -> Module:
    """The network of a fitted task, or the network itself. Raises: ArgumentError."""
    if isinstance(model, Module):
        return model
    if isinstance(model, Task):
        model._check_fitted()
        return model.network_
    cure = "Pass what unrolled.load returns, a fitted task, or a network with a batch."
    raise ArgumentError(explain("model", "a task or a network", type(model).__name__, cure))


def is_batch(data: Any) -> bool:
    """Whether data is a batch of tensors, as a network takes it."""
    return isinstance(data, dict) and bool(data) and all(isinstance(v, torch.Tensor) for v in data.values())


def given_batch(batch: dict[str, torch.Tensor]) -> Examples:
    """A batch as examples; columns are numbered."""
    columns = {
        key: tuple(f"{key} {place + 1}" for place in range(values.shape[-1])) if values.ndim == 3 else (key,)
        for key, values in batch.items()
        if key in ("x", "target", "past", "known", "tokens", "words", "source")
    }
    return Examples({key: value.cpu() for key, value in batch.items()}, columns, "steps")


def parameters_of(model: Any) -> dict[str, Any]:
    """A task's parameters; of a network none."""
    return dict(model.get_params()) if isinstance(model, Task) else {}


def usual_parameters(model: Any) -> dict[str, Any]:
    """The parameters of an untouched task of the same class."""
    return dict(type(model)().get_params()) if isinstance(model, Task) else {}


def fixed_columns(model: Any) -> tuple[str, ...]:
    """The columns that a task cannot leave out: what it forecasts, and the calendar of its stamps."""
    if not isinstance(model, Forecaster):
        return ()
    calendar = model.inputs_.time_features
    return (*model.inputs_.roles.target, *(() if calendar is None else calendar.names))


def history_of(model: Any) -> History | None:
    """The course of a task's training, from the task or from its file."""
    if isinstance(getattr(model, "history_", None), History):
        return model.history_
    card = getattr(model, "card_", {}).get("training")
    try:
        return None if card is None else History.from_card(card)
    except (KeyError, TypeError) as error:
        cure = "Take another copy of the file."
        raise ModelFileError(explain("card.training", "a history", f"{error!r}", cure)) from None


def title_of(model: Any, calls: list[Call]) -> str:
    """What was looked into, in a few words."""
    first = calls[0]
    kind = KINDS.get(first.cell.kind, first.cell.kind)
    what = type(model).__name__ if isinstance(model, Task) else "a network"
    return f"{'a ' if isinstance(model, Task) else ''}{what}: {kind}, {first.y.shape[-1]} units"


def facts_of(
    network: Module, examples: Examples, setting: Setting, cost: Cost, calls: list[Call]
) -> tuple[tuple[str, str], ...]:
    """Short pairs for the top of the page."""
    rows = len(next(iter(examples.batch.values())))
    facts = [
        ("Cells", ", ".join(dict.fromkeys(call.name for call in calls))),
        (
            "Measured on",
            f"{rows:,} sequence{'' if rows == 1 else 's'} of up to {setting.window:,} {setting.unit}",
        ),
        ("Parameters", f"{cost.parameters:,}"),
    ]
    if cost.multiply_adds is not None:
        facts.append(("Multiply-adds a step", f"{cost.multiply_adds:,}"))
    if cost.microseconds is not None:
        facts.append(("A streamed step here", f"{cost.microseconds:,.3g} µs"))
    return tuple(facts)


def loss_unit(network: Module) -> str:
    """What the loss is measured in."""
    if isinstance(network, TranslationNetwork):
        return "nats a token"
    if isinstance(network, RecursiveNetwork):
        return "nats a value"
    shape = getattr(network, "shape", None)
    if getattr(shape, "tokens", 0) or getattr(shape, "answers", 0) or getattr(shape, "classes", 0):
        return "nats"
    return "squared error, scaled" if hasattr(shape, "classes") else "scaled units"


def notes_of(
    examples: Examples, calls: list[Call], spectra: tuple[Spectrum, ...], setting: Setting
) -> tuple[str, ...]:
    """How it was measured, and what was left out."""
    notes = list(examples.notes)
    if (rows := len(next(iter(examples.batch.values())))) < FEW:
        told = "1 sequence is" if rows == 1 else f"{rows} sequences are"
        notes.append(f"{told} few: what is said of memory and inputs may be chance.")
    notes.append(
        "Gradient reach: the loss of each sequence's last answer alone, its gradient in the hidden state k "
        f"{setting.unit} before it; the mean norm over sequences."
    )
    notes.append(
        "Memory and inputs: values are replaced by those of other sequences, drawn with a fixed seed."
    )
    first = spectra[0]
    notes.append(
        f"Jacobian: along {first.steps:,} steps of the longest sequences, in float64; "
        f"the {len(first.exponents)} largest of {first.size} exponents."
    )
    if setting.step > 1:
        notes.append(f"A step of the recurrence is a segment of {setting.step} {setting.unit}.")
    if any(call.cell.reverse for call in calls):
        notes.append("Layers that read backward are measured from the first answer on.")
    return tuple(notes)
