"""Checkpoints: the resumed run is the same run, and no file can do harm."""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tinytorch.core.activations import Tanh
from tinytorch.core.layers import Dropout, Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import SGD, Adam, AdamW
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import CheckpointError, CosineSchedule, Trainer, collect_run

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 4)).astype(np.float32)
Y = X[:, :3].argmax(axis=1)
KINDS = {
    "SGD": lambda params: SGD(params, lr=0.1),
    "SGD momentum": lambda params: SGD(params, lr=0.1, momentum=0.9, weight_decay=0.01),
    "Adam": lambda params: Adam(params, lr=0.01, weight_decay=0.01),
    "AdamW": lambda params: AdamW(params, lr=0.01),
}
BOMB = "os.environ.__setitem__('TINYTORCH_BOMB', 'went off')"


def make_trainer(kind="Adam", seed=0, hidden=6, schedule=(0.05, 0.001, 8), clip=1.0) -> Trainer:
    np.random.seed(seed)
    model = Sequential(Linear(4, hidden), Tanh(), Dropout(0.3), Linear(hidden, 3))
    scheduler = CosineSchedule(*schedule) if schedule else None
    return Trainer(
        model, KINDS[kind](model.parameters()), CrossEntropyLoss(), scheduler, grad_clip_norm=clip
    )


def batches():
    """All samples in a new order, 7 at a time; the last batch is smaller."""
    order = np.random.permutation(len(X))
    for start in range(0, len(X), 7):
        rows = order[start : start + 7]
        yield Tensor(X[rows]), Tensor(Y[rows])


def train(trainer: Trainer, epochs: int) -> None:
    for _ in range(epochs):
        trainer.train_epoch(batches(), accumulation_steps=2)
        trainer.evaluate(batches())


def snapshot(trainer: Trainer) -> dict[str, object]:
    """Everything about a run, comparable with ==."""
    return {
        name: (str(value.dtype), value.shape, value.tobytes())
        if isinstance(value, np.ndarray)
        else value
        for name, value in collect_run(trainer).items()
    }


@pytest.fixture
def saved(tmp_path) -> Path:
    trainer = make_trainer()
    train(trainer, 2)
    path = tmp_path / "run.ckpt"
    trainer.save_checkpoint(path)
    return path


def assert_refused(path: Path, trainer: Trainer, *mentions: str) -> None:
    """Loading raises a CheckpointError that names the path, and changes nothing."""
    before = snapshot(trainer)
    with pytest.raises(CheckpointError) as raised:
        trainer.load_checkpoint(path)
    message = str(raised.value)
    assert isinstance(raised.value, ValueError)
    assert str(path) in message and all(word in message for word in mentions), message
    assert snapshot(trainer) == before
    assert "TINYTORCH_BOMB" not in os.environ


