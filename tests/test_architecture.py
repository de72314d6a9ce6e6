"""The floors of the house that import-linter cannot see: what is loaded when, and who may name the native core."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import splatzip

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(str(splatzip.__file__)).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def loaded_by(statement: str) -> set[str]:
    """Names in sys.modules after `statement` that a bare interpreter does not have."""
    code = f"import sys; before = set(sys.modules)\n{statement}\nprint(*sorted(set(sys.modules) - before))"
    child = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return set(child.stdout.split())


def outside(modules: set[str]) -> set[str]:
    """Top-level packages among `modules` that neither Python nor splatzip brings."""
    roots = {module.partition(".")[0] for module in modules}
    return {root for root in roots if not root.startswith("_")} - set(sys.stdlib_module_names) - {"splatzip"}


def imports_of(module: Path) -> set[str]:
    """Every name that a file imports, wherever in the file the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_decoding_needs_numpy_and_our_core_only() -> None:
    loaded = loaded_by("import splatzip.decode")
    assert outside(loaded) == {"numpy"}
    ours = {module.split(".")[1] for module in loaded if module.startswith("splatzip.")}
    assert ours == {"_core", "container", "decode", "errors", "kernels", "scene", "stream"}


def test_importing_splatzip_loads_nothing_else() -> None:
    loaded = loaded_by("import splatzip")
    assert outside(loaded) == set()
    assert {module for module in loaded if module.startswith("splatzip")} == {"splatzip"}


def test_help_of_the_command_line_loads_no_numpy_and_no_core() -> None:
    loaded = loaded_by("from splatzip.cli.app import application; application()")
    assert "splatzip.cli.compress" in loaded
    assert not {"numpy", "splatzip._core", "splatzip.io", "splatzip.decode"} & loaded


def test_only_kernels_names_the_native_core() -> None:
    naming = {module.relative_to(PACKAGE).parts[0] for module in MODULES if "splatzip._core" in imports_of(module)}
    assert naming == {"kernels"}


def test_the_command_line_imports_only_public_names_of_splatzip() -> None:
    allowed = {"splatzip"} | {f"splatzip.{name}" for name in splatzip.__all__}
    for module in sorted((PACKAGE / "cli").rglob("*.py")):
        ours = {name for name in imports_of(module) if name.partition(".")[0] == "splatzip"}
        beyond = {name for name in ours - allowed if not name.startswith("splatzip.cli")}
        assert not beyond, f"{module.name} imports {beyond}"


def test_a_verb_is_one_file_under_80_lines() -> None:
    from splatzip.cli.app import VERBS

    for verb in VERBS:
        lines = (PACKAGE / "cli" / f"{verb.replace('-', '_')}.py").read_text().count("\n")
        assert lines < 80, f"{verb}.py has {lines} lines"


def test_no_encoder_stage_was_forgotten_in_the_decode_contract() -> None:
    contract = next(c for c in CONTRACTS if c.get("source_modules") == ["splatzip.decode"])
    stages = {"balance", "prune", "distill", "optimize", "profile", "formats"}
    existing = {f"splatzip.{stage}" for stage in stages if list(PACKAGE.glob(f"{stage}*"))}
    assert set(contract["forbidden_modules"]) == existing | {"torch"}


def test_no_catch_all_modules() -> None:
    assert not {module.stem for module in MODULES} & {"utils", "helpers", "common", "misc"}
