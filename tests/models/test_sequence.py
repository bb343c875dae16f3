import pytest
import torch
from torch.nn import functional as F

from unrolled.errors import ArgumentError, ShapeError
from unrolled.models import SequenceNetwork, SequenceShape, build
from unrolled.models.sequence import weighted_cross_entropy

HEADS = ("last", "mean", "every")
CLASSES = SequenceShape(features=3, classes=4, masked=True)
NUMBERS = SequenceShape(features=3, targets=2, masked=True)


def make_batch(shape, head="last", rows=4, time=6, seed=0, dtype=torch.float32):
    draw = torch.Generator().manual_seed(seed)
    lead = (rows, time) if head == "every" else (rows,)
    x = torch.randn(rows, time, shape.features, generator=draw, dtype=dtype)
    x[torch.rand(x.shape, generator=draw) < 0.2] = torch.nan
    if shape.classes:
        label = torch.randint(shape.classes, lead, generator=draw)
    else:
        label = torch.randn(*lead, shape.targets, generator=draw, dtype=dtype)
    return {"x": x, "lengths": torch.tensor([6, 4, 1, 0])[:rows], "label": label}


def make_network(shape, seed=0, **options):
    torch.manual_seed(seed)
    return build({"kind": "sequence", "shape": shape.card(), "hidden": 5, **options}).eval()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_rows_stand_alone_and_padding_does_not_matter(head, bidirectional):
    network = make_network(CLASSES, head=head, bidirectional=bidirectional, layers=2)
    batch = make_batch(CLASSES, head)
    padded = batch["x"].clone()
    for row, length in enumerate(batch["lengths"]):
        padded[row, length:] = 1e6
    together = network.scores(batch | {"x": padded})
    assert together.isfinite().all()
    for row, length in ((0, 6), (1, 4), (2, 1)):
        alone = network.scores({"x": batch["x"][row : row + 1, :length]})
        there = together[row : row + 1, :length] if head == "every" else together[row : row + 1]
        torch.testing.assert_close(alone, there)
    plain, _ = network.loss(batch)
    torch.testing.assert_close(network.loss(batch | {"x": padded})[0], plain)


def test_heads_read_what_they_say():
    batch = make_batch(CLASSES)
    every = make_network(CLASSES, head="every")
    hidden, _ = every.recurrent(torch.cat([batch["x"].nan_to_num(), (~batch["x"].isnan()).float()], -1))
    torch.testing.assert_close(every.scores({"x": batch["x"]}), every.head(hidden))
    last, mean = make_network(CLASSES, head="last"), make_network(CLASSES, head="mean")
    for network in (last, mean):
        network.load_state_dict(every.state_dict())
    torch.testing.assert_close(last.scores(batch)[1], every.head(hidden[1, 3]))
    torch.testing.assert_close(mean.scores(batch)[1], every.head(hidden[1, :4].mean(0)))


def test_a_bidirectional_last_reads_both_ends():
    network, every = (make_network(CLASSES, bidirectional=True, head=head) for head in ("last", "every"))
    every.load_state_dict(network.state_dict())
    batch = make_batch(CLASSES)
    x = torch.cat([batch["x"].nan_to_num(), (~batch["x"].isnan()).float()], -1)
    hidden, _ = every.recurrent(x, None, batch["lengths"])
    ends = torch.cat([hidden[1, 3, :5], hidden[1, 0, 5:]])  # forward after step 4 of 4, backward after step 1
    torch.testing.assert_close(network.scores(batch)[1], network.head(ends))


def test_labels_behind_the_length_do_not_count():
    for shape in (CLASSES, NUMBERS):
        network, batch = make_network(shape, head="every"), make_batch(shape, "every")
        other = batch["label"].clone()
        for row, length in enumerate(batch["lengths"]):
            other[row, length:] = 1 if shape.classes else 1e6
        torch.testing.assert_close(network.loss(batch | {"label": other})[0], network.loss(batch)[0])


def test_scores_of_a_regression_are_in_raw_units():
    network, batch = make_network(NUMBERS), make_batch(NUMBERS)
    plain = network.scores(batch)
    network.set_scaling({"target_mean": [10.0, 20.0], "target_scale": [2.0, 3.0]})
    torch.testing.assert_close(
        network.scores(batch), torch.tensor([10.0, 20.0]) + plain * torch.tensor([2.0, 3.0])
    )
    raw = torch.tensor([10.0, 20.0]) + batch["label"] * torch.tensor([2.0, 3.0])
    expected = (batch["label"] - plain).square().mean()
    torch.testing.assert_close(network.loss(batch | {"label": raw})[0], expected)


