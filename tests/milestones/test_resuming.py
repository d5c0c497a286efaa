"""Part 04.2 on made-up photographs: stopped, killed, damaged, without room; and then resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from milestone_kit import run_script

from milestones.resuming import finish, train_saved

MADE_UP = '''

def load_cifar10(scaled=True):
    """A few small photographs whose brightness tells their class."""
    random, labels = np.random.RandomState(0), np.arange(240) % 10
    images = random.randint(0, 80, (240, 3, 32, 32)) + 15 * labels[:, None, None, None]
    images = images.astype(np.uint8)
    return images[:200], labels[:200], images[200:], labels[200:]
'''
EPOCHS = 5
FILE = "02_lecun_cifar10-{}-seed0-epochs5.npz"
ARGUMENTS = ("--json", "--seed=0", f"--epochs={EPOCHS}", "--no-plot")


@pytest.fixture
def script(trees, tmp_path: Path) -> Path:
    """The script in a tree of its own, with photographs that need no fetching."""
    of_other_runs = shutil.ignore_patterns("outputs")
    root = shutil.copytree(trees(9), tmp_path / "tree", ignore=of_other_runs)
    with open(root / "milestones" / "data_manager.py", "a", encoding="utf-8") as file:
        file.write(MADE_UP)
    return root / "milestones" / "04_1998_cnn" / "02_lecun_cifar10.py"


def outcome(script: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Run to the end: the metrics, and every array of both trained networks' files."""
    run = run_script(script, *ARGUMENTS)
    assert run.returncode == 0, run.stderr
    arrays = {}
    for name in ("mlp", "cnn"):
        with np.load(script.parent / "outputs" / FILE.format(name)) as archive:
            arrays |= {f"{name}.{key}": archive[key] for key in archive.files}
    return json.loads(run.stdout)["metrics"], arrays


def unfinished(script: Path, name: str) -> Path:
    return script.parent / "outputs" / (FILE.format(name) + ".unfinished")


def stop_in_epoch(script: Path, epoch: int, how: int) -> str:
    """Start the script, send it a signal while the CNN is in this epoch; what it said."""
    command = [sys.executable, "-u", script.name, *ARGUMENTS]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    process = subprocess.Popen(
        command, cwd=script.parent, env=environment, stderr=subprocess.PIPE, text=True
    )
    said = []
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if f"cnn, epoch {epoch - 1} of" in line and "accuracy" in line:
            process.send_signal(how)
            break
    said.append(process.stderr.read())
    process.stderr.close()
    assert process.wait(60) != 0
    return "".join(said)


@pytest.fixture
def whole(script: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """What comes out without any interruption."""
    found = outcome(script)
    shutil.rmtree(script.parent / "outputs")
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_an_interrupted_run_ends_as_if_it_had_not_been(script, whole, how):
    said = stop_in_epoch(script, 3, how)
    assert unfinished(script, "cnn").exists() and unfinished(script, "mlp").exists()
    if how == signal.SIGINT:
        assert "The same command goes on after epoch" in said and "Traceback" not in said
    metrics, arrays = outcome(script)
    assert metrics == whole[0]
    assert arrays.keys() == whole[1].keys()
    for name, array in arrays.items():
        assert array.tobytes() == whole[1][name].tobytes(), name


def test_a_damaged_file_is_named_and_left_alone(script):
    file = unfinished(script, "mlp")
    file.parent.mkdir()
    file.write_bytes(b"PK, but nothing else")
    run = run_script(script, *ARGUMENTS)
    assert run.returncode == 1 and "Traceback" not in run.stderr
    message = json.loads(run.stdout)["error"]
    assert str(file) in message and "To begin anew, delete that file." in message
    assert file.read_bytes() == b"PK, but nothing else"


def test_where_nothing_can_be_saved_the_run_goes_on(script):
    (script.parent / "outputs").write_text("a file where the folder should be", encoding="utf-8")
    run = run_script(script, *ARGUMENTS)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["metrics"]["cnn_accuracy"]["mean"] > 0.1
    assert f"Epoch {EPOCHS} could not be saved" in run.stderr


def test_a_finished_run_begins_anew(script):
    first, second = run_script(script, *ARGUMENTS), run_script(script, *ARGUMENTS)
    assert "going on" not in second.stderr
    assert json.loads(first.stdout)["metrics"] == json.loads(second.stdout)["metrics"]


# -- the loop, with a trainer that only counts -----------------------------------------------------


class Counting:
    """A trainer whose epochs end, or are interrupted."""

    epoch = step = 0

    def __init__(self, interrupted_in: int) -> None:
        self.interrupted_in = interrupted_in

    def train_epoch(self, loader: list) -> float:
        list(loader)
        if self.epoch + 1 == self.interrupted_in:
            raise KeyboardInterrupt
        self.epoch += 1
        return 0.5

    def evaluate(self, loader: list) -> tuple[float, float]:
        return 0.5, 0.25

    def save_checkpoint(self, path: Path) -> None:
        path.write_text(str(self.epoch), encoding="utf-8")


def nothing(*_: object, **__: object) -> None:
    """Show nothing."""


@pytest.mark.parametrize(
    ("epoch", "said"), [(1, "begins anew (net)"), (3, "goes on after epoch 2 of 4 (net)")]
)
def test_ctrl_c_says_what_the_next_run_does(tmp_path, capsys, epoch, said):
    with pytest.raises(KeyboardInterrupt):
        train_saved(Counting(epoch), [0], [0], 4, tmp_path / "run.npz", nothing, "net")
    assert said in capsys.readouterr().err


def test_the_file_gets_its_name_only_when_all_is_over(tmp_path):
    file = tmp_path / "run.npz"
    train_saved(Counting(0), [0], [0], 4, file, nothing, "net")
    assert not file.exists()
    finish(file)
    assert file.read_text(encoding="utf-8") == "4"
    assert list(tmp_path.iterdir()) == [file]
