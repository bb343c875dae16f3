"""Where the values of one step lie: buffers that are not needed at the same time share their place."""

from dataclasses import dataclass


@dataclass
class Buffer:
    """Some floats of the work memory, from the instant `born` to the instant `dies`, both included."""

    name: str
    size: int
    born: int
    dies: int
    offset: int = 0


class Memory:
    """Buffers taken one after another while time runs; `plan` places them."""

    def __init__(self) -> None:
        self.now = 0
        self.buffers: list[Buffer] = []

    def take(self, name: str, size: int) -> Buffer:
        """A buffer that is needed from now on."""
        self.buffers.append(Buffer(name, size, self.now, self.now))
        return self.buffers[-1]

    def plan(self) -> int:
        """Give every buffer its offset, large ones first.

        Returns: how many floats there are in all.

        Example:
            >>> memory = Memory()
            >>> a = memory.take("a", 4); memory.now = 1; b = memory.take("b", 2); a.dies = 1
            >>> memory.now = 2; c = memory.take("c", 3); b.dies = 2
            >>> memory.plan(), a.offset, b.offset, c.offset
            (6, 0, 4, 0)
        """
        placed: list[Buffer] = []
        for buffer in sorted(self.buffers, key=lambda one: (-one.size, one.born)):
            beside = [other for other in placed if other.born <= buffer.dies and buffer.born <= other.dies]
            buffer.offset = _first_gap(buffer.size, beside)
            placed.append(buffer)
        return max((buffer.offset + buffer.size for buffer in placed), default=0)


def _first_gap(size: int, beside: list[Buffer]) -> int:
    place = 0
    for other in sorted(beside, key=lambda one: one.offset):
        if other.offset - place >= size:
            break
        place = max(place, other.offset + other.size)
    return place
