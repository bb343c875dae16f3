"""What an ELF file says of its sections: as much of the format as sizes need."""

import struct


def section_sizes(data: bytes) -> dict[str, int]:
    """The size of each section that takes memory on the device, by its name.

    Source: Tool Interface Standard, ELF 1.2; 32 or 64 bits, little-endian.
    """
    wide = data[4] == 2
    place, entry, count, names = (
        (*struct.unpack_from("<Q", data, 40), *struct.unpack_from("<HHH", data, 58))
        if wide
        else (*struct.unpack_from("<I", data, 32), *struct.unpack_from("<HHH", data, 46))
    )
    headers = []
    for number in range(count):
        at = place + number * entry
        if wide:
            name, _, flags, _, offset, size = struct.unpack_from("<IIQQQQ", data, at)
        else:
            name, _, flags, _, offset, size = struct.unpack_from("<IIIIII", data, at)
        headers.append((name, flags, offset, size))
    texts = headers[names][2]
    found: dict[str, int] = {}
    for name, flags, _, size in headers:
        if flags & 2:  # takes memory while the program runs
            end = data.index(b"\0", texts + name)
            title = data[texts + name : end].decode("ascii")
            found[title] = found.get(title, 0) + size
    return found
