"""A Program on other machines: C, WebAssembly, ONNX, int8, and the check that they answer alike."""

from unrolled.deploy.export import TARGETS as TARGETS
from unrolled.deploy.export import Exported as Exported
from unrolled.deploy.export import export as export
from unrolled.deploy.held_out import forecast_loss as forecast_loss
from unrolled.deploy.held_out import held_out as held_out
from unrolled.deploy.held_out import replay_held_out as replay_held_out
from unrolled.deploy.held_out import replays_of as replays_of
from unrolled.deploy.onnx_import import Imported as Imported
from unrolled.deploy.onnx_import import import_onnx as import_onnx
from unrolled.deploy.onnx_translation import OnnxDecoding as OnnxDecoding
from unrolled.deploy.parity import BOUND as BOUND
from unrolled.deploy.parity import Parity as Parity
from unrolled.deploy.parity import Replay as Replay
from unrolled.deploy.parity import Runner as Runner
from unrolled.deploy.parity import compare as compare
from unrolled.deploy.parity import draw_rows as draw_rows
from unrolled.deploy.parity import replay as replay
from unrolled.deploy.quantize import Drift as Drift
from unrolled.deploy.quantize import Quantised as Quantised
from unrolled.deploy.quantize import drift as drift
from unrolled.deploy.quantize import quantize as quantize
from unrolled.deploy.target import Made as Made
from unrolled.deploy.target import Target as Target
from unrolled.deploy.translator import export_translator as export_translator
