"""The door tells the truth: every folder has its line, every dependency its reason, every link a page."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("guides/*.md"), *ROOT.glob("docs/**/*.md")]


def names(requirements: list[str]) -> set[str]:
    """The packages of some requirements, without their versions and without our own parts.

    Example:
        >>> sorted(names(["torch>=2.9,<2.14", "unrolled[train]", "rich"]))
        ['rich', 'torch']
    """
    found = {re.split(r"[^\w-]", requirement)[0] for requirement in requirements}
    return found - {"unrolled"}


def required() -> dict[str, set[str]]:
    """The packages of each part, as pyproject.toml has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    parts = {"unrolled": project["dependencies"], "build": settings["build-system"]["requires"]}
    parts |= {f"unrolled[{part}]": needs for part, needs in project["optional-dependencies"].items()}
    return {part: names(needs) for part, needs in parts.items() if names(needs)}


def told() -> dict[str, set[str]]:
    """The packages of each part, as the table of README has them; each row must give a reason."""
    section = README.split("## Dependencies")[1].split("\n## ")[0]
    found: dict[str, set[str]] = {}
    part = ""
    for line in section.splitlines():
        if not line.startswith("|") or line.startswith(("|---", "| part")):
            continue
        cell, packages, reason = (text.strip() for text in line.strip("|").split("|"))
        part = cell.strip("`") or part
        assert reason, line
        found.setdefault(part, set()).update(packages.split(", "))
    return found


def test_every_dependency_has_its_reason():
    assert told() == required()


def test_every_folder_has_its_line():
    tree = README.split("## The house")[1].split("```")[1]
    rooms = set(re.findall(r"^  (\w+)/ ", tree, re.MULTILINE))
    there = {path.parent.name for path in (ROOT / "src/unrolled").glob("*/__init__.py")}
    assert rooms == there
    top = set(re.findall(r"^([\w/]+)/ ", tree, re.MULTILINE)) | {"src/unrolled"}
    assert all((ROOT / folder).is_dir() for folder in top), top


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing
