"""Whose code runs: in a workspace always the learner's, wherever the import stands."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from jupyter_client import manager
from planted import write

from tito.package.writer import write_package, write_reference
from tito.workspace.layout import Workspace
from tito.workspace.setup import create

ASK = "import tinytorch, sys; print(tinytorch.__file__)"
ASK_DEEP = "import tinytorch.core.number as n; print(n.__file__, n.OWNER)"


@dataclass(frozen=True)
class World:
    """Two workspaces of the tiny curriculum and an installed reference package."""

    one: Workspace
    two: Workspace
    site: Path
    home: Path

    def python(self, *args: str, cwd: Path, program: str = sys.executable, **settings):
        """Run Python as a learner would; only the reference is installed."""
        names = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP")
        env = {name: os.environ[name] for name in names if name in os.environ}
        env |= {"PYTHONPATH": str(self.site), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [program, *args], cwd=cwd, env=env, capture_output=True, text=True, **settings
        )

    def owner(self, *args: str, cwd: Path, **settings) -> str:
        """Run Python, whose last line printed is a path; say which package it lies in."""
        done = self.python(*args, cwd=cwd, **settings)
        assert done.returncode == 0, done.stderr
        place = Path(done.stdout.strip().splitlines()[-1])
        return self.name_of(place)

    def name_of(self, place: Path) -> str:
        roots = {"one": self.one.root, "two": self.two.root, "reference": self.site}
        (name,) = (name for name, root in roots.items() if place.is_relative_to(root / "tinytorch"))
        return name


@pytest.fixture
def world(curriculum, tmp_path) -> World:
    made = World(
        create(tmp_path / "one", curriculum).workspace,
        create(tmp_path / "deep" / "two", curriculum).workspace,
        tmp_path / "lib" / "site-packages",
        tmp_path,
    )
    for workspace in (made.one, made.two):
        own = {1: {"core.number": number_by(workspace.root.name)}}
        write_package(workspace.root, curriculum, own)
    write_reference(made.site, curriculum)
    return made


def number_by(owner: str) -> str:
    return f'OWNER = "{owner}"\n\n\nclass Number:\n    pass\n\n\ndef double(x):\n    return 2 * x\n'


def test_outside_a_workspace_it_is_the_reference(world):
    assert world.owner("-c", ASK, cwd=world.home) == "reference"
    script = world.home / "outside.py"
    write(script, "import tinytorch; print(tinytorch.__file__, tinytorch.Total)")
    done = world.python(str(script), cwd=world.home)
    assert str(world.site) in done.stdout, done.stderr


@pytest.mark.parametrize(
    "folder", [".", "modules/01_number", "milestones/01_1900_counting", ".tinytorch"]
)
def test_repl_in_any_subfolder(world, folder):
    here = world.one.root / folder
    assert world.owner("-c", ASK, cwd=here) == "one"
    assert world.owner("-", cwd=here, input=ASK) == "one"
    assert world.owner("-i", "-q", cwd=here, input=ASK + "\n") == "one"
    assert world.owner("-P", "-c", ASK, cwd=here) == "one"


def test_script_from_anywhere(world):
    script = world.one.root / "milestones" / "01_1900_counting" / "mine.py"
    write(script, ASK)
    for cwd in (world.home, world.one.root, script.parent, world.two.root):
        assert world.owner(str(script), cwd=cwd) == "one"
    assert world.owner(os.path.relpath(script, world.home), cwd=world.home) == "one"


def test_script_of_one_workspace_run_in_the_other(world):
    script = world.two.root / "milestones" / "mine.py"
    write(script, "import tinytorch.core.number as n; print(n.OWNER)")
    done = world.python(str(script), cwd=world.one.root / "modules")
    assert done.stdout.split() == ["two"], done.stderr


def test_everything_about_the_package_is_the_learners(world):
    code = (
        "import importlib, inspect, pkgutil, tinytorch as t, tinytorch.core.number as n\n"
        "s = t.__spec__\n"
        "places = [t.__file__, s.origin, s.loader.path, *t.__path__, "
        "*s.submodule_search_locations, n.__file__, inspect.getsourcefile(t), "
        "inspect.getsourcefile(n.Number), importlib.reload(t).__file__]\n"
        "print([p for p in places if 'site-packages' in p], t.__doc__.split(':')[0])\n"
        "print(sorted(m.name for m in pkgutil.iter_modules(t.__path__)))"
    )
    done = world.python("-c", code, cwd=world.one.modules_dir)
    first, second = done.stdout.splitlines()
    assert first == "[] tinytorch", done.stderr
    assert "core" in second


def test_unfinished_names_say_so_and_never_come_from_the_reference(world):
    for code in ("from tinytorch import Total", "from tinytorch.nn import Total",
                 "import tinytorch.core.sums", "import tinytorch; tinytorch.Total"):  # fmt: skip
        done = world.python("-c", code, cwd=world.one.modules_dir)
        assert done.returncode == 1
        assert "Module 02 (Sums)" in done.stderr
        assert "tito module start 02" in done.stderr
    fine = world.python("-c", "from tinytorch import Total; print(Total)", cwd=world.home)
    assert fine.returncode == 0, fine.stderr


def test_lost_package_is_an_error_not_the_reference(world):
    (world.one.package_dir / "__init__.py").unlink()
    done = world.python("-c", ASK, cwd=world.one.modules_dir)
    assert done.returncode == 1
    assert "tito setup" in done.stderr


def test_a_broken_export_is_an_error_not_the_reference(world):
    write(world.one.package_dir / "core" / "number.py", "def half(:\n")
    done = world.python("-c", ASK, cwd=world.one.modules_dir)
    assert done.returncode == 1
    assert "SyntaxError" in done.stderr


def test_state_folder_alone_is_no_workspace(world):
    """A home folder may have `.tinytorch` and a folder tinytorch with something else in it."""
    write(world.home / ".tinytorch" / "settings.json", "{}")
    write(world.home / "tinytorch" / "README.md", "a clone")
    write(world.home / "elsewhere" / "x.py", ASK)
    assert world.owner("x.py", cwd=world.home / "elsewhere") == "reference"


def test_virtual_environment_inside_the_workspace(world):
    """Its programs (jupyter, pytest, tito) lie in the workspace, yet the folder decides."""
    place = world.one.root / ".venv"
    venv.create(place, with_pip=False, symlinks=os.name != "nt")
    scripts = place / ("Scripts" if os.name == "nt" else "bin")
    program = str(scripts / Path("python").with_suffix(Path(sys.executable).suffix))
    tool = scripts / "sometool.py"
    write(tool, ASK)
    library = next((place / "lib").glob("python*")) / "site-packages" / "kernel_launcher.py"
    write(library, ASK)
    own = world.two.root / "milestones" / "mine.py"
    write(own, ASK)
    for started in (tool, library):
        assert world.owner(str(started), cwd=world.two.root, program=program) == "two"
        assert world.owner(str(started), cwd=world.one.modules_dir, program=program) == "one"
        assert world.owner(str(started), cwd=world.home, program=program) == "reference"
    assert world.owner(str(own), cwd=world.one.root, program=program) == "two"
    assert world.owner("-c", ASK, cwd=world.one.modules_dir, program=program) == "one"


def test_worker_processes_of_a_script(world):
    script = world.one.root / "milestones" / "workers.py"
    write(
        script,
        "import multiprocessing, tinytorch\n"
        "def where(_):\n    return tinytorch.__file__\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(where, [0])[0])\n",
    )
    assert world.owner(str(script), cwd=world.two.root) == "one"


def test_deleted_current_folder(world):
    code = "import os, sys; os.rmdir(os.getcwd()); import tinytorch; print(tinytorch.__file__)"
    gone = world.home / "gone"
    gone.mkdir()
    if os.name != "nt":
        assert world.owner("-c", code, cwd=gone) == "reference"


LAUNCHER = """
import os, sys, types
if sys.path[0] in ("", os.getcwd()):
    del sys.path[0]
