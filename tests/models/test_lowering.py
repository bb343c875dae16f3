"""A network and its Program give the same answers: every decoder, cell and option."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from unrolled.models import ForecastShape, SequenceShape, build
from unrolled.models.recurrent import CELLS
from unrolled.runtime import Program, Stream
from unrolled.runtime.stream import draw_noise, run_sequence

DECODERS = ("segment", "direct", "recursive")
ROWS = 26
PLAIN = {"targets": 1, "history": 12, "horizon": 5}
FULL = {
    **PLAIN,
    "targets": 2,
    "series": 3,
    "past": 2,
    "known": 3,
    "static": 1,
    "past_codes": [4],
    "known_codes": [3, 5],
    "static_codes": [6],
    "quantiles": [0.05, 0.25, 0.5, 0.9],
}
MASKED = {"masked_target": True, "masked_past": True, "masked_static": True}
SHAPES = {"plain": PLAIN, "masked": {**PLAIN, "masked_target": True}, "full": FULL, "all": {**FULL, **MASKED}}


@pytest.fixture(autouse=True, params=["native", "numpy"])
def runtime(request, monkeypatch) -> str:
    """Every test here holds in both runtimes."""
    monkeypatch.setenv("UNROLLED_RUNTIME", request.param)
    return request.param


@dataclass
class Case:
    """A network with drawn weights and scalers, a series for it, and its rows and future by name."""

    network: torch.nn.Module
    batch: dict[str, torch.Tensor]
    rows: dict[str, np.ndarray]
    future: dict[str, np.ndarray] | None

    def program(self) -> Program:
        return self.network.lower(paths=7, seed=3)

    @property
    def recursive(self) -> bool:
        return self.network.configuration["kind"] == "recursive"

    def forecast(self, program: Program, stop: int) -> np.ndarray:
        """The network's answer after `stop` rows."""
        shape = self.network.shape
        start = stop - shape.history if self.network.configuration["kind"] == "segment" else 0
        batch = {}
        for key, value in self.batch.items():
            ahead = shape.horizon if key.startswith("known") else 0
            batch[key] = value if key.startswith(("static", "series")) else value[:, start : stop + ahead]
        noise = torch.from_numpy(draw_noise(program, stop))[None] if self.recursive else None
        with torch.no_grad():
            return self.network.forecast(batch, noise=noise)[0][0].numpy()


def draw_weights(network: torch.nn.Module, generator: torch.Generator) -> None:
    """Every weight and buffer away from its start, so that none can be forgotten."""
    with torch.no_grad():
        for name, tensor in (*network.named_parameters(), *network.named_buffers()):
            drawn = torch.randn(tensor.shape, generator=generator)
            tensor.copy_(drawn.abs() * 2 + 0.5 if "scale" in name else drawn * 0.4)


def make_case(kind: str, shape: dict, **options) -> Case:
    shape = {key: value for key, value in shape.items() if kind != "recursive" or "past" not in key}
    network = build({"kind": kind, "shape": shape, "hidden": 6, **options}).eval()
    draw_weights(network, torch.Generator().manual_seed(1))
    rng, sizes = np.random.default_rng(2), network.shape
    batch: dict[str, np.ndarray] = {"series": np.array([sizes.series - 1])}
    steps = {"target": ROWS, "past": ROWS, "known": ROWS + sizes.horizon, "static": 1}
    for role, count in steps.items():
        width = sizes.targets if role == "target" else getattr(sizes, role)
        codes = getattr(sizes, f"{role}_codes", ())
        values = rng.normal(3.0, 2.0, (1, count, width)).astype(np.float32)
        if getattr(sizes, f"masked_{role}", False):
            values[rng.random(values.shape) < 0.3] = np.nan
        if width:
            batch[role] = values
        if codes:
            batch[f"{role}_codes"] = np.stack([rng.integers(0, n, (1, count)) for n in codes], axis=-1)
    rows, future = by_name(batch, sizes.horizon)
    for key in ("static", "static_codes"):
        if key in batch:
            batch[key] = batch[key][:, 0]
    return Case(network, {key: torch.from_numpy(value) for key, value in batch.items()}, rows, future)


def by_name(batch: dict[str, np.ndarray], horizon: int) -> tuple[dict, dict | None]:
    rows, future = {}, {}
    for key, values in batch.items():
        for place in range(values.shape[-1] if key != "series" else 0):
            column = values[0, :, place]
            rows[f"{key}[{place}]"] = np.resize(column, ROWS) if key.startswith("static") else column[:ROWS]
            if key.startswith("known"):
                future[f"{key}[{place}]"] = column[ROWS:]
    return rows, future or None


def assert_parity(got: np.ndarray, wanted: np.ndarray, scale: np.ndarray) -> None:
    """max |a - b| <= 1e-5 * max(|b|, the target's standard deviation). Shapes: scale broadcasts."""
    assert got.shape == wanted.shape
    assert np.isfinite(wanted).all()
    assert (np.abs(got - wanted) <= 1e-5 * np.maximum(np.abs(wanted), scale)).all(), np.abs(
        got - wanted
    ).max()


def scale_of(case: Case) -> np.ndarray:
    scale = case.network.inputs.target_scale.numpy()
    return scale[int(case.batch["series"][0])][:, None]


