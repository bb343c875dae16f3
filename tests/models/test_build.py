import json

import pytest

from unrolled.errors import ArgumentError
from unrolled.models import ForecastShape, SequenceShape, build
from unrolled.models.build import KINDS as NETWORKS
from unrolled.nn import parameter_count

KINDS = ", ".join(NETWORKS)


@pytest.mark.parametrize("kind", ["segment", "direct", "recursive", "sequence"])
def test_configuration_is_json_that_builds_an_equal_network(kind):
    shape = (
        SequenceShape(features=2, targets=1) if kind == "sequence" else ForecastShape(history=9, horizon=2)
    )
    network = build({"kind": kind, "shape": shape.card(), "hidden": 3})
    other = build(json.loads(json.dumps(network.configuration)))
    assert type(other) is type(network)
    assert other.configuration == network.configuration
    assert parameter_count(other) == parameter_count(network)
    assert set(network.configuration) == {"kind", "shape", *options_of(network)}


def options_of(network):
    """The constructor's arguments, each of which the configuration must hold."""
    names = type(network).__init__.__code__.co_varnames[: type(network).__init__.__code__.co_argcount]
    return [name for name in names if name not in ("self", "shape")]


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        (
            {"kind": "segmnt"},
            f"kind: expected one of {KINDS}, got 'segmnt'. Did you mean",
        ),
        ({}, f"kind: expected one of {KINDS}, got None."),
        ({"kind": "direct"}, "shape: expected an object, got None. A shape names the columns"),
        ({"kind": "direct", "shape": {}, "hiden": 3}, "got 'hiden'. Did you mean 'hidden'?"),
        ({"kind": "direct", "shape": {"target": 3}}, "got 'target'. Did you mean 'targets'?"),
        ({"kind": "sequence", "shape": {"clases": 3}}, "got 'clases'. Did you mean 'classes'?"),
    ],
)
def test_wrong_names_are_refused_with_the_nearest(configuration, message):
    with pytest.raises(ArgumentError) as error:
        build(configuration)
    assert message in str(error.value)
