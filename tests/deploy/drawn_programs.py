"""Programs to export: every kind of network with drawn weights, and rows for them."""

import torch

from unrolled.models import build
from unrolled.preprocess.word_shapes import LONGEST
from unrolled.runtime import Column, Columns, Interval, Program

PLAIN = {"targets": 1, "history": 12, "horizon": 5}
FULL = {
    **PLAIN,
    "targets": 2,
    "series": 3,
    "past": 2,
    "known": 5,  # three columns and the two waves of the hour
    "static": 1,
    "past_codes": [4],
    "known_codes": [3, 5],
    "static_codes": [6],
    "quantiles": [0.05, 0.25, 0.5, 0.9],
    "masked_target": True,
    "masked_past": True,
    "masked_static": True,
}
HOUR = Interval("microsecond", 3_600_000_000)
WORDS = tuple("abcdefgh")


def draw_weights(network: torch.nn.Module, seed: int = 1) -> None:
    """Every weight and buffer away from its start, so that none can be forgotten."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in (*network.named_parameters(), *network.named_buffers()):
            drawn = torch.randn(tensor.shape, generator=generator)
            tensor.copy_(drawn.abs() * 2 + 0.5 if "scale" in name else drawn * 0.4)


def words(count: int) -> tuple[str, ...]:
    """The words of a column whose table has `count` rows, 0 for the unknown."""
    return ("Föhn & rain", "for", "snow", "sun", "wind")[: count - 1]


def columns_of(shape: dict, interval: Interval = HOUR) -> Columns:
    """Columns for `FULL`, with names that are no identifiers."""
    masked = {role: bool(shape.get(f"masked_{role}")) for role in ("target", "past", "known", "static")}
    counts = {"target": shape["targets"], "past": 2, "known": 3, "static": 1}
    found = [
        Column(f"{role} {n + 1} (°C)", role, masked[role])
        for role in counts
        if role == "target" or shape.get(role)
        for n in range(counts[role])
    ]
    for role in ("past", "known", "static"):
        for n, count in enumerate(shape.get(f"{role}_codes", ())):
            found.append(Column(f"{role} word {n + 1}", role, role != "known", words(count)))
    stamped = shape.get("known", 0) > 0
    series = ("north", "south", "2nd") if shape.get("series", 1) > 1 else ()
    return Columns(tuple(found), "date" if stamped else None, interval, series)


def lowered(
    kind: str, shape: dict | None = None, paths: int = 7, interval: Interval = HOUR, **options
) -> Program:
    """A network of drawn weights as a Program with columns."""
    shape = FULL if shape is None else shape
    shape = {key: value for key, value in shape.items() if kind != "recursive" or "past" not in key}
    network = build({"kind": kind, "shape": shape, "hidden": 6, **options}).eval()
    draw_weights(network)
    program = network.lower(paths=paths, seed=3) if kind == "recursive" else network.lower()
    phases = ("hour of day",) if shape.get("known", 0) > 0 else ()
    return program.with_columns(columns_of(shape, interval), phases)


def sequence(shape: dict, seed: int = 1, **options) -> Program:
    """A sequence network of drawn weights as a Program with columns."""
    network = build({"kind": "sequence", "shape": shape, **options}).eval()
    draw_weights(network, seed)
    masked = bool(shape.get("masked"))
    columns = tuple(Column(f"sensor {n}", "x", masked) for n in range(shape["features"]))
    return network.lower().with_columns(Columns(columns))


def text(kind: str, **options) -> Program:
    """A network over tokens, whose words are known so that drawn rows hold all of them."""
    shapes = {
        "language": {"tokens": 9},
        "masked": {"tokens": 9},
        "text classifier": {"words": 9, "answers": 3},
        "tagger": {"words": 9, "answers": 3, "shapes": 4, "characters": 9},
    }
    network = build({"kind": kind, "shape": shapes[kind], "hidden": 6} | options).eval()
    draw_weights(network)
    columns = [Column("token", "x", words=WORDS)]
    if kind == "tagger":
        columns.append(Column("shape", "x", words=tuple("xyz")))
    if options.get("spelling", "none") != "none":
        columns.append(Column("length", "x", words=tuple(f"{n:02}" for n in range(1, LONGEST + 1))))
        columns += [Column(f"character {n}", "x", words=WORDS) for n in range(LONGEST)]
    return network.lower().with_columns(Columns(tuple(columns)))
