"""The Program of a text answers what the network does, read word by word."""

import numpy as np
import pytest
import torch

from unrolled.models import build
from unrolled.runtime.stream import run_sequence

SHAPE = {"words": 9, "answers": 3, "shapes": 4, "characters": 7}
LENGTHS, LONGEST = [5, 1, 3], 24


def made(**options):
    torch.manual_seed(0)
    network = build({"shape": SHAPE, "hidden": 6, "width": 5, "spelling_size": 8} | options).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.randn(weights.shape) * 0.4)
    return network


def batch() -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    drawn = {
        "words": torch.randint(0, 9, (3, 5), generator=random),
        "shapes": torch.randint(0, 4, (3, 5), generator=random),
        "spelling": torch.arange(15).reshape(3, 5),
        "spelled": torch.randint(0, 7, (15, LONGEST), generator=random),
        "spelled_lengths": torch.tensor([1, 24, 2, 3, 9, 5, 1, 1, 1, 1, 7, 8, 2, 1, 1]),
    }
    behind = torch.arange(LONGEST) >= drawn["spelled_lengths"][:, None]
    drawn["spelled"][behind] = 0
    return drawn | {"lengths": torch.tensor(LENGTHS)}


def rows(network, given: dict[str, torch.Tensor], row: int, length: int) -> np.ndarray:
    parts = [given["words"][row, :length, None], given["shapes"][row, :length, None]]
    if network.inputs.spelling is not None:
        words = given["spelling"][row, :length]
        parts += [given["spelled_lengths"][words][:, None], given["spelled"][words]]
    return torch.cat(parts, 1).numpy()


def close(found: np.ndarray, wanted: np.ndarray) -> bool:
    return bool((np.abs(found - wanted) <= 1e-5 * np.maximum(np.abs(wanted), 1)).all())


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pool", ["last", "mean", "max", "attention"])
def test_a_classifier(pool, bidirectional):
    network = made(kind="text classifier", pool=pool, bidirectional=bidirectional, cell="gru", layers=2)
    with torch.no_grad():
        network.sharpness.fill_(1.7)
    given, program = batch(), network.lower()
    wanted = network.scores(given).detach().numpy()
    for row, length in enumerate(LENGTHS):
        assert close(run_sequence(program, rows(network, given, row, length))[-1], wanted[row])
    assert program.streamable is not bidirectional


@pytest.mark.parametrize("kind", ["text classifier", "tagger"])
@pytest.mark.parametrize("spelling", ["cnn", "lstm"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_characters(kind, spelling, bidirectional):
    network = made(kind=kind, spelling=spelling, bidirectional=bidirectional)
    given, program = batch(), network.lower()
    wanted = (network.scores(given) if kind == "text classifier" else network(given)).detach().numpy()
    for row, length in enumerate(LENGTHS):
        found = run_sequence(program, rows(network, given, row, length))
        assert close(found[-1], wanted[row]) if wanted.ndim == 2 else close(found, wanted[row, :length])
    assert program.streamable is not bidirectional