def test_features_are_standardised():
    network, batch = make_network(CLASSES), make_batch(CLASSES)
    plain = network.scores(batch)
    network.set_scaling({"mean": [5.0, 6.0, 7.0], "scale": [2.0, 2.0, 4.0]})
    raw = batch["x"] * torch.tensor([2.0, 2.0, 4.0]) + torch.tensor([5.0, 6.0, 7.0])
    torch.testing.assert_close(network.scores({**batch, "x": raw}), plain)


def test_missing_answers_do_not_count():
    for shape, missing in ((CLASSES, -1), (NUMBERS, torch.nan)):
        for head in ("last", "every"):
            network, batch = make_network(shape, head=head), make_batch(shape, head)
            fewer = {key: value[:2] for key, value in batch.items()}
            batch["label"][2:] = missing
            loss, _ = network.loss(batch)
            torch.testing.assert_close(loss, network.loss(fewer)[0])
            loss.backward()
            assert all(parameter.grad.isfinite().all() for parameter in network.parameters())
            assert network.loss(batch | {"label": torch.full_like(batch["label"], missing)})[0] == 0


def test_class_weights_are_those_of_the_weighted_mean():
    scores, label = torch.randn(5, 7, 3), torch.randint(3, (5, 7))
    weights = torch.tensor([1.0, 5.0, 0.5])
    expected = F.cross_entropy(scores.flatten(0, 1), label.flatten(), weights)
    given = weighted_cross_entropy(scores, label, torch.ones_like(label, dtype=torch.bool), weights)
    torch.testing.assert_close(given, expected)


@pytest.mark.parametrize("shape", [CLASSES, NUMBERS])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("head", HEADS)
def test_gradients_are_right(shape, bidirectional, head):
    network = make_network(shape, head=head, bidirectional=bidirectional, cell="lstm").double()
    batch = make_batch(shape, head, dtype=torch.float64)
    values = tuple(network.parameters())
    names = [name for name, _ in network.named_parameters()]

    def loss(*given):
        scores = torch.func.functional_call(network, dict(zip(names, given, strict=True)), (batch,))
        return scores.square().sum()

    assert torch.autograd.gradcheck(loss, values, fast_mode=True)


def test_it_learns_which_half_is_louder():
    torch.manual_seed(0)
    x = torch.randn(64, 10, 1)
    label = (x[:, :5].square().sum((1, 2)) > x[:, 5:].square().sum((1, 2))).long()
    network = build(
        {"kind": "sequence", "shape": {"features": 1, "classes": 2}, "hidden": 16, "cell": "lstm"}
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        network.loss({"x": x, "label": label})[0].backward()
        optimizer.step()
    assert (network.scores({"x": x}).argmax(-1) == label).float().mean() > 0.97


def test_configuration_and_weights_make_the_same_network():
    network = make_network(NUMBERS, head="mean", bidirectional=True, layers=2)
    network.set_scaling({"scale": [2.0, 3.0, 4.0]})
    other = build(network.configuration).eval()
    other.load_state_dict(network.state_dict())
    batch = make_batch(NUMBERS)
    assert other.configuration == network.configuration
    assert torch.equal(other.scores(batch), network.scores(batch))


def test_cost_is_the_sum_of_its_products():
    network = SequenceNetwork(
        SequenceShape(features=3, classes=2), "gru", hidden=4, layers=2, bidirectional=True
    )
    assert network.cost() == 2 * 12 * (3 + 4) + 2 * 12 * (8 + 4) + 8 * 2


def test_what_does_not_fit_is_refused():
    network, batch = make_network(CLASSES), make_batch(CLASSES)
    with pytest.raises(
        ArgumentError, match=r"head: expected one of last, mean, every, got 'lst'\. Did you mean 'last'\?"
    ):
        make_network(CLASSES, head="lst")
    with pytest.raises(
        ShapeError, match=r"expected \(batch, time, 3\), got \(6, 3\). One sequence\? Pass x\[None\]"
    ):
        network.scores({"x": batch["x"][0]})
    with pytest.raises(
        ShapeError, match=r"batch\['label'\]: expected \(4,\), got \(4, 6\). Give one label per"
    ):
        network.loss(make_batch(CLASSES, "every"))
