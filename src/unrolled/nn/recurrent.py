"""What Elman, LSTM and GRU have in common: weights, options, masks. The equations are in `kernels`."""

import copy
import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn import functional as F

from unrolled import kernels
from unrolled.arguments import flag, integer, number, one_of
from unrolled.errors import ArgumentError, explain
from unrolled.kernels import NO_MASKS, PRECISIONS, Cell, Masks, Weights
from unrolled.nn.layer import Layer, check_input, check_lengths, check_state

DROPOUTS = ("weight_drop", "variational")


@dataclass(frozen=True)
class CellOptions:
    """What may be changed about a cell besides its sizes. What is off costs nothing.

    bias: with the two biases of torch.nn.
    orthogonal: the recurrent weights of each gate start as a random orthogonal matrix (Saxe et al. 2014).
    recurrent_dropout: probability of a zero in the recurrent product, in training.
    dropout_kind: "weight_drop" takes out recurrent weights (Merity et al. 2018), one draw a call for the
        whole batch; "variational" takes out hidden units (Gal and Ghahramani 2016), one draw a call for each
        row. What stays is scaled by 1/(1-p).
    zoneout, zoneout_cell: probability that a unit of h (of an LSTM's c) keeps its old value at a step in
        training (Krueger et al. 2017); in evaluation old and new are mixed by it.
    layer_norm: both products are normalised gate by gate (Ba et al. 2016; the form: `kernels/reference.py`).
    precision: "bf16" rounds what is multiplied by a matrix, there and back: up to twice as fast where the CPU
        has AVX512-BF16, refused elsewhere. Weights, sums, states and gradients stay float32.

    Raises: ArgumentError.

    Example:
        >>> CellOptions(zoneout=0.1).zoneout
        0.1
    """

    bias: bool = True
    orthogonal: bool = False
    recurrent_dropout: float = 0.0
    dropout_kind: str = "weight_drop"
    zoneout: float = 0.0
    zoneout_cell: float = 0.0
    layer_norm: bool = False
    precision: str = "full"

    def __post_init__(self) -> None:
        flag("bias", self.bias)
        flag("orthogonal", self.orthogonal)
        check_probability("recurrent_dropout", self.recurrent_dropout)
        one_of("dropout_kind", self.dropout_kind, DROPOUTS)
        check_probability("zoneout", self.zoneout)
        check_probability("zoneout_cell", self.zoneout_cell)
        flag("layer_norm", self.layer_norm)
        one_of("precision", self.precision, PRECISIONS)


def check_probability(name: str, value: Any) -> float:
    """The value, if it is a number in [0, 1).

    Raises: ArgumentError.
    """
    cure = "0 is off; 1 would leave nothing."
    if number(name, value, 0.0, 1.0, cure) == 1.0:
        raise ArgumentError(explain(name, "a number >= 0 and < 1", repr(value), cure))
    return float(value)