sys.path.insert(0, "")
user = types.ModuleType("__main__")
user.__vsc_ipynb_file__ = {notebook!r}
sys.modules["__main__"] = user
exec("import tinytorch; print(tinytorch.__file__)", user.__dict__)
"""


@pytest.mark.parametrize("cwd", [".", "modules/01_number"])
def test_kernel_start_emulated(world, cwd):
    """As ipykernel does it: started from site-packages, a `__main__` without a file."""
    launcher = world.site / "ipykernel_launcher.py"
    write(launcher, LAUNCHER.format(notebook=None))
    assert world.owner("-m", "ipykernel_launcher", cwd=world.one.root / cwd) == "one"


def test_editor_that_starts_kernels_elsewhere_but_names_the_notebook(world):
    launcher = world.site / "ipykernel_launcher.py"
    notebook = world.two.modules_dir / "01_number" / "01_number.ipynb"
    write(launcher, LAUNCHER.format(notebook=str(notebook)))
    assert world.owner("-m", "ipykernel_launcher", cwd=world.home) == "two"


@pytest.mark.parametrize("cwd", [".", "modules/01_number"])
def test_real_kernel(world, cwd, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(world.site))
    kernel, client = manager.start_new_kernel(kernel_name="python3", cwd=str(world.one.root / cwd))
    try:
        said = []
        client.execute_interactive(
            ASK_DEEP,
            timeout=60,
            output_hook=lambda message: said.append(json.dumps(message["content"])),
        )
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
    assert any(str(world.one.package_dir) in text for text in said), said


def test_what_decides_needs_only_the_standard_library(world):
    tree = ast.parse((world.site / "tinytorch" / "__init__.py").read_text(encoding="utf-8"))
    *deciding, facade = tree.body
    assert ast.unparse(facade).startswith("if not _hand_over(globals()):")
    imports = [node for statement in deciding for node in ast.walk(statement)
               if isinstance(node, ast.Import | ast.ImportFrom)]  # fmt: skip
    names = {getattr(node, "module", None) or node.names[0].name for node in imports}
    assert {"os", "sys"} <= names
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
