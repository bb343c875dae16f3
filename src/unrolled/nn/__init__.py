"""Recurrent layers, batch first, their state in the open: `y, state = layer(x, state=None, lengths=None)`."""

from unrolled.nn.attention import Attention
from unrolled.nn.bidirectional import Bidirectional
from unrolled.nn.convert import from_torch, to_torch
from unrolled.nn.crf import CRF, Allowed
from unrolled.nn.dropout import embedding_dropout, locked_dropout
from unrolled.nn.elman import Elman
from unrolled.nn.gru import GRU
from unrolled.nn.layer import Layer, parameter_count
from unrolled.nn.lstm import LSTM
from unrolled.nn.pooling import Pooling
from unrolled.nn.recurrent import CellOptions, Recurrent
from unrolled.nn.spelling import Spelling
from unrolled.nn.stack import Stack
from unrolled.nn.transformer import Transformer
