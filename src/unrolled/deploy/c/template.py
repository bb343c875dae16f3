"""The files of `templates/`: C with a place, such as `${prefix}`, for all that is a model's own."""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from math import prod
from string import Template

from unrolled.deploy.c.interface import Interface

TEMPLATES = files("unrolled.deploy.c") / "templates"


def fill(template: Traversable, interface: Interface, values: Mapping[str, object]) -> str:
    """A template's text, its places filled with the names and sizes of an interface and with `values`."""
    own = {
        "prefix": interface.prefix,
        "upper": interface.upper,
        "first_number": interface.first_number,
        "size": prod(interface.answer_shape),
        "width": len(interface.row),
        "ahead_width": len(interface.ahead),
        "horizon": interface.program.horizon,
        "history": interface.program.history,
    }
    return Template(template.read_text(encoding="ascii")).substitute(own, **values)
