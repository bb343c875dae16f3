"""Cheap measurements inside a network: gradient reach, memory that is used, gates; training may take them."""

from unrolled.probe.gates import GateStatistics, gate_statistics, gate_values
from unrolled.probe.losses import few_rows, final_losses
from unrolled.probe.memory import MemoryUsed, memory_used
from unrolled.probe.reach import GradientReach, gradient_reach, hidden_gradients, input_reach
from unrolled.probe.trace import Call, Trace, looking_on, named_cells, recurrent_layers, traced
