"""What a release contains: tito, the curriculum, and the complete reference framework."""

from __future__ import annotations

from tito.curriculum.curriculum import Curriculum


def test_reference_framework_works_outside_a_workspace(installed, tmp_path):
    code = (
        "import tinytorch as t; x = t.Tensor([2.0], requires_grad=True); (x * x).sum().backward();"
        "print(t.__file__); print(float(x.grad.data[0]))"
    )
    done = installed.python("-c", code, cwd=tmp_path)
    where, value = done.stdout.split()
    assert where.startswith(str(installed.site)), done.stderr
    assert float(value) == 4.0


def test_curriculum_is_inside(installed):
    data = installed.site / "tito" / "_data"
    curriculum = Curriculum.load()
    for module in curriculum.available:
        assert (data / "src" / module.folder / f"{module.folder}.py").is_file()
        assert (data / "src" / module.folder / "guidance.toml").is_file()
    for milestone in curriculum.milestones:
        if milestone.available:
            for part in milestone.parts:
                assert (data / "milestones" / milestone.folder / part.script).is_file()
    assert (data / "datasets" / "tinydigits" / "tinydigits.npz").is_file()


def test_nothing_unwanted_is_inside(installed):
    names = [path.relative_to(installed.site).as_posix() for path in installed.site.rglob("*.*")]
    assert not [name for name in names if "tests/" in name or "outputs/" in name]
    assert not (installed.site / "datasets").exists()  # a name other packages use