class TestResume:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("at", [0, 1, 3])
    def test_bit_for_bit(self, kind, at, tmp_path):
        whole = make_trainer(kind)
        train(whole, at)
        whole.save_checkpoint(tmp_path / "run.ckpt")
        train(whole, 5 - at)
        expected = snapshot(whole)
        resumed = make_trainer(kind, seed=77)
        np.random.seed(123)
        resumed.load_checkpoint(tmp_path / "run.ckpt")
        train(resumed, 5 - at)
        assert snapshot(resumed) == expected
        assert resumed.history == whole.history

    def test_in_a_new_process(self, tmp_path):
        """The state is in the file, and nothing of it only in memory."""
        whole = make_trainer()
        train(whole, 2)
        whole.save_checkpoint(tmp_path / "run.ckpt")
        train(whole, 2)
        code = (
            "import sys; sys.path.insert(0, sys.argv[1]); import test_checkpoint as t\n"
            "trainer = t.make_trainer(seed=5); trainer.load_checkpoint(sys.argv[2])\n"
            "t.train(trainer, 2); trainer.save_checkpoint(sys.argv[3])"
        )
        arguments = [str(Path(__file__).parent), tmp_path / "run.ckpt", tmp_path / "end.ckpt"]
        subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True)
        other = make_trainer(seed=6)
        other.load_checkpoint(tmp_path / "end.ckpt")
        assert snapshot(other) == snapshot(whole)

    def test_odd_number_of_normal_draws(self, tmp_path):
        """NumPy keeps the second of each pair of normal numbers for the next call."""
        trainer = make_trainer()
        np.random.randn()
        trainer.save_checkpoint(tmp_path / "run.ckpt")
        expected = np.random.randn(5)
        make_trainer().load_checkpoint(tmp_path / "run.ckpt")
        assert np.array_equal(np.random.randn(5), expected)

    def test_learning_rate_set_by_hand(self, tmp_path):
        trainer = make_trainer(schedule=None)
        trainer.optimizer.lr = 0.1234567890123
        trainer.save_checkpoint(tmp_path / "run.ckpt")
        other = make_trainer(schedule=None)
        other.load_checkpoint(tmp_path / "run.ckpt")
        assert other.optimizer.lr == 0.1234567890123

    def test_modes_and_arrays_in_place(self, tmp_path):
        trainer = make_trainer()
        trainer.model.layers[2].training = False
        trainer.save_checkpoint(tmp_path / "run.ckpt")
        other = make_trainer()
        held = [parameter.data for parameter in other.model.parameters()]
        held += other.optimizer.m_buffers
        other.load_checkpoint(tmp_path / "run.ckpt")
        assert not other.model.layers[2].training and other.model.layers[0].training
        now = [parameter.data for parameter in other.model.parameters()]
        now += other.optimizer.m_buffers
        assert all(a is b for a, b in zip(held, now, strict=True))

    def test_history_with_nan_and_own_entries(self, tmp_path):
        trainer = make_trainer()
        trainer.history["train_loss"] = [0.1, float("inf"), float("nan")]
        trainer.history["my_norms"] = [1, 2.5]
        trainer.save_checkpoint(tmp_path / "run.ckpt")
        other = make_trainer()
        other.load_checkpoint(tmp_path / "run.ckpt")
        assert other.history["my_norms"] == [1.0, 2.5]
        assert repr(other.history["train_loss"]) == "[0.1, inf, nan]"


class TestSaving:
    @pytest.mark.parametrize("name", ["run", "run.ckpt", "run.npz", "run.pkl", "a/b.bin", "ü n.x"])
    def test_name_is_kept(self, name, tmp_path):
        path = tmp_path / name
        trainer = make_trainer()
        trainer.save_checkpoint(str(path))
        files = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()]
        assert files == [name]
        trainer.load_checkpoint(path)

    def test_numpy_reads_it_without_pickle(self, saved):
        with np.load(saved, allow_pickle=False) as archive:
            assert all(archive[name].dtype != object for name in archive.files)
            assert archive["model.0"].shape == (4, 6)
            assert json.loads(archive["json"].tobytes())["epoch"] == 2

    @pytest.mark.parametrize("broken", ["replace", "fsync"])
    @pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
    def test_failing_save_leaves_the_old_file(self, saved, broken, error, monkeypatch):
        before = saved.read_bytes()
        trainer = make_trainer()

        def fail(*arguments):
            raise error

        monkeypatch.setattr(os, broken, fail)
        with pytest.raises(type(error)):
            trainer.save_checkpoint(saved)
        monkeypatch.undo()
        assert saved.read_bytes() == before
        assert list(saved.parent.iterdir()) == [saved]

    def test_save_that_dies_while_writing(self, saved, monkeypatch):
        before = saved.read_bytes()
        real = np.savez

        def half(file, **arrays):
            real(file, **arrays)
            file.truncate(100)
            raise OSError("no space left")

        monkeypatch.setattr(np, "savez", half)
        with pytest.raises(OSError):
            make_trainer().save_checkpoint(saved)
        assert saved.read_bytes() == before
        assert list(saved.parent.iterdir()) == [saved]

    @pytest.mark.parametrize("where", ["fsync", "replace"])
    def test_killed_process_leaves_the_old_file(self, saved, where):
        """The process is gone at once, without any clean-up."""
        before = saved.read_bytes()
        code = (
            "import os, sys; sys.path.insert(0, sys.argv[1]); import test_checkpoint as t\n"
            "trainer = t.make_trainer(seed=9); t.train(trainer, 1)\n"
            f"os.{where} = lambda *arguments: os._exit(9)\n"
            "trainer.save_checkpoint(sys.argv[2])"
        )
        arguments = [str(Path(__file__).parent), str(saved)]
        done = subprocess.run([sys.executable, "-c", code, *arguments])
        assert done.returncode == 9
        assert saved.read_bytes() == before
        make_trainer().load_checkpoint(saved)
        make_trainer().save_checkpoint(
            saved
        )  # what the dead process left behind is in no one's way

    @pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
    def test_killed_again_and_again(self, saved):
        """Killed at any moment of a loop of saves, the file is always whole."""
        code = (
            "import sys; sys.path.insert(0, sys.argv[1]); import test_checkpoint as t\n"
            "trainer = t.make_trainer(hidden=2000)\n"
            "print('ready', flush=True)\n"
            "while True: trainer.step += 1; trainer.save_checkpoint(sys.argv[2])"
        )
        path = saved.with_name("large.ckpt")
        for wait in (0.02, 0.05, 0.083):
            child = subprocess.Popen(
                [sys.executable, "-c", code, str(Path(__file__).parent), str(path)],
                stdout=subprocess.PIPE,
            )
            child.stdout.readline()
            while not path.exists():
                assert child.poll() is None, "the child could not save"
            try:
                child.wait(wait)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
            child.wait()
            child.stdout.close()
            trainer = make_trainer(hidden=2000)
            trainer.load_checkpoint(path)
            assert trainer.step > 0