class Recurrent(Layer):
    """One cell, run over sequences in one direction. Abstract: take Elman, LSTM or GRU.

    Shapes: weight_ih (gates*hidden, input); weight_hh (gates*hidden, hidden); bias_ih, bias_hh and, with
        layer_norm, gain_ih, gain_hh (gates*hidden,). Names, gate order and start are those of torch.nn.
    """

    state_type: ClassVar[type]
    bias_ih: Parameter | None
    bias_hh: Parameter | None
    gain_ih: Parameter | None
    gain_hh: Parameter | None

    def __init__(self, input_size: int, hidden_size: int, cell: Cell, options: CellOptions | None = None):
        super().__init__()
        self.input_size = integer("input_size", input_size, 1)
        self.hidden_size = integer("hidden_size", hidden_size, 1)
        self.output_size = self.hidden_size
        self.options = CellOptions() if options is None else options
        if not isinstance(self.options, CellOptions):
            raise ArgumentError(
                explain("options", "nn.CellOptions", repr(options), "Write nn.CellOptions(...).")
            )
        if self.options.zoneout_cell and cell.kind != "lstm":
            got = f"{self.options.zoneout_cell} for {cell.kind}"
            raise ArgumentError(
                explain("zoneout_cell", "0 where there is no cell state", got, "Set zoneout.")
            )
        self.cell = replace(cell, precision=self.options.precision)
        rows = cell.gates * self.hidden_size
        self.weight_ih = Parameter(torch.empty(rows, self.input_size))
        self.weight_hh = Parameter(torch.empty(rows, self.hidden_size))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(torch.empty(rows)) if self.options.bias else None)
        for name in ("gain_ih", "gain_hh"):
            self.register_parameter(name, Parameter(torch.empty(rows)) if self.options.layer_norm else None)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Start anew: uniform in +-1/sqrt(hidden), drawn in torch.nn's order; then what the options say."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh):
            if parameter is not None:
                parameter.uniform_(-bound, bound)
        for gain in (self.gain_ih, self.gain_hh):
            if gain is not None:
                gain.fill_(1.0)
        if self.options.orthogonal:
            for gate in self.weight_hh.chunk(self.cell.gates):
                torch.nn.init.orthogonal_(gate)

    def forward(self, x: Tensor, state: Any = None, lengths: Any = None) -> tuple[Tensor, Any]:
        """Run whole sequences from `state` (None: zeros).

        Raises: ArgumentError, ShapeError; BackendError if a backend was named that cannot run this.
        """
        x = check_input(x, self.input_size, self.weight_hh)
        start = check_state(state, self.state_type, x, self.hidden_size)
        lengths = check_lengths(lengths, *x.shape[:2])
        cell, weights, masks = self.parts(x)
        y, state = kernels.run(cell, x, start, weights, lengths, masks)
        return y, self.state_type(*state)

    def parts(self, x: Tensor) -> tuple[Cell, Weights, Masks]:
        """What a kernel is called with for this input besides it; in training its masks are drawn here."""
        return self._cell(x), self._weights(), self._masks(x)

    def backend(self, x: Tensor, lengths: Any = None) -> str:
        """The name of the backend that would run this call.

        Raises: as `forward`.
        """
        x = check_input(x, self.input_size, self.weight_hh)
        lengths = check_lengths(lengths, *x.shape[:2])
        devices = [x.device] if x.device.type == "cuda" else []
        with torch.random.fork_rng(devices):  # asking must not move the generator
            return kernels.chosen(self._cell(x), x, self._weights(), lengths, self._masks(x)).name

    def reversed(self) -> "Recurrent":
        """An equal layer that reads the other way, initialised anew."""
        other = copy.deepcopy(self)
        other.cell = replace(self.cell, reverse=not self.cell.reverse)
        other.reset_parameters()
        return other

    def extra_repr(self) -> str:
        """The sizes and what differs from the defaults, for print."""
        changed = [
            f"{name}={value!r}"
            for given, default in ((self.cell, Cell(self.cell.kind)), (self.options, CellOptions()))
            for name, value in vars(given).items()
            if value != getattr(default, name)
        ]
        return ", ".join([str(self.input_size), str(self.hidden_size), *changed])

    def _cell(self, x: Tensor) -> Cell:
        """Autocast asks for bf16 in every product; where nothing has it, a recurrence stays as it is."""
        if torch.is_autocast_enabled("cpu") and self.cell.precision == "full" and kernels.has_bf16(x):
            return replace(self.cell, precision="bf16")
        return self.cell

    def _weights(self) -> Weights:
        weight_hh: Tensor = self.weight_hh
        if self.training and self.options.recurrent_dropout and self.options.dropout_kind == "weight_drop":
            weight_hh = F.dropout(weight_hh, self.options.recurrent_dropout)
        return Weights(self.weight_ih, weight_hh, self.bias_ih, self.bias_hh, self.gain_ih, self.gain_hh)

    def _masks(self, x: Tensor) -> Masks:
        options = self.options
        variational = self.training and options.recurrent_dropout and options.dropout_kind == "variational"
        if not (variational or options.zoneout or options.zoneout_cell):
            return NO_MASKS
        hidden = x.new_ones(x.shape[0], self.hidden_size) if variational else None
        return Masks(
            None if hidden is None else F.dropout(hidden, options.recurrent_dropout),
            self._keep(x, options.zoneout),
            self._keep(x, options.zoneout_cell),
        )

    def _keep(self, x: Tensor, probability: float) -> Tensor | None:
        """The share of the old value each unit keeps: drawn in training, expected in evaluation."""
        if not probability:
            return None
        shape = (*x.shape[:2], self.hidden_size)
        if self.training:
            return torch.bernoulli(x.new_full(shape, probability))
        return x.new_full((1, 1, 1), probability).expand(shape)
