"""Batches and networks for the tests of this room."""

import pytest
import torch

from unrolled.models import ForecastShape, build

SHAPE = ForecastShape(
    targets=2,
    series=2,
    past=1,
    known=2,
    static=1,
    past_codes=(3,),
    known_codes=(4,),
    static_codes=(2,),
    history=10,
    horizon=4,
    quantiles=(0.1, 0.5, 0.9),
    masked_target=True,
    masked_past=True,
    masked_static=True,
)


def make_batch(shape, rows=3, time=None, seed=0, missing=0.0, dtype=torch.float32):
    """A batch of random walks in raw units that fits a shape; a share of `missing` values is NaN."""
    draw = torch.Generator().manual_seed(seed)
    time = time or shape.history

    def normal(*size):
        return torch.randn(*size, generator=draw, dtype=dtype)

    def codes(sizes, *size):
        return torch.stack([torch.randint(n, size, generator=draw) for n in sizes], dim=-1)

    def holes(values):
        return values.where(torch.rand(values.shape, generator=draw) >= missing, torch.nan)

    walk = 20 + normal(rows, time + shape.horizon, shape.targets).cumsum(1)
    batch = {
        "target": holes(walk[:, :time]),
        "series": torch.arange(rows) % shape.series,
        "future": holes(walk[:, time:]),
        "after": holes(walk[:, time:]),
    }
    steps = time + shape.horizon
    if shape.past:
        batch["past"] = holes(normal(rows, time, shape.past))
    if shape.known:
        batch["known"] = normal(rows, steps, shape.known)
    if shape.static:
        batch["static"] = holes(normal(rows, shape.static))
    for role, lead in (("past", (rows, time)), ("known", (rows, steps)), ("static", (rows,))):
        if sizes := getattr(shape, f"{role}_codes"):
            batch[f"{role}_codes"] = codes(sizes, *lead)
    return batch


@pytest.fixture(name="make_batch")
def make_batch_fixture():
    return make_batch


@pytest.fixture
def shape_of():
    """The shape with every role in it that a kind of network can use."""

    def choose(kind, **changes):
        card = SHAPE.card() | (
            {"past": 0, "past_codes": [], "masked_past": False} if kind == "recursive" else {}
        )
        return ForecastShape.from_card(card | changes)

    return choose


@pytest.fixture
def make_network():
    """A network in evaluation; `stirred` gives every weight, the zeros of the head too, a random value."""

    def make(kind, shape, stirred=True, seed=0, **options):
        torch.manual_seed(seed)
        network = build({"kind": kind, "shape": shape.card(), "hidden": 6, **options})
        if stirred:
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter += 0.3 * torch.randn_like(parameter)
        return network.eval()

    return make


@pytest.fixture
def noise_for():
    """The noise a kind of network needs for a forecast: 5 paths, or none."""

    def draw(kind, shape, zero=False, dtype=torch.float32):
        if kind != "recursive":
            return None
        size = (1, 5, shape.horizon, shape.targets)
        generator = torch.Generator().manual_seed(1)
        return torch.zeros(size, dtype=dtype) if zero else torch.randn(size, generator=generator, dtype=dtype)

    return draw