def rewrite(path: Path, change) -> None:
    """Change the arrays of a checkpoint (the JSON as a dict under "json") and write it again."""
    with np.load(path, allow_pickle=False) as archive:
        entries = {name: archive[name] for name in archive.files}
    entries["json"] = json.loads(entries["json"].tobytes())
    change(entries)
    if isinstance(entries.get("json"), dict):
        entries["json"] = json.dumps(entries["json"])
    if isinstance(entries.get("json"), str):
        entries["json"] = np.frombuffer(entries["json"].encode(), dtype=np.uint8)
    with open(path, "wb") as file:
        np.savez(file, **entries)


def in_json(**changes):
    return lambda entries: entries["json"].update(changes)


def in_text(old, new):
    """Change the JSON text itself, for what json.dumps would not write."""
    return lambda entries: entries.update(json=json.dumps(entries["json"]).replace(old, new, 1))


def without_json(name):
    return lambda entries: entries["json"].pop(name)


def without(name):
    return lambda entries: entries.pop(name)


def entry(name, value):
    return lambda entries: entries.__setitem__(name, value)


HOSTILE = {
    "no json": without("json"),
    "json of another shape": entry("json", "[1, 2]"),
    "json that is none": entry("json", "{"),
    "json of floats": entry("json", np.zeros(4)),
    "json nested too deeply": entry("json", "[" * 100_000),
    "json with NaN": in_text('"epoch": 2', '"epoch": NaN'),
    "json with Infinity": in_text('"epoch": 2', '"epoch": 2, "optimizer.lr": -Infinity'),
    "another format": in_json(format="somebody else's"),
    "no format": without_json("format"),
    **{f"no {name}": without_json(name) for name in ("epoch", "step", "modes", "scheduler")},
    "no random numbers": without_json("random"),
    "no optimizer kind": without_json("optimizer.optimizer"),
    "no learning rate": without_json("optimizer.lr"),
    "no weight": without("model.0"),
    "a weight too many": entry("model.99", np.zeros(3, dtype=np.float32)),
    "a weight in the json": in_json(**{"model.99": 1.0}),
    "a weight of another shape": entry("model.0", np.zeros((6, 4), dtype=np.float32)),
    "a weight that would broadcast": entry("model.0", np.zeros((1, 1), dtype=np.float32)),
    "a weight of text": entry("model.0", np.full((4, 6), "1.0")),
    "complex weights": entry("model.0", np.zeros((4, 6), dtype=complex)),
    "no average": without("optimizer.m.0"),
    "an average of another shape": entry("optimizer.v.1", np.zeros((2, 2), dtype=np.float32)),
    "counts that are none": entry("optimizer.updates", np.full(4, 0.5)),
    "epoch below zero": in_json(epoch=-1),
    "epoch of text": in_json(epoch="3"),
    "epoch of a bool": in_json(epoch=True),
    "step of a fraction": in_json(step=1.5),
    "epoch that is huge": in_text('"epoch": 2', '"epoch": ' + "9" * 5000),
    "modes of another model": in_json(modes=[True]),
    "modes of numbers": in_json(modes=[1, 1, 1, 1]),
    "modes that are no list": in_json(modes="all"),
    "learning rate below zero": in_json(**{"optimizer.lr": -1.0}),
    "learning rate beyond all": in_text('"optimizer.lr": ', '"optimizer.lr": 1e999, "x": '),
    "learning rate of a list": in_json(**{"optimizer.lr": [0.1]}),
    "another optimizer": in_json(**{"optimizer.optimizer": "AdamW"}),
    "optimizer of a list": in_json(**{"optimizer.optimizer": []}),
    "steps of text": in_json(**{"optimizer.step_count": "many"}),
    "an unknown setting": in_json(**{"optimizer.nesterov": True}),
    "another schedule": in_json(scheduler={"kind": "CosineSchedule", "max_lr": 0.5}),
    "no schedule": in_json(scheduler=None),
    "random keys missing": without("random.keys"),
    "random keys too few": entry("random.keys", np.zeros(10, dtype=np.uint32)),
    "random keys of floats": entry("random.keys", np.zeros(624)),
    "random position outside": in_json(random=["MT19937", 10**6, 0, 0.0]),
    "random position below zero": in_json(random=["MT19937", -5, 0, 0.0]),
    "random kind unknown": in_json(random=["PCG64", 0, 0, 0.0]),
    "random list too short": in_json(random=["MT19937"]),
    "random that is no list": in_json(random={"a": 1}),
    "history missing": without("history.train_loss"),
    "history of two dimensions": entry("history.train_loss", np.zeros((2, 2))),
    "history of text": entry("history.eval_loss", np.array(["x"])),
    "history in the json": in_json(**{"history.extra": "x"}),
}


