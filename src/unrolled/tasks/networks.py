"""Networks and model files: the weights out, the weights in, nothing believed before it fits."""

from typing import Any

import numpy as np
import torch

from unrolled.errors import ArgumentError, ModelFileError, explain
from unrolled.format import ModelFile, array, field, whole
from unrolled.models import Network, TextClassifierNetwork, build
from unrolled.models.architectures import why_no_program


def weights_of(network: Network) -> dict[str, np.ndarray]:
    """The network's weights and buffers, by name; its Program goes by the same names."""
    return {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}


def program_card(model: Any) -> dict[str, Any]:
    """What a model file says of the model's Program: the Program, or why there is none."""
    network = model.network_
    if why := why_no_program(network.configuration.get("cell"), isinstance(network, TextClassifierNetwork)):
        return {"no_program": why}
    return {"program": model.program().to_card()}


def network_from_file(file: ModelFile) -> Network:
    """The network a model file describes, with its weights.

    The network is first built without memory, so that a forged size costs none.
    Raises: ModelFileError naming what does not fit.
    """
    configuration = field(file.card, "network", dict)
    # Layers are objects even without memory: more of them than there are arrays is a forgery.
    whole(configuration, "layers", 1, len(file.tensors), "card.network")
    cure = "Take another copy of the file, or save the model again."
    try:
        with torch.device("meta"):
            network = build(configuration)
    except (ArgumentError, RuntimeError, TypeError, ValueError, OverflowError) as error:
        got = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelFileError(explain("card.network", "a network's configuration", got, cure)) from None
    wanted = network.state_dict()
    for name in file.tensors.keys() - wanted.keys():
        raise ModelFileError(explain(f"array {name!r}", "an array of the network", "one it has not", cure))
    weights = {
        # A clone lies where torch lays its own tensors: the same alignment, the same bits.
        name: torch.from_numpy(array(file.tensors, name, "float32", tuple(value.shape))).clone()
        for name, value in wanted.items()
    }
    network.load_state_dict(weights, assign=True)
    return network.requires_grad_(True).eval()
