"""One sequence as it passes: inputs, hidden and cell state, gates and the answer, step by step.

Key: T steps · H hidden.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

from unrolled.models import (
    DirectNetwork,
    LanguageNetwork,
    RecursiveNetwork,
    SegmentNetwork,
    SequenceNetwork,
    TaggerNetwork,
    TextClassifierNetwork,
)
from unrolled.models.inputs import last_valid
from unrolled.probe import Call, few_rows, gate_values, looking_on
from unrolled.probe.gates import GATES, is_signed
from unrolled.probe.losses import SHARED
from unrolled.tasks.examples import Examples

STEPS, UNITS, COLUMNS, LINES = 120, 48, 4, 3  # shown at most


@dataclass(frozen=True)
class Live:
    """The last steps of the first sequence.

    `inputs` and `answers` are lines by name, (T,), NaN where there is nothing; `maps` are the states and
    gates of the last layer's units that move most, by name (H, T), each with its range.
    """

    labels: tuple[str, ...]
    inputs: dict[str, np.ndarray]
    answers: dict[str, np.ndarray]
    maps: dict[str, tuple[np.ndarray, float, float]]
    title: str
    unit: str

    def to_json(self) -> str:
        """What the page's script draws; no text of it can end the script."""
        told = {
            "labels": list(self.labels),
            "inputs": {name: rounded(values) for name, values in self.inputs.items()},
            "answers": {name: rounded(values) for name, values in self.answers.items()},
            "maps": {
                name: {"low": low, "high": high, "rows": quantised(values, low, high)}
                for name, (values, low, high) in self.maps.items()
            },
            "unit": self.unit,
        }
        return json.dumps(told).replace("<", "\\u003c")


def live_of(model: Any, network: Module, examples: Examples, calls: list[Call], step: int) -> Live:
    """Gather it from a run."""
    call = next((one for one in reversed(calls) if not one.cell.reverse), calls[-1])
    length = int(call.steps[0])
    shown = slice(max(0, length - STEPS), length)
    maps = maps_of(call, shown)
    answers = answers_of(model, network, examples.batch, call, length)
    inputs = inputs_of(examples, call, length, step)
    words = examples.words if len(examples.words) == length else ()
    words = tuple(word if word.strip() else repr(word) for word in words)
    labels = words or tuple(step_label(place, length, step, examples.unit) for place in range(length))
    name = examples.labels[0] if examples.labels else "the first one"
    name = f"number {int(name) + 1}" if name.isdigit() else name
    return Live(
        labels=tuple(labels[shown]),
        inputs={key: values[shown] for key, values in inputs.items()},
        answers={key: values[shown] for key, values in answers.items()},
        maps=maps,
        title=f"{name}, {call.name}",
        unit=examples.unit,
    )


def step_label(place: int, length: int, step: int, unit: str) -> str:
    """Where a step stands, counted from the answer."""
    lag = (length - 1 - place) * step
    return f"{lag:,} {unit} before the last" if lag else "the last"


def maps_of(call: Call, shown: slice) -> dict[str, tuple[np.ndarray, float, float]]:
    """States and gates of the units that move most, (H, T), and their ranges."""
    gates, cells = gate_values(call)
    h = call.y.detach()[0, shown].cpu().numpy().T  # (H, T)
    units = np.sort(np.argsort(-h.std(1), kind="stable")[:UNITS])
    size = max(1e-3, float(np.abs(h).max()))
    found = {"hidden state": (h[units], -size, size)}
    if cells is not None:
        c = cells[0, shown].cpu().numpy().T[units]
        size = max(1e-3, float(np.abs(c).max()))
        found["cell state"] = (c, -size, size)
    for name, values in zip(GATES.get(call.cell.kind, ()), gates, strict=True):
        kept = values[0, shown].cpu().numpy().T[units]
        found[name if is_signed(name) else f"{name} gate"] = (kept, -1.0 if is_signed(name) else 0.0, 1.0)
    return found


def inputs_of(examples: Examples, call: Call, length: int, step: int) -> dict[str, np.ndarray]:
    """The first columns of the first sequence in raw units; of segments their means."""
    found: dict[str, np.ndarray] = {}
    for key, names in examples.columns.items():
        values = examples.batch[key][0]
        if values.ndim != 2 or not values.is_floating_point():
            continue
        for column, name in enumerate(names[:COLUMNS]):
            line = values[:, column].cpu().numpy().astype(float)
            line = line[: length * step] if step > 1 else line[:length]
            missing = -len(line) % step
            line = np.concatenate([np.full(missing, np.nan), line]).reshape(-1, step)
            known = np.isfinite(line).sum(1)
            found[name] = np.where(known > 0, np.nansum(line, 1) / np.maximum(known, 1), np.nan)[:length]
    return dict(list(found.items())[:COLUMNS])


