"""Checkpoints: a run on disk, whole enough that going on from it ends in the same bytes.

A checkpoint is a model file of kind "checkpoint": a JSON card and tensors, written atomically and
verified when read.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

from unrolled.errors import ArgumentError, ModelFileError, explain
from unrolled.format import new_card, read_model, write_model
from unrolled.training.carried import flatten, rebuild
from unrolled.training.history import EpochSums, History
from unrolled.training.optimizer import Moments
from unrolled.training.options import TrainingOptions
from unrolled.training.run import Run, new_optimizer
from unrolled.training.weights import Weights

KIND = "checkpoint"


@dataclass(frozen=True)
class Checkpoint:
    """Where a run is kept, how often, and what it is a run of.

    It is written before the first step, after every epoch, every `every_steps` steps, and at the first step
    that ends `every_seconds` after the last writing; 0 turns either off. Writing never alters the run.
    `fingerprint` says what is trained on what, in plain values: going on with another one is refused.
    """

    path: Path
    every_steps: int = 0
    every_seconds: float = 60.0
    fingerprint: Mapping[str, Any] = field(default_factory=dict)


def as_checkpoint(value: Checkpoint | str | Path | None) -> Checkpoint | None:
    """A path stands for a checkpoint there with the usual intervals and no fingerprint."""
    return Checkpoint(Path(value)) if isinstance(value, str | Path) else value


class Keeper:
    """Writes a run's checkpoint when it is due, and reads it back; without a checkpoint it does nothing.

    It is the loop's one user of a clock. The clock decides when to write, never what.
    """

    def __init__(
        self, checkpoint: Checkpoint | None, options: TrainingOptions, steps: int, device: torch.device
    ) -> None:
        self._checkpoint, self._options, self._device = checkpoint, options, device
        self._identity = identity(checkpoint.fingerprint if checkpoint else {}, options, steps, device)
        self._written = time.monotonic()

    def due(self, run: Run) -> bool:
        """Whether it is time to write, by steps or by seconds."""
        if self._checkpoint is None:
            return False
        every, seconds = self._checkpoint.every_steps, self._checkpoint.every_seconds
        by_steps = every > 0 and run.step % every == 0
        return by_steps or 0 < seconds <= time.monotonic() - self._written

    def write(self, run: Run) -> None:
        """Write the run, if it is to be kept."""
        if self._checkpoint is not None:
            write_checkpoint(self._checkpoint.path, run, self._identity)
            self._written = time.monotonic()

    def read(self, network: Module) -> Run:
        """The run as it was written last, its weights in the network."""
        assert self._checkpoint is not None
        return read_checkpoint(self._checkpoint.path, self._identity, network, self._options, self._device)


def identity(
    fingerprint: Mapping[str, Any], options: TrainingOptions, steps: int, device: torch.device
) -> dict[str, Any]:
    """What must be the same for a run to go on, as plain values."""
    told = {
        "options": options.card(),
        "steps": steps,
        "device": device.type,
        "fingerprint": dict(fingerprint),
    }
    try:
        return json.loads(json.dumps(told))
    except TypeError as error:
        cure = "Say what the data are in text, numbers, lists and dicts."
        raise ArgumentError(explain("fingerprint", "plain values", str(error), cure)) from None


def write_checkpoint(path: Path, run: Run, who: dict[str, Any]) -> None:
    """Write the run. A former checkpoint stands until the new one is whole.

    Raises: OutputError, and then the former checkpoint stands.
    """
    structure, carried = flatten(run.state)
    tensors = {
        **_prefixed("network", run.network.state_dict()),
        **_prefixed("best", run.best),
        **_prefixed("average", run.average or {}),
        **_moments(run),
        **_generators(run.device),
        **carried,
    }
    rest = {
        "identity": who,
        "position": {"epoch": run.epoch, "index": run.index},
        "averaged_from": run.averaged_from,
        "sums": asdict(run.sums),
        "history": run.history.card(),
        "carried": structure,
        "bfloat16": sorted(name for name, tensor in tensors.items() if tensor.dtype == torch.bfloat16),
    }
    card = new_card(KIND, "training", rest)
    write_model(path, card, {name: _to_array(tensor) for name, tensor in tensors.items()})


def read_checkpoint(
    path: Path, who: dict[str, Any], network: Module, options: TrainingOptions, device: torch.device
) -> Run:
    """The run that was written: its weights are put into the network, its generators into torch.

    Raises: ModelFileError if the file is damaged; ArgumentError if it is another run's.
    """
    file = read_model(path)
    if file.card["kind"] != KIND:
        got = f"'{path}', a {file.card['kind']} file"
        cure = "Name a file that training wrote as a checkpoint."
        raise ArgumentError(explain("checkpoint", "a checkpoint of a training run", got, cure))
    with _naming_what_lacks(path):
        _refuse_differences(file.card["identity"], who)
        halves = set(file.card["bfloat16"])
        tensors = {name: _to_tensor(array, name in halves) for name, array in file.tensors.items()}
        _refuse_shapes(_unprefixed("network", tensors), network)
        return _restored(file.card, tensors, network, options, device)


def _restored(
    card: Mapping[str, Any], tensors: Weights, network: Module, options: TrainingOptions, device: torch.device
) -> Run:
    network.load_state_dict(_unprefixed("network", tensors))
    optimizer = new_optimizer(network, options)
    for name, parameter in network.named_parameters():
        moments = _unprefixed(f"moments/{name}", tensors)
        if moments:
            optimizer.moments[name] = Moments(**{kind: m.to(parameter.device) for kind, m in moments.items()})
    _restore_generators(tensors, device)
    carried = {name: tensor.to(device) for name, tensor in tensors.items() if name.startswith("carried")}
    return Run(
        network,
        optimizer,
        options,
        device,
        card["identity"]["steps"],
        History.from_card(card["history"]),
        best=_placed(_unprefixed("best", tensors), network),
        average=_placed(_unprefixed("average", tensors), network) or None,
        epoch=card["position"]["epoch"],
        index=card["position"]["index"],
        state=rebuild(card["carried"], carried),
        sums=EpochSums(**card["sums"]),
        averaged_from=card["averaged_from"],
    )


@contextmanager
def _naming_what_lacks(path: Path) -> Iterator[None]:
    """A whole file whose insides are not a checkpoint's was written by another program: say so."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        got = f"{type(error).__name__}: {error}"
        cure = "Start anew with another checkpoint file."
        raise ModelFileError(explain(f"{path}", "the contents of a checkpoint", got, cure)) from None


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def _unprefixed(prefix: str, tensors: Mapping[str, Tensor]) -> Weights:
    start = f"{prefix}/"
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def _moments(run: Run) -> dict[str, Tensor]:
    return {
        f"moments/{name}/{moment}": tensor
        for name, moments in run.optimizer.moments.items()
        for moment, tensor in moments._asdict().items()
    }


