"""The half of an encoder-decoder that writes: token after token, looking at a source or at its summary.

Key: B batch · T target steps · S source steps · H hidden · M memory · V words.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from unrolled.arguments import flag, integer, one_of
from unrolled.errors import ArgumentError, explain
from unrolled.models.recurrent import map_state, recurrent_stack, top_hidden
from unrolled.nn.attention import Attention, Memory
from unrolled.types import LSTMState

ATTENTIONS = ("none", "luong", "bahdanau")


class Sentence(NamedTuple):
    """A source as the decoder sees it: its memory (None without attention) and its summary (B, M)."""

    memory: Memory | None
    summary: Tensor


class DecoderState(NamedTuple):
    """Between two steps: the stack's state, the output that is fed back (B, H), the weights so far (B, S)."""

    recurrent: Any
    fed: Tensor | None
    covered: Tensor | None


class Decoder(nn.Module):
    """A recurrent stack that reads the token before and answers scores of the next.

    What stands between it and the encoder, `attention`:
    - "none": the encoder's last states, a vector of fixed size, are its first state and are read beside every
      token (Cho et al. 2014, arXiv:1406.1078);
    - "luong": attention after the recurrent step, `out = tanh(W [h; context])` (arXiv:1508.04025); with
      `input_feeding` out is read beside the next token;
    - "bahdanau": attention before it, by the state of the step before; the context is read beside the token
      (arXiv:1409.0473); with `coverage` its score knows where it has looked.

    Raises: ArgumentError for an option that cannot be used.
    """

    def __init__(
        self,
        words: int,
        memory_size: int,
        cell: str = "lstm",
        embedding: int = 256,
        hidden: int = 256,
        layers: int = 1,
        attention: str = "luong",
        input_feeding: bool = False,
        coverage: bool = False,
        tied: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        integer("embedding", embedding, 1)
        self.attention = one_of("attention", attention, ATTENTIONS)
        self.input_feeding = only_with("input_feeding", input_feeding, attention, "luong")
        self.coverage = only_with("coverage", coverage, attention, "bahdanau")
        self.tied = flag("tied", tied)
        self.hidden = hidden
        self.table = token_table(words, embedding)
        beside = {"none": memory_size, "luong": hidden * input_feeding, "bahdanau": memory_size}[attention]
        self.recurrent = recurrent_stack(cell, embedding + beside, hidden, layers, dropout)
        self.bridges = nn.ModuleList(
            [nn.Linear(memory_size, hidden) for _ in range(layers * (2 if cell == "lstm" else 1))]
        )
        if attention != "none":
            score = "general" if attention == "luong" else "additive"
            self.attend = Attention(hidden, memory_size, score, coverage=coverage)
        self.combine = nn.Linear(hidden + memory_size, hidden)
        self.narrow = nn.Linear(hidden, embedding, bias=False) if tied and hidden != embedding else None
        self.output = nn.Linear(embedding if tied else hidden, words)
        self.dropout = nn.Dropout(dropout)
        if tied:
            self.output.weight = self.table.weight

    @property
    def sequential(self) -> bool:
        """Whether a step needs the output of the one before, and a row of tokens cannot be run at once."""
        return self.attention == "bahdanau" or self.input_feeding

    def start(self, values: Tensor, ends: list[Any], lengths: Tensor) -> tuple[Sentence, DecoderState]:
        """Before the first token, from what the encoder read.

        Shapes: values (B, S, M), the encoder's output; ends: for each layer its (forward, backward) states.
        """
        summary = torch.cat([end.h for end in ends[-1]], dim=-1)
        bridges = iter(self.bridges)
        layers = [_joined(forward, backward, bridges) for forward, backward in ends]
        memory = self.attend.memory(values, lengths) if self.attention != "none" else None
        fed = summary.new_zeros(len(summary), self.hidden) if self.input_feeding else None
        covered = summary.new_zeros(values.shape[:2]) if self.coverage else None
        return Sentence(memory, summary), DecoderState(tuple(layers), fed, covered)

    def advance(
        self, sentence: Sentence, state: DecoderState, tokens: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None, DecoderState]:
        """Read tokens (B, T), T = 1 where steps are `sequential`.

        Returns: out (B, T, H), the weights (B, T, S) or None, the state after the last token.
        """
        read, weights = self.dropout(self.table(tokens)), None
        if self.attention == "bahdanau":
            assert sentence.memory is not None
            context, weights = self.attend(
                top_hidden(state.recurrent)[:, None], sentence.memory, state.covered
            )
        else:
            context = sentence.summary[:, None].expand(-1, tokens.shape[1], -1)
        beside = [context] if self.attention != "luong" else []
        if state.fed is not None:
            beside = [state.fed[:, None]]
        y, recurrent = self.recurrent(torch.cat([read, *beside], dim=-1), state.recurrent, lengths)
        if self.attention == "luong":
            assert sentence.memory is not None
            context, weights = self.attend(y, sentence.memory)
        out = self.dropout(torch.tanh(self.combine(torch.cat([y, context], dim=-1))))
        fed = out[:, -1] if self.input_feeding else None
        covered = None if state.covered is None or weights is None else state.covered + weights[:, -1]
        return out, weights, DecoderState(recurrent, fed, covered)

    def forced(
        self, sentence: Sentence, state: DecoderState, tokens: Tensor, lengths: Tensor, sampling: float = 0.0
    ) -> tuple[Tensor, Tensor | None]:
        """Run over given tokens (B, T); a share `sampling` of them is replaced by the decoder's own answers.

        Returns: out (B, T, H) and the weights (B, T, S) or None; what lies behind a length means nothing.
        Source: scheduled sampling, Bengio et al. 2015, arXiv:1506.03099.
        """
        if not (self.sequential or sampling):
            out, weights, _ = self.advance(sentence, state, tokens, lengths)
            return out, weights
        outs: list[Tensor] = []
        looks: list[Tensor | None] = []
        token = tokens[:, :1]
        for step in range(tokens.shape[1]):
            if step:
                token = tokens[:, step : step + 1]
                if sampling:
                    own = self.logits(outs[-1].detach()).argmax(-1)
                    token = torch.where(torch.rand(token.shape, device=token.device) < sampling, own, token)
            out, weights, state = self.advance(sentence, state, token)
            outs.append(out)
            looks.append(weights)
        kept = None if looks[0] is None else torch.cat([look for look in looks if look is not None], dim=1)
        return torch.cat(outs, dim=1), kept

    def logits(self, out: Tensor) -> Tensor:
        """Scores of all words (..., V) from outputs (..., H)."""
        return self.output(out if self.narrow is None else self.narrow(out))


def token_table(words: int, width: int) -> nn.Embedding:
    """Vectors of `words` tokens, of length about 1."""
    table = nn.Embedding(words, width)
    nn.init.normal_(table.weight, std=width**-0.5)
    return table


def select(state: Any, rows: Tensor) -> Any:
    """The rows of a state, however its tuples are nested."""
    return map_state(lambda part: part[rows.to(part.device)], state)


def only_with(name: str, value: Any, attention: str, wanted: str) -> bool:
    """A switch that only one kind of attention has. Raises: ArgumentError."""
    if flag(name, value) and attention != wanted:
        cure = f"Take attention={wanted!r}, or leave it off."
        raise ArgumentError(explain(name, f"attention={wanted!r}", f"attention={attention!r}", cure))
    return bool(value)


def _joined(forward: Any, backward: Any, bridges: Any) -> Any:
    """A decoder layer's first state from both ends of an encoder layer: h squashed, c not."""
    parts = [next(bridges)(torch.cat(pair, dim=-1)) for pair in zip(forward, backward, strict=True)]
    parts[0] = torch.tanh(parts[0])
    return LSTMState(*parts) if len(parts) == 2 else type(forward)(*parts)