@torch.no_grad()
def answers_of(
    model: Any, network: Module, batch: dict[str, Tensor], call: Call, length: int
) -> dict[str, np.ndarray]:
    """What the network would answer after each step of the first sequence, (T,) each."""
    one = few_rows(batch, slice(1))
    with looking_on(network), torch.no_grad():
        if isinstance(network, LanguageNetwork):
            return token_answers(network, one)
        if isinstance(network, TaggerNetwork):
            shares = network(one).softmax(-1)[0, :length]
            return {"the likeliest tag's share": shares.amax(-1).numpy()}
        if isinstance(network, SegmentNetwork):
            return segment_answers(network, one, call, length)
        if isinstance(network, DirectNetwork):
            return direct_answers(network, one, length)
        if isinstance(network, RecursiveNetwork):
            mean, _, anchor, _ = network.read(one, None)
            scale = network.inputs.target_scaling(one)[1]
            return {"expected": (anchor + scale[:, None] * mean)[0, :length, 0].numpy()}
        if isinstance(network, SequenceNetwork | TextClassifierNetwork):
            return prefix_answers(model, network, one, length)
    return {}


def token_answers(network: LanguageNetwork, one: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """The share that the network gave the token that came."""
    shares = network.scores(one, None)[0].softmax(-1)[0]
    came = one["next"][0]
    share = shares.gather(1, came.clamp(min=0)[:, None])[:, 0]
    return {"share of the token that came": torch.where(came >= 0, share, torch.nan).numpy()}


def segment_answers(
    network: SegmentNetwork, one: dict[str, Tensor], call: Call, length: int
) -> dict[str, np.ndarray]:
    """The first row ahead as it would be forecast from the segments read so far, from the oldest on."""
    if call.name != "layer 1":  # what the first layer reads is known of a single layer alone
        return {}
    mean, scale = network.inputs.target_scaling(one)
    anchor = last_valid(one["target"], mean)[:, -1]
    values = (one["target"] - anchor[:, None]) / scale[:, None]
    told = network.decoder_inputs(one, values, (anchor - mean) / scale)[:, :1]  # of the first target
    read = call.x[:1].expand(length, -1, -1)
    _, state = network.recurrent(read, None, torch.arange(1, length + 1))
    features = network.decode(told.expand(length, -1, -1, -1), state)
    ahead = network.head(features)[:, 0, 0, 0, network.offsets.base]
    if network.highway is not None:
        ahead = ahead + network.straight(network.highway, values)[0, 0, 0]
    return {"first row ahead, expected": (anchor[0, 0] + scale[0, 0] * ahead).numpy()}


def direct_answers(network: DirectNetwork, one: dict[str, Tensor], length: int) -> dict[str, np.ndarray]:
    """The next row as it is expected after each step."""
    quantiles, _ = network.forecast_at(one, torch.arange(length))
    return {"next row, expected": quantiles[0, :, 0, 0, network.offsets.base].numpy()}


def prefix_answers(model: Any, network: Any, one: dict[str, Tensor], length: int) -> dict[str, np.ndarray]:
    """What the sequence would be called if it ended after each step: it is read once for each end."""
    first = max(0, length - STEPS)
    ends = torch.arange(first + 1, length + 1)
    key = "x" if "x" in one else "words"
    many = {
        name: value.expand(len(ends), *value.shape[1:]) for name, value in one.items() if name not in SHARED
    } | {name: one[name] for name in SHARED if name in one}
    many["lengths"] = ends
    many[key] = many[key][:, :length]
    scores = network.scores(many)
    if getattr(network, "pool", "") == "every":
        scores = scores[-1, first:length]
    names = [str(value) for value in getattr(getattr(model, "answers_", None), "values", ())]
    classes = network.shape.classes if hasattr(network.shape, "classes") else network.shape.answers
    values = scores.softmax(-1) if classes else scores
    order = values[-1].argsort(descending=True)[:LINES].tolist()
    return {
        (f"share of {names[place]}" if place < len(names) else f"answer {place + 1}"): np.concatenate(
            [np.full(first, np.nan), values[:, place].numpy()]
        )
        for place in order
    }


def rounded(values: np.ndarray) -> list[float | None]:
    """Numbers of four digits; null for what is missing."""
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in values]


def quantised(values: np.ndarray, low: float, high: float) -> list[list[int]]:
    """Values of a range as whole numbers 0..255."""
    return np.clip(np.rint(255 * (values - low) / (high - low)), 0, 255).astype(int).tolist()
