"""That flip_gate_signs.py finds every gate: building each flip takes too long for a test."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from flip_gate_signs import FILES, FOLDER, ROOT, flips_of


# Elman: tanh, relu and their gradient. LSTM: four gates and tanh(c) there, tanh(c) and four gradients back.
# GRU: z, r and n with the reset after and before the product, and five gradients.
@pytest.mark.parametrize(("file", "count"), [("elman.h", 3), ("lstm.h", 10), ("gru.h", 10)])
def test_every_gate_is_found(file: str, count: int) -> None:
    assert file in FILES
    text = (ROOT / FOLDER / file).read_text(encoding="utf-8")
    flips = flips_of(file, text)
    assert len(flips) == count
    changed = {flip.apply(text) for flip in flips}
    assert len(changed) == count and text not in changed
    assert all(flip.apply(text).count("(") == text.count("(") + 1 for flip in flips)