class TestHostileFiles:
    @pytest.mark.parametrize("what", HOSTILE)
    def test_changed_contents(self, saved, what):
        rewrite(saved, HOSTILE[what])
        assert_refused(saved, make_trainer(seed=3))

    def test_rewriting_alone_is_accepted(self, saved):
        rewrite(saved, lambda entries: None)
        trainer = make_trainer(seed=3)
        trainer.load_checkpoint(saved)
        assert trainer.epoch == 2

    def test_truncated_at_many_lengths(self, saved):
        whole = saved.read_bytes()
        trainer = make_trainer(seed=3)
        lengths = {0, 1, 2, 3, 4, 10, 22, len(whole) - 1, len(whole) - 2, len(whole) - 22}
        lengths |= set(range(50, len(whole), len(whole) // 60))
        for length in sorted(lengths):
            saved.write_bytes(whole[:length])
            assert_refused(saved, trainer, "readable")

    def test_flipped_bytes(self, saved):
        """Either the damage is noticed, or it lay where it does not matter."""
        whole = saved.read_bytes()
        reference = make_trainer(seed=4)
        reference.load_checkpoint(saved)
        expected = snapshot(reference)
        rng = np.random.default_rng(1)
        noticed = 0
        for position in rng.choice(len(whole), 300, replace=False):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << int(rng.integers(8))
            saved.write_bytes(damaged)
            trainer = make_trainer(seed=4)
            before = snapshot(trainer)
            try:
                trainer.load_checkpoint(saved)
                assert snapshot(trainer) == expected
            except CheckpointError:
                assert snapshot(trainer) == before
                noticed += 1
        assert noticed > 200

    @pytest.mark.parametrize(
        "content",
        [b"", b"hello\n", b"\x00" * 1000, b"PK\x03\x04" + b"x" * 500, b"\x93NUMPY" + b"x" * 50],
        ids=["empty", "text", "zeros", "like a zip", "like an array"],
    )
    def test_foreign_files(self, content, tmp_path):
        path = tmp_path / "foreign.ckpt"
        path.write_bytes(content)
        assert_refused(path, make_trainer(), "not a readable checkpoint")

    def test_other_archives(self, tmp_path):
        trainer = make_trainer()
        path = tmp_path / "other"
        np.save(io_file := open(path, "wb"), np.zeros(3))  # noqa: SIM115
        io_file.close()
        assert_refused(path, trainer)
        with open(path, "wb") as file:
            np.savez(file, weights=np.zeros(3))
        assert_refused(path, trainer)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "not an array")
            archive.writestr("json", b'{"format": "tinytorch checkpoint 1"}')
        assert_refused(path, trainer)

    @pytest.mark.parametrize("form", ["plain pickle", "object array", "object array in a member"])
    def test_pickle_bombs_do_not_go_off(self, form, saved):
        class Bomb:
            def __reduce__(self):
                return (exec, (f"import os; {BOMB}",))

        if form == "plain pickle":
            saved.write_bytes(pickle.dumps(Bomb()))
        elif form == "object array":
            with open(saved, "wb") as file:
                np.save(file, np.array([Bomb()], dtype=object), allow_pickle=True)
        else:
            rewrite(saved, entry("model.0", np.array([Bomb()], dtype=object)))
        assert_refused(saved, make_trainer())

    def test_zip_bombs(self, saved, tmp_path):
        trainer = make_trainer()
        buffer = io.BytesIO()
        np.save(buffer, np.zeros(10_000_000, dtype=np.uint8))
        path = tmp_path / "bomb.ckpt"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("json.npy", buffer.getvalue())
        assert path.stat().st_size < 100_000
        assert_refused(path, trainer, "more than its own size")
        # An array that says it is far larger than its bytes.
        header = io.BytesIO()
        claim = {"descr": "<f4", "fortran_order": False, "shape": (10**13,)}
        np.lib.format.write_array_header_1_0(header, claim)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("json.npy", header.getvalue() + b"\x00" * 64)
        assert_refused(path, trainer)

    def test_huge_claims_reserve_no_memory(self, tmp_path):
        """A shape that would take gigabytes is refused while little memory is in use."""
        resource = pytest.importorskip("resource")
        header = io.BytesIO()
        claim = {"descr": "<f4", "fortran_order": False, "shape": (10**9,)}
        np.lib.format.write_array_header_1_0(header, claim)
        path = tmp_path / "huge.ckpt"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("json.npy", header.getvalue() + b"\x00" * 64)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert_refused(path, make_trainer())
        unit = 1 if sys.platform == "darwin" else 1024
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit
        assert grown < 500_000_000


class TestOtherRuns:
    @pytest.mark.parametrize(
        ("settings", "mention"),
        [
            ({"hidden": 7}, "model.0"),
            ({"kind": "SGD"}, "SGD"),
            ({"kind": "AdamW"}, "AdamW"),
            ({"schedule": None}, "scheduler"),
            ({"schedule": (0.05, 0.001, 9)}, "scheduler"),
        ],
    )
    def test_built_differently(self, saved, settings, mention):
        assert_refused(saved, make_trainer(**settings), "not of this run", mention)

    @pytest.mark.parametrize(("saved", "made"), [("SGD momentum", "SGD"), ("SGD", "SGD momentum")])
    def test_momentum_comes_with_the_checkpoint(self, saved, made, tmp_path):
        trainer, other = make_trainer(saved), make_trainer(made)
        train(trainer, 1)
        trainer.save_checkpoint(tmp_path / "run")
        other.load_checkpoint(tmp_path / "run")
        assert snapshot(other) == snapshot(trainer)

    def test_missing_file_and_folder(self, tmp_path):
        trainer = make_trainer()
        before = snapshot(trainer)
        with pytest.raises(FileNotFoundError, match="nothing"):
            trainer.load_checkpoint(tmp_path / "nothing.ckpt")
        with pytest.raises(OSError):
            trainer.load_checkpoint(tmp_path)
        assert snapshot(trainer) == before
