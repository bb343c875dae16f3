"""Training speed of language models in tokens a second: our layers beside torch.nn's, all else the same.

A step is the loss, its gradients, clipping, AdamW and the average of the weights, as `train lm` does it.
Pairs are taken in turn; the kernels' own ratio, forward and backward of the same layers, is taken in the same
way, and the floor is that ratio less 20 %.
`python -m benchmarks.language.lm_speed [--pairs N] [--threads N]`.
"""

import argparse
from typing import Any, NamedTuple

import torch

from benchmarks.kernels.measure import Pairs, interleave
from unrolled import nn
from unrolled.models import build
from unrolled.training import TrainingOptions, train_step
from unrolled.training.history import History
from unrolled.training.loop import network_loss
from unrolled.training.run import Run, new_optimizer
from unrolled.training.weights import start_average


class Case(NamedTuple):
    """A network, and the batch it learns from."""

    name: str
    options: dict[str, Any]
    tokens: int
    batch: int
    steps: int


CASES = (
    Case("characters, LSTM 512", {"hidden": 512, "embedding": 64, "dropout": 0.3}, 66, 32, 128),
    Case("characters, GRU 512", {"cell": "gru", "hidden": 512, "embedding": 64, "dropout": 0.3}, 66, 32, 128),
    Case("words, LSTM 256 x 2", {"hidden": 256, "layers": 2, "embedding": 256, "tied": True}, 8000, 32, 35),
)

COLUMNS = (("torch.nn", 10), ("ours", 10), ("ratio", 8), ("quartiles", 14), ("kernels", 9), ("floor", 7))


class TorchStack(torch.nn.Module):
    """torch.nn's layers in the place of our stack, with locked dropout between them as ours has it."""

    def __init__(self, stack: nn.Stack) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(nn.to_torch(layer) for layer in stack.layers)
        self.dropout = stack.dropout

    def forward(self, x: torch.Tensor, state: Any = None, lengths: None = None) -> tuple[torch.Tensor, Any]:
        """As `nn.Stack`: y and a state for each layer."""
        after = []
        for place, layer in enumerate(self.layers):
            if place:
                x = nn.locked_dropout(x, self.dropout, self.training)
            x, last = layer(x, None if state is None else state[place])
            after.append(last)
        return x, tuple(after)


def run_of(network: Any) -> Run:
    """A run of training that never ends."""
    options = TrainingOptions(average=0.999, device="cpu")
    cpu, average = torch.device("cpu"), start_average(network)
    optimizer = new_optimizer(network.train(), options)
    return Run(network, optimizer, options, cpu, 1_000_000, History(untrained=0.0), {}, average)


def step_of(network: Any, batch: dict[str, torch.Tensor]) -> Any:
    """A training step, again and again; the state is carried."""
    run = run_of(network)
    return lambda: train_step(run, batch, network_loss)


def both(case: Case) -> tuple[Any, Any, dict[str, torch.Tensor]]:
    """The network on torch.nn layers, ours, and a batch."""
    torch.manual_seed(0)
    shape = {"kind": "language", "shape": {"tokens": case.tokens}}
    peer, ours = build(shape | case.options), build(shape | case.options)
    peer.recurrent = TorchStack(peer.recurrent)  # type: ignore[assignment]
    codes = torch.randint(0, case.tokens, (case.batch, case.steps + 1))
    return peer, ours, {"tokens": codes[:, :-1].contiguous(), "next": codes[:, 1:].contiguous()}


def kernels_alone(case: Case, pairs: int) -> Pairs:
    """Forward and backward of the layers by themselves."""
    peer, ours, _ = both(case)
    x = torch.randn(case.batch, case.steps, ours.options.embedding, requires_grad=True)

    def run(stack: Any) -> Any:
        return lambda: stack(x)[0].sum().backward()

    return interleave(run(peer.recurrent.eval()), run(ours.recurrent.eval()), pairs)


def main() -> None:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.language.lm_speed")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    told = parser.parse_args()
    torch.set_num_threads(told.threads)
    print("tokens a second".ljust(24) + "".join(f"{name:>{wide}}" for name, wide in COLUMNS))
    for case in CASES:
        peer, ours, batch = both(case)
        found = interleave(step_of(peer, batch), step_of(ours, batch), told.pairs)
        alone = kernels_alone(case, told.pairs).quartiles[1]
        count = case.batch * case.steps
        rates = [count / float(torch.tensor(taken).median()) for taken in (found.peer, found.ours)]
        low, middle, high = found.quartiles
        spread = f"{low:.2f}-{high:.2f}"
        print(
            f"{case.name:<24}{rates[0]:>10,.0f}{rates[1]:>10,.0f}{middle:>8.2f}{spread:>14}{alone:>9.2f}"
            f"{0.8 * alone:>7.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
