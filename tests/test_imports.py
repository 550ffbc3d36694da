"""What may import what: looked at in processes of their own, by what they loaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import regnet

HEAVY = {"numpy", "scipy", "pandas", "sklearn", "joblib", "limix", "limix_core", "glimix_core", "dask"}
SCREENS = {"textual", "regnet_tui"}
PACKAGE = Path(regnet.__file__).parent


def loaded_by(code: str) -> set[str]:
    """Return the top-level packages that a Python process has loaded after running some code."""
    program = f"import sys, os\nout = os.dup(1); os.dup2(2, 1)\n{code}\n"
    program += "os.write(out, ' '.join({name.split('.')[0] for name in sys.modules}).encode())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_regnet_and_its_specifications_loads_nothing_heavy() -> None:
    names = "Study, Scenario, Ridge, LMM, Execution, InputError"
    assert not loaded_by(f"import regnet; from regnet import {names}; regnet.Study()") & (
        HEAVY | SCREENS | {"rich"}
    )


@pytest.mark.parametrize(
    "words", ["--help", "run --help", "runs --help", "presets list", "info", "runs list"]
)
def test_light_commands_load_nothing_heavy(words: str, tmp_path: Path) -> None:
    code = f"import os; os.environ['REGNET_DATA'] = {str(tmp_path)!r}\n"
    code += f"from regnet.cli import main\ntry: main({words.split()!r})\nexcept SystemExit: pass"
    assert not loaded_by(code) & (HEAVY | SCREENS | {"rich"})


@pytest.mark.parametrize(
    "module",
    [
        *("regnet.runs.events", "regnet.runs.folder", "regnet.runs.launch", "regnet.runs.replay"),
        *("regnet.runs.state", "regnet.runs.queue", "regnet.runs.listing", "regnet.summary"),
        *("regnet.cli.study_options", "regnet.presets.preset_files", "regnet.row_filter", "regnet.metrics"),
    ],
)
def test_what_screens_and_help_use_is_standard_library_only(module: str) -> None:
    assert not loaded_by(f"import {module}") & (HEAVY | SCREENS | {"rich"})


def test_every_public_name_can_be_imported() -> None:
    for name in regnet.__all__:
        assert getattr(regnet, name) is not None
    assert set(regnet.__all__) <= set(dir(regnet))


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonesuch"):
        _ = regnet.nonesuch


def imported_in(path: Path) -> set[str]:
    """Return the modules that a source file imports anywhere, from its syntax tree."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_no_file_of_the_engine_imports_the_app_or_textual() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert not {name.split(".")[0] for name in imported_in(path)} & SCREENS, path


def test_the_models_import_numpy_scipy_and_the_standard_library_only() -> None:
    allowed = {"numpy", "scipy", "regnet"} | set(sys.stdlib_module_names)
    forbidden = {"os", "io", "pathlib", "tempfile", "time", "datetime", "random", "logging", "shutil"}
    for path in (PACKAGE / "models").glob("*.py"):
        found = imported_in(path)
        roots = {name.split(".")[0] for name in found}
        if path.name.startswith("limix"):  # other people's engines, imported when they are asked for
            continue
        assert roots <= allowed, path
        assert not roots & forbidden, path
        engine = {name for name in found if name.startswith("regnet.")}
        assert all(name.startswith("regnet.models") or name == "regnet.errors" for name in engine), path


def test_the_models_print_nothing_and_use_no_global_random_state() -> None:
    for path in (PACKAGE / "models").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("print", "open", "input"), f"{path}:{node.lineno}"
                is_global = called.startswith("np.random.") and called.split(".")[2].islower()
                assert not is_global or called == "np.random.default_rng", f"{path}:{node.lineno}"


def test_the_app_imports_nothing_that_fits_or_simulates() -> None:
    app = PACKAGE.parent / "regnet_tui"
    working = {
        *("regnet.simulation", "regnet.fitting", "regnet.replicate", "regnet.scoring", "regnet.runs.worker"),
        *(
            "regnet.models.ridge",
            "regnet.models.mixed_model",
            "regnet.models.kronecker",
            "regnet.files.motifs",
        ),
        *("scipy", "pandas", "sklearn", "joblib"),
    }
    for path in app.glob("*.py"):
        assert not imported_in(path) & working, path
