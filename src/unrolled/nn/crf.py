"""A linear-chain conditional random field over the tags of a sequence.

The score of a path y is start[y1] + sum_t emission[t, y_t] + sum_t transition[y_(t-1), y_t] + end[y_n]; its
probability is the softmax over all paths. Tags that may not follow one another are not on any path: neither
in training nor in decoding.

Key: B batch · T time · K tags · N paths.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from unrolled.arguments import integer
from unrolled.errors import ArgumentError, ShapeError, explain

FORBIDDEN = -1e9  # below any score of a path that is allowed
STEEPEST = 100.0  # emissions beyond it are summed in logarithms


class Allowed(NamedTuple):
    """Which tags may begin a sequence, follow one another (from, to) and end it: bool (K,), (K, K), (K,)."""

    start: Tensor
    follow: Tensor
    end: Tensor


class CRF(nn.Module):
    """Scores of tags that follow one another, and what is asked of all paths at once.

    `allowed` is kept as buffers, 1 where a tag may stand. Every method takes emissions (B, T, K) and lengths
    (B,), each at least 1; steps behind a length count for nothing.

    Raises: ShapeError; ArgumentError where no path is allowed.
    Source: Lafferty et al. 2001.

    Example:
        >>> crf = CRF(2)
        >>> emissions, lengths = torch.zeros(1, 3, 2), torch.tensor([3])
        >>> with torch.no_grad():
        ...     crf.log_partition(emissions, lengths).exp()  # eight paths of score 0
        tensor([8.0000], dtype=torch.float64)
    """

    allowed_start: Tensor
    allowed_follow: Tensor
    allowed_end: Tensor

    def __init__(self, tags: int, allowed: Allowed | None = None) -> None:
        super().__init__()
        K = self.tags = integer("tags", tags, 1)
        self.start = nn.Parameter(torch.zeros(K))
        self.transitions = nn.Parameter(torch.zeros(K, K))
        self.end = nn.Parameter(torch.zeros(K))
        for name, shape in (("start", (K,)), ("follow", (K, K)), ("end", (K,))):
            self.register_buffer(f"allowed_{name}", torch.ones(shape))
        if allowed is not None:
            self.allow(allowed)

    def allow(self, allowed: Allowed) -> None:
        """Say which tags may stand where.

        Raises: ShapeError; ArgumentError if no tag is left to begin with, to end with or to go on.
        """
        for name, given in allowed._asdict().items():
            buffer: Tensor = getattr(self, f"allowed_{name}")
            if given.shape != buffer.shape:
                cure = "Give one entry a tag."
                raise ShapeError(explain(name, str(tuple(buffer.shape)), str(tuple(given.shape)), cure))
            buffer.copy_(given)
        if not (allowed.start.any() and allowed.end.any() and (allowed.start & allowed.end).any()):
            cure = "At least one tag must be free to stand alone."
            raise ArgumentError(explain("allowed", "a tag that may begin and end a sequence", "none", cure))

    def scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """Start, transition and end scores; what is forbidden is at -1e9."""
        return (
            self.start.masked_fill(self.allowed_start == 0, FORBIDDEN),
            self.transitions.masked_fill(self.allowed_follow == 0, FORBIDDEN),
            self.end.masked_fill(self.allowed_end == 0, FORBIDDEN),
        )

    def loss(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """The negative log-likelihood of each row's tags, float64 (B,)."""
        return self.log_partition(emissions, lengths) - self.path_score(emissions, tags, lengths)

    def path_score(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """The score of one path a row, float64 (B,). tags int64 (B, T), anything behind a length."""
        start, follow, end = (score.double() for score in self.scores())
        valid = _valid(emissions, lengths)
        tags = torch.where(valid, tags, 0)
        chosen = emissions.double().gather(2, tags[..., None]).squeeze(-1)
        moves = follow[tags[:, :-1], tags[:, 1:]]
        last = tags.gather(1, (lengths.to(tags) - 1)[:, None]).squeeze(1)
        inner = (chosen * valid).sum(1) + (moves * valid[:, 1:]).sum(1)
        return start[tags[:, 0]] + inner + end[last]

    def log_partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """The logarithm of the sum over all allowed paths of exp(score), float64 (B,)."""
        scores, valid = tuple(score.double() for score in self.scores()), _valid(emissions, lengths)
        emissions = emissions.double() * valid[..., None]
        if float(emissions.detach().abs().max()) > STEEPEST:
            return _by_logarithms(emissions, valid, scores)
        return _by_shares(emissions, valid, scores)

    def marginals(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """The probability of each tag at each step over all allowed paths, (B, T, K); 0 behind a length.

        They are the gradient of the log-partition with respect to the emissions.
        """
        with torch.enable_grad():
            free = emissions.detach().requires_grad_(True)
            (found,) = torch.autograd.grad(self.log_partition(free, lengths).sum(), free)
        return found

    @torch.no_grad()
    def viterbi(self, emissions: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The best path of each row and its score.

        Returns: tags int64 (B, T), 0 behind a length, and scores float64 (B,).
        """
        paths, scores = self.best_paths(emissions, lengths, 1)
        return paths[:, 0], scores[:, 0]

    @torch.no_grad()
    def best_paths(self, emissions: Tensor, lengths: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The `count` best paths of each row, the best first.

        Returns: tags int64 (B, N, T), 0 behind a length, and scores float64 (B, N); a path there is not has
        score -inf.
        """
        integer("count", count, 1)
        start, follow, end = (score.double() for score in self.scores())
        B, T, K = emissions.shape
        valid = _valid(emissions, lengths)
        score = torch.full((B, K, count), -torch.inf, dtype=torch.float64, device=emissions.device)
        score[..., 0] = start + emissions[:, 0].double()
        back = []
        for step in range(1, T):
            through = score[:, :, :, None] + follow[:, None, :]  # (B, from, N, to)
            best, place = through.flatten(1, 2).topk(count, dim=1)  # (B, N, to)
            best, place = best.transpose(1, 2) + emissions[:, step, :, None].double(), place.transpose(1, 2)
            here = valid[:, step, None, None]
            stay = torch.arange(K * count, device=score.device).reshape(K, count).expand(B, K, count)
            score, place = torch.where(here, best, score), torch.where(here, place, stay)
            back.append(place)
        final, place = (score + end[:, None]).flatten(1).topk(count, dim=1)  # (B, N)
        final = torch.where(final < FORBIDDEN / 2, -torch.inf, final)
        steps = [place]
        for places in reversed(back):
            steps.append(places.flatten(1).gather(1, steps[-1]))
        paths = torch.stack(steps[::-1], dim=2) // count  # (B, N, T)
        return torch.where(valid[:, None], paths, 0), final

    def extra_repr(self) -> str:
        """The number of tags, and how many moves are forbidden, for print."""
        return f"{self.tags}, forbidden={int((self.allowed_follow == 0).sum())}"


def _by_shares(emissions: Tensor, valid: Tensor, scores: tuple[Tensor, ...]) -> Tensor:
    """The forward recursion in probabilities, a product of matrices a step.

    The shares of the tags are divided by their sum at each step, so that float64 holds every path that
    matters where no emission is beyond `STEEPEST`.
    """
    start, follow, end = scores
    weights, moves, offset = emissions.exp(), follow.exp(), start.detach().max()
    share = (start - offset).exp() * weights[:, 0]
    total = share.sum(1)
    share, log_total = share / total[:, None], total.log() + offset
    for step in range(1, emissions.shape[1]):
        here = valid[:, step]
        reached = (share @ moves) * weights[:, step]
        total = torch.where(here, reached.sum(1), 1.0)
        share = torch.where(here[:, None], reached / total[:, None], share)
        log_total = log_total + total.log()
    return log_total + (share @ end.exp()).log()


def _by_logarithms(emissions: Tensor, valid: Tensor, scores: tuple[Tensor, ...]) -> Tensor:
    """The forward recursion in logarithms, for scores of any size: slower."""
    start, follow, end = scores
    alpha = start + emissions[:, 0]
    for step in range(1, emissions.shape[1]):
        reached = (alpha[:, :, None] + follow).logsumexp(1) + emissions[:, step]
        alpha = torch.where(valid[:, step, None], reached, alpha)
    return (alpha + end).logsumexp(1)


def _valid(emissions: Tensor, lengths: Tensor) -> Tensor:
    """Which steps are there, bool (B, T). Raises: ShapeError for a row without one."""
    if emissions.ndim != 3 or lengths.shape != emissions.shape[:1]:
        got = f"{tuple(emissions.shape)} and {tuple(lengths.shape)}"
        cure = "One sequence? Pass emissions[None]."
        raise ShapeError(explain("emissions and lengths", "(batch, time, tags) and (batch,)", got, cure))
    if len(lengths) and (int(lengths.min()) < 1 or int(lengths.max()) > emissions.shape[1]):
        got = f"{int(lengths.min())} to {int(lengths.max())}"
        cure = "Leave empty sequences out."
        raise ShapeError(explain("lengths", f"each in 1..{emissions.shape[1]}", got, cure))
    return torch.arange(emissions.shape[1], device=emissions.device) < lengths.to(emissions.device)[:, None]