def _generators(device: torch.device) -> dict[str, Tensor]:
    generators = {"generator/cpu": torch.get_rng_state()}
    if device.type == "cuda":
        generators["generator/cuda"] = torch.cuda.get_rng_state(device)
    return generators


def _restore_generators(tensors: Mapping[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(tensors["generator/cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors["generator/cuda"], device)


def _placed(weights: Weights, network: Module) -> Weights:
    own = network.state_dict()
    return {name: tensor.to(own[name].device) for name, tensor in weights.items()}


def _to_array(tensor: Tensor) -> np.ndarray:
    plain = tensor.detach().cpu().contiguous()
    return (plain.view(torch.int16) if plain.dtype == torch.bfloat16 else plain).numpy()


def _to_tensor(array: np.ndarray, half: bool) -> Tensor:
    tensor = torch.tensor(array)  # a copy: the file's arrays may be read-only
    return tensor.view(torch.bfloat16) if half else tensor


def _refuse_differences(then: dict[str, Any], now: dict[str, Any]) -> None:
    old, new = _leaves(then), _leaves(now)
    names = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    if not names:
        return
    expected = ", ".join(f"{name}={old.get(name, 'nothing')!r}" for name in names)
    got = ", ".join(f"{name}={new.get(name, 'nothing')!r}" for name in names)
    cure = "Go on with the same options and data, or start anew with another checkpoint file."
    raise ArgumentError(explain("checkpoint", f"the run it was begun for, with {expected}", got, cure))


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    inner = (_leaves(item, f"{path}.{key}" if path else key) for key, item in value.items())
    return {name: item for leaves in inner for name, item in leaves.items()}


def _refuse_shapes(saved: Weights, network: Module) -> None:
    then = {name: tuple(tensor.shape) for name, tensor in saved.items()}
    now = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            cure = "Go on with the same network, or start anew with another checkpoint file."
            expected = f"the network it was begun for, with {name} {then.get(name, 'absent')}"
            raise ArgumentError(explain("checkpoint", expected, now.get(name, "absent"), cure))
