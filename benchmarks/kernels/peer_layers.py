"""One recurrent layer in each of the libraries compared, all with the weights of the same torch.nn layer."""

import importlib.util
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch

from benchmarks.kernels.cases import PEERS
from unrolled import nn

Shape = tuple[int, int, int, int]


class Layer(ABC):
    """A layer of (batch, time, input, hidden) and an input, drawn from a fixed seed.

    `run` waits until everything is there, and leaves it in `found`: y and, where `kind` is "train", the
    gradients of sum(y) in x and in the input's weights (gates * hidden, input).
    """

    def __init__(self, cell: str, shape: Shape, kind: str):
        batch, time, inputs, hidden = shape
        torch.manual_seed(0)
        self.cell, self.hidden, self.trains = cell, hidden, kind == "train"
        self.source = PEERS[cell](inputs, hidden, batch_first=True)
        self.x = torch.randn(batch, time, inputs)
        self.found: tuple[Any, ...] = ()

    @abstractmethod
    def run(self) -> None:
        """Forward and, in training, backward."""

    @abstractmethod
    def numbers(self) -> list[np.ndarray]:
        """What `run` found: y (batch, time, hidden), the gradients of x and of the input's weights."""

    def weights(self) -> list[np.ndarray]:
        """weight_ih, weight_hh, bias_ih, bias_hh, as torch has them."""
        return [p.detach().numpy() for p in self.source.parameters()]


class TorchLayer(Layer):
    """torch.nn itself."""

    def __init__(self, cell: str, shape: Shape, kind: str):
        super().__init__(cell, shape, kind)
        self.x.requires_grad_(self.trains)
        self.layer: torch.nn.Module = self.source

    def run(self) -> None:
        if not self.trains:
            with torch.no_grad():
                self.found = (self.layer(self.x)[0],)
            return
        y = self.layer(self.x)[0]
        learned = [self.x, *self.layer.parameters()]
        self.found = (y, *torch.autograd.grad(y, learned, torch.ones_like(y)))

    def numbers(self) -> list[np.ndarray]:
        return [part.detach().numpy() for part in self.found[:3]]


class OurLayer(TorchLayer):
    """Ours, with the same weights."""

    def __init__(self, cell: str, shape: Shape, kind: str):
        super().__init__(cell, shape, kind)
        self.layer = nn.from_torch(self.source)


class JaxLayer(Layer):
    """A jitted `scan`, time first, after one product for the inputs of all steps."""

    def __init__(self, cell: str, shape: Shape, kind: str):
        super().__init__(cell, shape, kind)
        import jax
        import jax.numpy as jnp

        def outputs(weights: Any, x: Any) -> Any:
            w, u, b_i, b_h = weights
            inputs = x @ w.T + b_i  # (T, B, G * H)
            start = (jnp.zeros((x.shape[1], self.hidden)),) * 2
            return jax.lax.scan(lambda state, a: jax_step(cell, state, a, u, b_h), start, inputs)[1]

        def loss(weights: Any, x: Any) -> Any:
            y = outputs(weights, x)
            return y.sum(), y

        trained = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)
        self.function = jax.jit(trained if self.trains else outputs)
        self.wait = jax.block_until_ready
        self.given = tuple(map(jnp.asarray, self.weights())), jnp.asarray(self.x.numpy().swapaxes(0, 1))

    def run(self) -> None:
        found = self.wait(self.function(*self.given))
        if self.trains:
            (_, y), (weights, x) = found
            self.found = (y, x, weights[0])
        else:
            self.found = (found,)

    def numbers(self) -> list[np.ndarray]:
        time_major = [np.asarray(part).swapaxes(0, 1) for part in self.found[:2]]
        return [*time_major, *map(np.asarray, self.found[2:])]


def jax_step(cell: str, state: Any, a: Any, u: Any, b_h: Any) -> Any:
    """One step of torch.nn's equations: the next state and h."""
    import jax
    import jax.numpy as jnp

    h, c = state
    product = h @ u.T + b_h
    if cell == "elman":
        h = jnp.tanh(a + product)
    elif cell == "lstm":
        i, f, g, o = jnp.split(a + product, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
    else:
        a_r, a_z, a_n = jnp.split(a, 3, axis=-1)
        u_r, u_z, u_n = jnp.split(product, 3, axis=-1)
        n = jnp.tanh(a_n + jax.nn.sigmoid(a_r + u_r) * u_n)
        h = n + jax.nn.sigmoid(a_z + u_z) * (h - n)
    return (h, c), h


class KerasLayer(Layer):
    """Keras 3 on TensorFlow, in a tf.function."""

    def __init__(self, cell: str, shape: Shape, kind: str):
        super().__init__(cell, shape, kind)
        import keras
        import tensorflow as tf

        kinds = {"elman": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
        layer = kinds[cell](self.hidden, return_sequences=True)
        x = tf.constant(self.x.numpy())
        layer.build(x.shape)
        layer.set_weights(self.keras_weights())

        def train() -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=True)
            learned = [x, *(variable.value for variable in layer.trainable_variables)]
            return y, *tape.gradient(y, learned, output_gradients=tf.ones_like(y))

        self.function = tf.function(train if self.trains else lambda: (layer(x, training=False),))

    def keras_weights(self) -> list[np.ndarray]:
        """The weights in Keras's layout: transposed, one bias (a GRU: two), a GRU's gates as z, r, n."""
        w, u, b_i, b_h = self.weights()
        if self.cell != "gru":
            return [w.T, u.T, b_i + b_h]
        return [self._gates(w).T, self._gates(u).T, np.stack([self._gates(b_i), self._gates(b_h)])]

    def run(self) -> None:
        self.found = self.function()

    def numbers(self) -> list[np.ndarray]:
        parts = [part.numpy() for part in self.found[:3]]
        if not self.trains:
            return parts
        weights = parts[2].T
        return [*parts[:2], self._gates(weights) if self.cell == "gru" else weights]

    def _gates(self, weights: np.ndarray) -> np.ndarray:
        r, z, n = np.split(weights, 3)  # or from z, r, n back
        return np.concatenate([z, r, n])


OURS = OurLayer


def installed(threads: int) -> dict[str, type[Layer]]:
    """The peers that are here. TensorFlow is told its threads; JAX has as many as there are cores."""
    peers: dict[str, type[Layer]] = {"torch": TorchLayer}
    if importlib.util.find_spec("jax"):
        peers["jax"] = JaxLayer
    if importlib.util.find_spec("keras") and importlib.util.find_spec("tensorflow"):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        peers["keras"] = KerasLayer
    return peers


def check_equal(peer: Layer, ours: Layer) -> None:
    """Stop unless both find the same."""
    peer.run()
    ours.run()
    for theirs, own in zip(peer.numbers(), ours.numbers(), strict=True):
        np.testing.assert_allclose(theirs, own, rtol=0, atol=1e-4 * max(1.0, float(np.abs(own).max())))
