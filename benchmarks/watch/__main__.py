"""`python -m benchmarks.watch`: training with and without a look inside every N steps.

A case is trained in blocks of N steps, turn by turn with one look in it and without; the table has the median
of the paired ratios with its quartiles. Both kinds of block do the same steps on the same data.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from unrolled.models import build
from unrolled.training import SilentReporter, TrainingOptions, Watch, Watching, network_loss, train_step
from unrolled.training.history import History
from unrolled.training.run import Run, new_optimizer
from unrolled.training.weights import snapshot

CASES = {
    "classify, GRU 16, 32 x 20 x 4": (
        {"kind": "sequence", "shape": {"features": 4, "classes": 2}, "hidden": 16},
        lambda: {"x": torch.randn(32, 20, 4), "label": torch.randint(0, 2, (32,))},
    ),
    "classify, GRU 64, 32 x 100 x 8": (
        {"kind": "sequence", "shape": {"features": 8, "classes": 2}, "hidden": 64},
        lambda: {"x": torch.randn(32, 100, 8), "label": torch.randint(0, 2, (32,))},
    ),
    "forecast, segments, GRU 128, 128 x 336": (
        {"kind": "segment", "shape": {"history": 336, "horizon": 24}, "hidden": 128},
        lambda: {"target": torch.randn(128, 336, 1), "future": torch.randn(128, 24, 1)},
    ),
    "forecast, direct, LSTM 64, 64 x 64": (
        {"kind": "direct", "shape": {"horizon": 24}, "cell": "lstm", "hidden": 64},
        lambda: {"target": torch.randn(64, 64, 1), "after": torch.randn(64, 24, 1)},
    ),
    "language model, LSTM 256, 32 x 128": (
        {"kind": "language", "shape": {"tokens": 65}, "hidden": 256},
        lambda: {"tokens": torch.randint(0, 65, (32, 128)), "next": torch.randint(0, 65, (32, 128))},
    ),
}


def new_run(configuration: dict) -> Run:
    """A run before its first step."""
    torch.manual_seed(0)
    network = build(configuration).train()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "head" in name:  # where it starts at 0, there would be no gradient to look at
                weight.add_(0.05 * torch.randn(weight.shape))
    options = TrainingOptions(epochs=10_000, schedule="constant", device="cpu")
    optimizer = new_optimizer(network, options)
    device = torch.device("cpu")
    return Run(network, optimizer, options, device, 1_000_000, History(1.0), snapshot(network), None)


def block(run: Run, batch: dict, steps: int, watching: Watching | None) -> float:
    """Seconds of so many steps, with the look that is due at their end."""
    start = time.perf_counter()
    for _ in range(steps):
        train_step(run, batch, network_loss)
        run.state = None
    if watching is not None:
        run.index += -run.index % watching.watch.every
        watching.look(run, batch, network_loss)
    return time.perf_counter() - start


def measure(name: str, every: int, seconds: float) -> str:
    """A line of the table."""
    configuration, make = CASES[name]
    run, batch, ratios = new_run(configuration), make(), []
    with tempfile.TemporaryDirectory() as folder:
        watching = Watching(Watch(every, Path(folder), tensorboard=True), SilentReporter())
        watching.start(1, 1, 0)
        block(run, batch, 3, watching)
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(ratios) < 4:
            plain, watched = block(run, batch, every, None), block(run, batch, every, watching)
            again = block(run, batch, every, None)
            ratios.append(2 * watched / (plain + again))
        watching.close()
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{name:<42} {middle:8.4f} {low:8.4f} {high:8.4f} {len(ratios):6}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=100, help="steps between two looks")
    parser.add_argument("--seconds", type=float, default=45.0, help="for each case")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"a look every {arguments.every} steps; time with it, of that without (median, quartiles)")
    print(f"{'':<42} {'ratio':>8} {'25 %':>8} {'75 %':>8} {'pairs':>6}")
    for case in CASES:
        print(measure(case, arguments.every, arguments.seconds), flush=True)
