"""The conda environment asks for what setup.py asks for, and these versions are what the tests run on."""

from __future__ import annotations

import ast
import re
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def _of_setup() -> dict[str, Requirement]:
    call = next(
        node
        for node in ast.walk(ast.parse((ROOT / "setup.py").read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setup"
    )
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    requirements = [Requirement(text) for text in ast.literal_eval(given["install_requires"])]
    python = Requirement(f"python{ast.literal_eval(given['python_requires'])}")
    return {requirement.name: requirement for requirement in (*requirements, python)}


def _of_environment() -> tuple[dict[str, Requirement], list[str]]:
    """Return the pins of conda and pip, and the order in which pip is given them."""
    lines = (ROOT / "environment.yml").read_text().partition("dependencies:\n")[2].splitlines()
    assert all(re.fullmatch(r"  (    )?- \S.*", line) for line in lines)
    items = [line.strip().removeprefix("- ") for line in lines]
    items.remove("pip")
    under_pip = items[items.index("pip:") + 1 :]
    pins = [Requirement(item) for item in items if item not in ("pip:", ".")]
    return {pin.name: pin for pin in pins}, under_pip


def test_every_requirement_has_the_same_pin_in_both() -> None:
    setup, (conda, _) = _of_setup(), _of_environment()
    assert set(conda) == set(setup)
    python = conda.pop("python").specifier
    assert [minor for minor in range(9, 16) if f"3.{minor}.0" in python] == [11, 12, 13]
    assert str(setup.pop("python").specifier) in str(python)
    assert {name: str(pin.specifier) for name, pin in conda.items()} == {
        name: str(pin.specifier) for name, pin in setup.items()
    }


def test_regnet_itself_is_installed_last_by_pip() -> None:
    _, under_pip = _of_environment()
    assert under_pip[-1] == "."


def test_the_tests_run_on_versions_that_the_environment_allows() -> None:
    pins, _ = _of_environment()
    del pins["python"]
    assert {name for name, pin in pins.items() if version(name) not in pin.specifier} == set()
