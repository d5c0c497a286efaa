"""Checks on the real MNIST and CIFAR-10. They need TINYTORCH_DATA_DIR (run by `make full`)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from milestone_kit import run_script

from milestones.data_manager import load_cifar10, load_mnist

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif("TINYTORCH_DATA_DIR" not in os.environ, reason="needs TINYTORCH_DATA_DIR"),
]

MNIST_TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
MNIST_MEAN_AND_STD = (0.1307, 0.3081)  # of the training pixels, as published with many loaders


def test_mnist(tmp_path: Path):
    train_x, train_y, test_x, test_y = load_mnist(cache=tmp_path)
    assert (train_x.shape, test_x.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert train_x.dtype == np.float32 and train_x.max() == 1.0
    assert np.bincount(test_y).tolist() == MNIST_TEST_COUNTS and len(train_y) == 60000
    np.testing.assert_allclose((train_x.mean(), train_x.std()), MNIST_MEAN_AND_STD, atol=1e-3)
    assert list(tmp_path.iterdir()) == []


def test_cifar10(tmp_path: Path):
    if not (Path(os.environ["TINYTORCH_DATA_DIR"]) / "cifar-10").is_dir():
        pytest.skip("no cifar-10 in TINYTORCH_DATA_DIR")
    train_x, train_y, test_x, test_y = load_cifar10(cache=tmp_path, scaled=False)
    assert (train_x.shape, test_x.shape) == ((50000, 3, 32, 32), (10000, 3, 32, 32))
    assert np.bincount(train_y).tolist() == [5000] * 10
    assert np.bincount(test_y).tolist() == [1000] * 10
    assert list(tmp_path.iterdir()) == []


def test_one_epoch_of_the_mnist_milestone(trees, tmp_path: Path):
    script = trees(8) / "milestones" / "03_1986_mlp" / "02_rumelhart_mnist.py"
    run = run_script(script, "--seed=0", "--epochs=1", "--json", f"--plot={tmp_path / 'plot.png'}")
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["metrics"]["accuracy"]["mean"] > 0.93
    assert Path(result["plot"]).stat().st_size > 10_000