def stream_of(case: Case, program: Program) -> Stream:
    return Stream(program, series=int(case.batch["series"][0]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", DECODERS)
def test_a_program_answers_as_its_network(kind, cell, shape):
    case = make_case(kind, SHAPES[shape], cell=cell, layers=2 if shape in ("masked", "all") else 1)
    program = case.program()
    answer = stream_of(case, program).last(case.rows, case.future)
    assert_parity(answer, case.forecast(program, ROWS), scale_of(case))


@pytest.mark.parametrize("kind", DECODERS)
def test_every_row_of_a_stream_is_the_networks_answer_there(kind):
    case = make_case(kind, SHAPES["all"], layers=2)
    program = case.program()
    answers = stream_of(case, program).run(case.rows, case.future)
    for stop in range(program.history, ROWS + 1):
        assert_parity(answers[stop - 1], case.forecast(program, stop), scale_of(case))
    assert np.isnan(answers[: program.history - 1]).all()


@pytest.mark.parametrize("kind", DECODERS)
def test_step_by_step_is_the_whole_to_the_bit(kind):
    case = make_case(kind, SHAPES["all"], cell="lstm")
    program = case.program()
    whole = stream_of(case, program).run(case.rows, case.future)
    stream = stream_of(case, program)
    horizon = case.network.shape.horizon
    for t in range(ROWS):
        row = {name: values[t] for name, values in case.rows.items()}
        ahead = {
            name: np.concatenate([case.rows[name][t + 1 :], last])[:horizon]
            for name, last in case.future.items()
        }
        answer = stream.step(row, ahead)
        assert stream.ready == (answer is not None)
        if answer is not None:
            np.testing.assert_array_equal(answer, whole[t])
    last = stream_of(case, program).last(case.rows, case.future)
    np.testing.assert_array_equal(last, whole[-1])


@pytest.mark.parametrize("highway", [1, 5, 12])
def test_the_highway_of_the_segment_decoder(highway):
    case = make_case("segment", SHAPES["all"], highway=highway)
    program = case.program()
    answer = stream_of(case, program).last(case.rows, case.future)
    assert_parity(answer, case.forecast(program, ROWS), scale_of(case))
    assert program.multiply_adds == case.network.cost()


@pytest.mark.parametrize("level", ["off", "zero", "normal"])
@pytest.mark.parametrize("segment", [1, 5, 12])
@pytest.mark.parametrize("hidden", [1, 7])
def test_options_of_the_segment_decoder(level, segment, hidden):
    case = make_case("segment", SHAPES["all"], level=level, segment=segment, hidden=hidden)
    program = case.program()
    answer = stream_of(case, program).last(case.rows, case.future)
    assert_parity(answer, case.forecast(program, ROWS), scale_of(case))
    assert program.multiply_adds == case.network.cost()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_feed_forward_program_answers_as_its_network(shape):
    layers = 2 if shape in ("masked", "all") else 1
    case = make_case("segment", SHAPES[shape], cell="feed-forward", layers=layers)
    program = case.program()
    answers = stream_of(case, program).run(case.rows, case.future)
    for stop in range(program.history, ROWS + 1):
        assert_parity(answers[stop - 1], case.forecast(program, stop), scale_of(case))
    assert program.multiply_adds == case.network.cost()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("head", ["last", "mean", "every"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("shape", [{"classes": 3}, {"targets": 2}])
def test_a_sequence_program_answers_as_its_network(cell, head, bidirectional, shape):
    sizes = SequenceShape(features=3, masked=True, **shape).card()
    options = {"cell": cell, "head": head, "bidirectional": bidirectional, "layers": 2, "hidden": 5}
    network = build({"kind": "sequence", "shape": sizes, **options}).eval()
    draw_weights(network, torch.Generator().manual_seed(4))
    rng = np.random.default_rng(5)
    x = rng.normal(1.0, 2.0, (9, 3)).astype(np.float32)
    x[rng.random(x.shape) < 0.2] = np.nan
    with torch.no_grad():
        wanted = network.scores({"x": torch.from_numpy(x)[None]})[0].numpy()
    program = network.lower()
    answers = run_sequence(program, x)
    assert_parity(answers if head == "every" else answers[-1], wanted, np.float32(1))
    assert program.streamable == (not bidirectional)
    assert program.multiply_adds == network.cost()
    if not bidirectional:
        stream = Stream(program)
        stepped = np.stack([stream.step(row) for row in x])
        np.testing.assert_array_equal(stepped, Stream(program).run(x))
        assert_parity(stepped, answers, np.float32(1))


def test_a_direct_program_costs_what_its_network_says():
    case = make_case("direct", SHAPES["all"], layers=2)
    assert case.program().multiply_adds == case.network.cost()


@pytest.mark.parametrize("kind", DECODERS)
def test_the_fast_last_answer_needs_no_future_of_earlier_rows(kind):
    case = make_case(kind, {**PLAIN, "known": 1})
    stream = Stream(case.program())
    stream.last({name: values[:-1] for name, values in case.rows.items()}, case.future)
    assert stream.rows == ROWS - 1


def test_a_wrong_gate_is_seen():
    """The parity can fail: one weight with another sign is far outside the tolerance."""
    case = make_case("direct", SHAPES["plain"])
    program = case.program()
    wanted = case.forecast(program, ROWS)
    with torch.no_grad():
        case.network.recurrent.layers[0].weight_hh[0] *= -1
    answer = Stream(case.program()).last(case.rows)
    with pytest.raises(AssertionError):
        assert_parity(answer, wanted, scale_of(case))


def test_a_shape_round_trips_through_a_card():
    assert ForecastShape.from_card(make_case("direct", FULL).network.shape.card()).targets == 2
