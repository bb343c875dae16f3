"""The header of the generated C: what its user sees."""

from unrolled.deploy.c.comments import comment
from unrolled.deploy.c.interface import Field, Interface
from unrolled.deploy.c.source import Generated
from unrolled.deploy.c.template import TEMPLATES, fill
from unrolled.runtime import Program


def header_text(generated: Generated, flash: str) -> str:
    """The header; `flash` are its lines on the code's size."""
    interface, program = generated.interface, generated.interface.program
    names = ("HORIZON", "TARGETS", "LEVELS") if program.output == "quantiles" else ("SCORES",)
    sizes = zip(names, program.output_shape, strict=True)
    values = {
        "what": _told_answer(program),
        "any_series": ", 0" if interface.has_series else "",
        "ahead_given": "ahead, " if interface.ahead else "",
        "sizes": "\n".join(f"#define {interface.upper}_{name} {size}" for name, size in sizes),
        "constant_bytes": generated.constant_bytes,
        "flash": flash,
        "state_bytes": generated.state_bytes,
        "errors": _errors(interface),
        "enums": _enums(interface),
        "row": _struct(interface.row, f"{interface.prefix}_row", "A row."),
        "ahead": _struct(
            interface.ahead, f"{interface.prefix}_ahead", "The known columns of one of the next rows."
        ),
        "members": _state_members(generated),
        "axes": "".join(f"[{interface.upper}_{name}]" for name in names),
        "init_arguments": interface.init_arguments(),
        "step_arguments": interface.step_arguments(),
        "told_ahead": _told_ahead(interface),
    }
    return fill(TEMPLATES / "header.h", interface, values)


def _told_answer(program: Program) -> str:
    if program.output == "quantiles":
        levels = ", ".join(f"{level:g}" for level in program.levels)
        return f"for each row ahead and target the quantiles {levels}"
    return "the scores after this row"


def _told_ahead(interface: Interface) -> str:
    if not interface.ahead:
        return ""
    early = "; it may be 0 while the answer is to wait" if interface.program.history > 1 else ""
    return f" `ahead` holds the known columns of the next {interface.upper}_HORIZON rows{early}."


def _errors(interface: Interface) -> str:
    fields = [*interface.row, *interface.ahead]
    lines = [f"    {one.constant} = {one.error}" for one in fields]
    return ",\n".join(lines)


def _enums(interface: Interface) -> str:
    texts = []
    for title, constants, words in interface.enums:
        lines = [
            f"    {constant} = {code}{',' if code + 1 < len(words) else ''} /* {comment(word)} */"
            for code, (constant, word) in enumerate(zip(constants, words, strict=True))
        ]
        texts.append(f"\n/* The codes of {comment(title)}. */\nenum {{\n" + "\n".join(lines) + "\n};")
    return "\n".join(texts)


def _struct(fields: list[Field], name: str, purpose: str) -> str:
    if not fields:
        return ""
    lines = [f"    {one.kind} {one.name}; /* {comment(one.words)} */" for one in fields]
    return f"\n/* {purpose} */\ntypedef struct {{\n" + "\n".join(lines) + f"\n}} {name};"


def _state_members(generated: Generated) -> str:
    lines = []
    for kind, name, count, words in generated.members:
        single = name in ("rows", "series") or (kind == "int32_t" and name.endswith("_next"))
        lines.append(f"    {kind} {name}{'' if single else f'[{count}]'}; /* {comment(words)} */")
    return "\n".join(lines)
