import hashlib

from unrolled.models import build
from unrolled.tasks.checkpoint import checkpoint_of


def test_a_checkpoint_knows_what_is_trained_on_what(tmp_path):
    network = build({"kind": "language", "shape": {"tokens": 3}, "hidden": 2, "embedding": 2})
    made = checkpoint_of(tmp_path / "run", network, {"bptt": 7}, [b"one", b"two"])
    assert made is not None and made.path == tmp_path / "run"
    digest = hashlib.blake2b(b"onetwo", digest_size=16).hexdigest()
    assert made.fingerprint == {"network": network.configuration, "bptt": 7, "data": digest}


def test_without_a_path_no_data_is_read():
    def data():
        raise AssertionError("read")
        yield b""

    network = build({"kind": "language", "shape": {"tokens": 3}, "hidden": 2, "embedding": 2})
    assert checkpoint_of(None, network, {}, data()) is None
