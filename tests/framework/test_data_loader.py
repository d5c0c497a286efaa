"""Module 08: datasets, batches, random streams, augmentation, loading ahead, and resumed runs."""

from __future__ import annotations

import contextlib
import gc
import itertools
import math
import os
import pickle
import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch.core.activations import Tanh
from tinytorch.core.data_loader import (
    CachedDataset,
    Compose,
    ConcatDataset,
    DataLoader,
    Dataset,
    ImageDataset,
    RandomCrop,
    RandomHorizontalFlip,
    Subset,
    TensorDataset,
    check_index,
    collate,
    epoch_key,
    load_ahead,
    random_stream,
    save_images,
    watch_loop,
)
from tinytorch.core.layers import Dropout, Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import Adam
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import Trainer, collect_run

RNG = np.random.default_rng(0)


class Numbers(Dataset):
    """Samples (i,) one by one, with a note of what was asked for."""

    def __init__(self, size, fail_at=()):
        self.size, self.fail_at, self.asked = size, fail_at, []

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        index = check_index(index, self.size)
        self.asked.append(index)
        if index in self.fail_at:
            raise KeyError(f"no such thing as {index}")
        return (index,)


def seen(loader):
    """The numbers in each batch of a pass."""
    return [batch[0].data.astype(int).tolist() for batch in loader]


def flat(loader):
    return list(itertools.chain.from_iterable(seen(loader)))


def loader_threads():
    return [t for t in threading.enumerate() if t.name.startswith("ThreadPoolExecutor")]


def assert_no_threads_left():
    """All loading threads end (generously bounded)."""
    until = time.monotonic() + 10
    while loader_threads() and time.monotonic() < until:
        time.sleep(0.01)
    assert loader_threads() == []


@pytest.fixture(autouse=True)
def no_leaks():
    yield
    gc.collect()
    assert_no_threads_left()


class TestDatasets:
    def test_abstract(self):
        with pytest.raises(TypeError):
            Dataset()

    @pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int8])
    def test_tensor_dataset_as_pytorch(self, dtype):
        x, y = RNG.integers(0, 99, (7, 2, 3)).astype(dtype), np.arange(7)
        ours = TensorDataset(Tensor(x), Tensor(y))
        theirs = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y))
        assert len(ours) == len(theirs) == 7
        for i in range(7):
            image, label = ours[i]
            assert image.dtype == dtype and label.shape == ()
            np.testing.assert_array_equal(image.data, theirs[i][0].numpy())
            assert label.item() == theirs[i][1].item()

    @pytest.mark.parametrize("index", [7, -1, 100, -8, np.int64(7)])
    def test_index_outside(self, index):
        dataset = TensorDataset(Tensor(np.zeros((7, 2))))
        with pytest.raises(IndexError, match=rf"{index}\b.*\b7\b"):
            dataset[index]

    @pytest.mark.parametrize("index", [1.0, "1", None, Tensor(1)])
    def test_index_of_another_kind(self, index):
        with pytest.raises(TypeError):
            TensorDataset(Tensor(np.zeros((7, 2))))[index]

    def test_a_for_loop_ends(self):
        """Python's old protocol: a loop asks for 0, 1, 2, … until there is an IndexError."""
        assert [row.item() for (row,) in TensorDataset(Tensor([4, 5, 6]))] == [4, 5, 6]

    def test_refused(self):
        with pytest.raises(ValueError, match=r"100.*90"):
            TensorDataset(Tensor(np.zeros((100, 10))), Tensor(np.zeros(90)))
        for wrong in ((), (Tensor(3.0),), (Tensor([1]), Tensor(3.0))):
            with pytest.raises(ValueError):
                TensorDataset(*wrong)
        with pytest.raises(TypeError, match="ndarray"):
            TensorDataset(Tensor([1]), np.zeros(1))

    def test_samples_require_no_gradient(self):
        assert not TensorDataset(Tensor([[1.0]], requires_grad=True))[0][0].requires_grad

    @given(st.lists(st.integers(0, 4), min_size=1, max_size=6))
    def test_concat_is_a_chain(self, sizes):
        parts = [TensorDataset(Tensor(np.arange(n) + 10 * k)) for k, n in enumerate(sizes)]
        ours, chain = ConcatDataset(iter(parts)), [s[0].item() for p in parts for s in p]
        assert len(ours) == sum(sizes)
        assert [ours[i][0].item() for i in range(len(ours))] == chain
        for wrong in (len(ours), -1):
            with pytest.raises(IndexError):
                ours[wrong]

    def test_concat_of_nothing(self):
        with pytest.raises(ValueError):
            ConcatDataset([])

    def test_subset(self):
        half = Subset(Numbers(10), range(9, 0, -2))
        assert [s[0] for s in half] == [9, 7, 5, 3, 1]
        assert flat(DataLoader(Subset(half, [4, 0]), 1)) == [1, 9]
        for wrong in ([10], [-1], [0, 3, 10]):
            with pytest.raises(IndexError):
                Subset(Numbers(10), wrong)
        with pytest.raises(IndexError):
            half[5]

    def test_subset_at_once(self):
        x = RNG.standard_normal((9, 2))
        part = Subset(TensorDataset(Tensor(x)), [8, 2, 2, 5])
        np.testing.assert_array_equal(
            part.get_batch(np.array([3, 0]))[0].data, x[[5, 8]].astype(np.float32)
        )
        assert Subset(Numbers(3), [0]).get_batch(np.array([0])) is None
        assert Subset([(1,)], [0]).get_batch(np.array([0])) is None


class TestCollate:
    def test_empty(self):
        assert collate([]) == ()
        assert DataLoader(Numbers(3), 2)._collate_batch([]) == ()

    @given(st.integers(1, 5), st.lists(st.integers(0, 3), max_size=3))
    def test_as_pytorch(self, count, shape):
        rows = RNG.standard_normal((count, *shape)).astype(np.float32)
        ours = collate([(Tensor(row), k) for k, row in enumerate(rows)])
        theirs = torch.utils.data.default_collate(
            [(torch.tensor(r), k) for k, r in enumerate(rows)]
        )
        np.testing.assert_array_equal(ours[0].data, theirs[0].numpy())
        np.testing.assert_array_equal(ours[1].data, theirs[1].numpy())
        assert [t.dtype for t in ours] == [np.float32] * 2

    def test_narrow_dtypes_stay(self):
        (batch,) = collate([(np.zeros(2, np.uint8),), (np.ones(2, np.uint8),)])
        assert batch.dtype == np.uint8

    def test_refused(self):
        with pytest.raises(TypeError, match="Tensor"):
            collate([Tensor([1.0])])
        with pytest.raises(ValueError, match=r"2.*1"):
            collate([(1, 2), (1,)])
        with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
            collate([(np.zeros(3),), (np.zeros(2),)])

    def test_a_way_of_ones_own_is_not_bypassed(self):
        class Sums(DataLoader):
            def _collate_batch(self, batch):
                return (Tensor(sum(sample[0].item() for sample in batch)),)

        assert [b[0].item() for b in Sums(TensorDataset(Tensor([1, 2, 3])), 2)] == [3, 3]


class TestBatches:
    @given(st.integers(0, 30), st.integers(1, 12), st.booleans(), st.booleans(), st.integers(0, 2))
    @settings(deadline=None)
    def test_sizes_and_coverage(self, count, size, shuffle, drop_last, workers):
        loader = DataLoader(
            Numbers(count), size, shuffle, drop_last=drop_last, num_workers=workers, seed=1
        )
        batches = seen(loader)
        assert len(batches) == len(loader)
        assert len(loader) == (count // size if drop_last else math.ceil(count / size))
        whole = [k for batch in batches for k in batch]
        assert sorted(whole) == sorted(set(whole)) and set(whole) <= set(range(count))
        assert len(whole) == (count - count % size if drop_last else count)
        assert all(len(batch) == size for batch in batches[:-1])
        if not shuffle:
            assert whole == list(range(len(whole)))

    def test_lazy(self):
        numbers = Numbers(100)
        batches = iter(DataLoader(numbers, 10))
        assert numbers.asked == []
        next(batches)
        assert numbers.asked == list(range(10))

    def test_two_loops_at_once(self):
        loader = DataLoader(Numbers(4), 2, shuffle=True, num_workers=1)
        first, second = iter(loader), iter(loader)
        mixed = [next(first), next(second), next(first), next(second)]
        for own in (mixed[::2], mixed[1::2]):
            assert sorted(int(k) for batch in own for k in batch[0].data) == [0, 1, 2, 3]

    def test_at_once_is_the_same(self):
        x, y = RNG.standard_normal((23, 3, 2)), np.arange(23)
        whole = TensorDataset(Tensor(x), Tensor(y))
        at_once = DataLoader(whole, 5, True, seed=3)
        one_by_one = DataLoader([whole[i] for i in range(23)], 5, True, seed=3)
        for ours, theirs in zip(at_once, one_by_one, strict=True):
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(a.data, b.data)
                assert a.dtype == b.dtype

    def test_batches_are_copies(self):
        x = Tensor(np.ones((4, 2)))
        for batch in DataLoader(TensorDataset(x), 2):
            batch[0].data[...] = 7
        assert x.data.max() == 1

    @pytest.mark.parametrize(
        ("settings", "name"),
        [
            ({"batch_size": 0}, "batch_size"),
            ({"batch_size": -1}, "batch_size"),
            ({"batch_size": 2.0}, "batch_size"),
            ({"batch_size": True}, "batch_size"),
            ({"num_workers": -1}, "num_workers"),
            ({"seed": -1}, "seed"),
            ({"seed": 1.5}, "seed"),
            ({"prefetch": 2}, "prefetch"),
            ({"num_workers": 1, "prefetch": 0}, "prefetch"),
        ],
    )
    def test_refused(self, settings, name):
        with pytest.raises(ValueError, match=name):
            DataLoader(Numbers(4), **{"batch_size": 2, **settings})


class TestRandomness:
    def test_fresh_order_per_pass(self):
        for loader in (DataLoader(Numbers(50), 7, True), DataLoader(Numbers(50), 7, True, seed=1)):
            orders = {tuple(flat(loader)) for _ in range(5)}
            assert len(orders) == 5 and loader.epoch == 5

    def test_all_orders_come(self):
        loader = DataLoader(Numbers(3), 3, True, seed=0)
        orders = [tuple(flat(loader)) for _ in range(600)]
        counts = [orders.count(order) for order in set(orders)]
        assert len(counts) == 6 and min(counts) > 60

    @pytest.mark.parametrize("workers", [0, 1, 3])
    def test_same_numbers_however_loaded(self, workers):
        images = Tensor(RNG.random((20, 1, 6, 5)))
        augment = Compose([RandomHorizontalFlip(), RandomCrop((6, 5), padding=2)])

        def passes(workers, dataset):
            loader = DataLoader(dataset, 3, True, seed=4, num_workers=workers, transform=augment)
            return [b[0].data for _ in range(2) for b in loader]

        plain = passes(0, TensorDataset(images))
        for other in (
            passes(workers, TensorDataset(images)),
            passes(workers, [(i,) for i in images]),
        ):
            assert all(np.array_equal(a, b) for a, b in zip(plain, other, strict=True))

    def test_the_global_seed_decides_without_one(self):
        def order(seed):
            np.random.seed(seed)
            return flat(DataLoader(Numbers(20), 4, True))

        assert order(1) == order(1) != order(2)

    def test_what_is_drawn_from_the_global_state(self):
        def draws(**settings):
            np.random.seed(0)
            list(DataLoader(Numbers(6), 2, **settings))
            after = np.random.random()
            np.random.seed(0)
            return after != np.random.random()

        assert draws(shuffle=True) and draws(transform=lambda x: x)
        assert not draws() and not draws(num_workers=2) and not draws(shuffle=True, seed=1)

    def test_a_seeded_loader_goes_on_at_its_epoch(self):
        one, other = (DataLoader(Numbers(9), 2, True, seed=5) for _ in range(2))
        passes = [flat(one) for _ in range(4)]
        other.epoch = 2
        assert [flat(other), flat(other)] == passes[2:]
        assert passes != [flat(DataLoader(Numbers(9), 2, True, seed=6)) for _ in range(4)]

    def test_streams_differ_in_each_part(self):
        np.random.seed(0)
        keys = [(1, 0), (0, 1), (1, 1), epoch_key(None, 5, True), epoch_key(8, 5, True)]
        streams = [random_stream(key, part).random(3).tolist() for key in keys for part in (1, 2)]
        assert len({tuple(numbers) for numbers in streams}) == 10
        assert epoch_key(8, 5, False) is None


class TestTransforms:
    @pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5), (2, 3, 4, 5)])
    @pytest.mark.parametrize("dtype", [np.float32, np.uint8])
    def test_flip_as_numpy(self, shape, dtype):
        image = RNG.integers(0, 99, shape).astype(dtype)
        before = image.copy()
        for wrap in (Tensor, np.asarray):
            flipped = RandomHorizontalFlip(p=1.0)(wrap(image))
            assert type(flipped) is type(wrap(image))
            np.testing.assert_array_equal(np.asarray(flipped), image[..., ::-1])
            np.testing.assert_array_equal(
                np.asarray(RandomHorizontalFlip(p=0.0)(wrap(image))), image
            )
        np.testing.assert_array_equal(image, before)

    def test_flip_each_on_its_own(self):
        images = np.tile(np.arange(3.0, dtype=np.float32), (4000, 2, 1, 1))
        np.random.seed(0)
        flipped = RandomHorizontalFlip(p=0.3)(images)
        share = (flipped[:, 0, 0, 0] == 2).mean()
        assert abs(share - 0.3) < 0.03
        np.testing.assert_array_equal(flipped[:, 0], flipped[:, 1])

    @pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
    def test_flip_refuses(self, p):
        with pytest.raises(ValueError, match=str(p)):
            RandomHorizontalFlip(p)

    @given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 3), st.integers(1, 2), st.data())
    @settings(deadline=None, max_examples=60)
    def test_crop_is_a_window(self, height, width, padding, channels, data):
        size = (
            data.draw(st.integers(1, height + 2 * padding)),
            data.draw(st.integers(1, width + 2 * padding)),
        )
        images = RNG.random((6, channels, height, width), dtype=np.float32)
        edges = [(0, 0), (0, 0), (padding, padding), (padding, padding)]
        padded = np.pad(images, edges)
        cropped = RandomCrop(size, padding)(images)
        assert cropped.shape == (6, channels, *size) and cropped.dtype == np.float32
        for one, whole in zip(cropped, padded, strict=True):
            assert any(
                np.array_equal(one, whole[:, t : t + size[0], s : s + size[1]])
                for t in range(whole.shape[1] - size[0] + 1)
                for s in range(whole.shape[2] - size[1] + 1)
            )

    def test_crop_all_places_alike(self):
        image = np.arange(1.0, 7.0, dtype=np.float32).reshape(1, 2, 3)
        np.random.seed(0)
        many = RandomCrop((1, 2), padding=1)(np.tile(image, (8000, 1, 1, 1)))
        assert many.shape == (8000, 1, 1, 2)
        rows = [tuple(row) for row in many.reshape(-1, 2).tolist()]
        zeros = rows.count((0.0, 0.0)) / 8000
        assert abs(zeros - 8 / 16) < 0.03  # 2 rows of 4 places lie in the border altogether
        assert abs(rows.count((1.0, 2.0)) / 8000 - 1 / 16) < 0.015

    def test_crop_refuses(self):
        with pytest.raises(ValueError, match=r"\(9, 3\).*\(8, 6\)"):
            RandomCrop((9, 3), padding=2)(np.zeros((4, 2)))
        for wrong in ({"size": 0}, {"size": (3, -1)}, {"size": 2.5}, {"size": 3, "padding": -1}):
            with pytest.raises(ValueError):
                RandomCrop(**wrong)
        with pytest.raises(ValueError, match=r"\(5,\)"):
            RandomCrop(2)(np.zeros(5))

    def test_compose_in_order(self):
        assert Compose([lambda x: x + 1, lambda x: x * 10])(2) == 30
        assert Compose([])(2) == 2

    def test_repeatable_by_the_global_seed(self):
        images = RNG.random((5, 8, 8))
        augment = Compose([RandomHorizontalFlip(), RandomCrop(8, 2)])
        np.random.seed(3)
        first = augment(images)
        np.random.seed(3)
        np.testing.assert_array_equal(first, augment(images))


class TestOnDisk:
    def test_lazy_and_scaled(self, tmp_path):
        images = RNG.integers(0, 256, (5, 3, 4), dtype=np.uint8)
        paths = save_images(tmp_path, images)
        dataset = ImageDataset(map(str, paths), range(5))
        os.remove(paths[4])
        image, label = dataset[2]
        np.testing.assert_allclose(image.data, images[2] / 255, rtol=1e-6)
        assert (label.item(), label.shape, len(dataset)) == (2, (), 5)
        assert image.dtype == np.float32
        with pytest.raises(FileNotFoundError):
            dataset[4]
        with pytest.raises(IndexError):
            dataset[5]

    def test_float_images_stay(self, tmp_path):
        image = RNG.standard_normal((1, 2, 2))
        dataset = ImageDataset(save_images(tmp_path, image), [0])
        np.testing.assert_array_equal(dataset[0][0].data, image[0].astype(np.float32))

    def test_labels_that_do_not_fit(self):
        with pytest.raises(ValueError, match=r"2.*3"):
            ImageDataset(["a", "b"], [1, 2, 3])

    @pytest.mark.parametrize("kind", ["empty", "text", "half", "npz", "objects", "pickle"])
    def test_foreign_files(self, kind, tmp_path):
        path = tmp_path / "image.npy"
        (whole,) = save_images(tmp_path, np.zeros((1, 8, 8)))

        class Bomb:
            def __reduce__(self):
                return exec, ("import os; os.environ['TINYTORCH_BOMB'] = 'went off'",)

        if kind == "npz":
            with open(path, "wb") as file:
                np.savez(file, a=np.zeros(2))
        elif kind == "objects":
            np.save(path, np.array([Bomb(), None]), allow_pickle=True)
        else:
            content = {
                "empty": b"",
                "text": b"hello",
                "half": whole.read_bytes()[:200],
                "pickle": pickle.dumps(Bomb()),
            }
            path.write_bytes(content[kind])
        with pytest.raises(ValueError, match=r"image\.npy"):
            ImageDataset([path], [0])[0]
        assert "TINYTORCH_BOMB" not in os.environ


class TestCached:
    @given(st.integers(0, 8), st.integers(0, 10), st.booleans(), st.integers(0, 2))
    @settings(deadline=None)
    def test_second_pass(self, size, capacity, shuffle, workers):
        numbers = Numbers(size)
        loader = DataLoader(CachedDataset(numbers, capacity), 3, shuffle, num_workers=workers)
        for _ in range(4):
            numbers.asked.clear()
            assert sorted(flat(loader)) == list(range(size))
        assert len(numbers.asked) <= max(0, size - capacity)

    def test_no_limit(self):
        numbers = Numbers(5)
        cached = CachedDataset(numbers)
        for _ in range(3):
            list(cached)
        assert len(numbers.asked) == 5

    def test_errors_are_tried_again(self):
        numbers = Numbers(3, fail_at=[1])
        cached = CachedDataset(numbers)
        for _ in range(2):
            with pytest.raises(KeyError):
                cached[1]
        assert numbers.asked == [1, 1]
        numbers.fail_at = ()
        assert cached[1] == (1,)

    def test_never_more_than_capacity_with_threads(self):
        meeting = threading.Barrier(4)

        class Slow(Numbers):
            def __getitem__(self, index):
                meeting.wait(10)  # all four are loading before one of them is kept
                return super().__getitem__(index)

        slow = Slow(4)
        cached = CachedDataset(slow, 2)
        threads = [threading.Thread(target=cached.__getitem__, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        meeting.abort()
        kept = 0
        for i in range(4):
            with contextlib.suppress(threading.BrokenBarrierError):
                kept += cached[i] == (i,)
        assert kept == 2


class TestLoadAhead:
    @given(st.integers(0, 12), st.integers(1, 4), st.integers(1, 6))
    @settings(deadline=None)
    def test_order(self, count, workers, ahead):
        assert list(load_ahead(str, range(count), workers, ahead)) == list(map(str, range(count)))

    def test_never_more_ahead_than_asked(self):
        started = []
        endless = load_ahead(started.append, itertools.count(), workers=2, ahead=3)
        for given_out in range(1, 6):
            next(endless)
            until = time.monotonic() + 10
            while len(started) < given_out + 3 and time.monotonic() < until:
                time.sleep(0.001)
            time.sleep(0.01)
            assert len(started) == given_out + 3
        endless.close()

    def test_workers_work_at_the_same_time(self):
        meeting = threading.Barrier(3, timeout=10)

        def load(item):
            meeting.wait()
            return item

        assert list(load_ahead(load, range(6), workers=3, ahead=3)) == list(range(6))

    def test_loads_while_the_caller_is_busy(self):
        loaded = [threading.Event() for _ in range(4)]
        for item in load_ahead(lambda k: loaded[k].set() or k, range(4), 1, 2):
            assert loaded[min(item + 2, 3)].wait(10)

    def test_an_error_comes_in_its_turn(self):
        results = load_ahead(lambda k: 1 / (2 - k), range(9), workers=3, ahead=3)
        assert [next(results), next(results)] == [0.5, 1.0]
        with pytest.raises(ZeroDivisionError):
            next(results)
        assert_no_threads_left()

    def test_left_half_way(self):
        loader = DataLoader(Numbers(1000), 1, num_workers=3)
        for batch in loader:
            if batch[0].item() == 5:
                break
        assert loader_threads() == []
        assert len(loader.dataset.asked) <= 1 + 5 + 1 + 6

    def test_left_by_an_error_in_the_loop(self):
        def loop():
            for _ in DataLoader(Numbers(100), 2, num_workers=2):
                raise OSError("the step failed")

        with pytest.raises(OSError):
            loop()
        gc.collect()
        assert_no_threads_left()

    def test_what_has_not_begun_is_not_loaded(self):
        go, begun = threading.Event(), []

        def load(item):
            begun.append(item)
            if item:
                assert go.wait(10)

        results = load_ahead(load, range(9), workers=1, ahead=5)
        next(results)
        until = time.monotonic() + 10
        while len(begun) < 2 and time.monotonic() < until:
            time.sleep(0.001)
        threading.Timer(0.05, go.set).start()
        results.close()
        assert begun == [0, 1]

    @pytest.mark.parametrize("workers", [0, 2])
    def test_an_error_names_its_sample(self, workers):
        loader = DataLoader(Numbers(20, fail_at=[13]), 4, num_workers=workers)
        batches = iter(loader)
        assert len([next(batches) for _ in range(3)]) == 3
        with pytest.raises(KeyError) as raised:
            next(batches)
        assert raised.value.__notes__ == ["while loading sample 13"]


class TestWatch:
    def test_scripted_clocks(self):
        now = {"wall": 100.0, "cpu": 7.0}

        def spend(wall, cpu):
            now["wall"] += wall
            now["cpu"] += cpu

        def batches():
            for k in range(10):
                spend(0.03, 0.0)
                yield k

        told = watch_loop(
            batches(), lambda k: spend(0.01, 0.01), lambda: now["wall"], lambda: now["cpu"]
        )
        assert told["batches"] == 10
        assert told["seconds"] == pytest.approx(0.4)
        assert told["waiting"] == pytest.approx(0.75)
        assert told["cpu"] == pytest.approx(0.25)


class TestResume:
    """The trainer of Module 07 and this loader: a resumed run is the same run, to the last bit."""

    X, Y = RNG.standard_normal((40, 1, 4, 4)).astype(np.float32), np.arange(40) % 3

    def make(self, seed, workers, np_seed=0):
        np.random.seed(np_seed)
        model = Sequential(Linear(4, 6), Tanh(), Dropout(0.3), Linear(6, 3))
        trainer = Trainer(model, Adam(model.parameters(), lr=0.01), CrossEntropyLoss())
        augment = Compose(
            [RandomHorizontalFlip(), RandomCrop(4, 1), lambda x: x.reshape(-1, 16)[:, :4]]
        )
        loader = DataLoader(
            TensorDataset(Tensor(self.X), Tensor(self.Y)),
            7,
            True,
            seed=seed,
            num_workers=workers,
            transform=augment,
        )
        return trainer, loader

    def judged(self):
        return DataLoader(
            TensorDataset(Tensor(self.X.reshape(40, 16)[:, :4]), Tensor(self.Y)), 16, num_workers=1
        )

    def train(self, trainer, loader, epochs):
        for _ in range(epochs):
            loader.epoch = trainer.epoch  # for a seeded loader: its place belongs to the run
            trainer.train_epoch(loader, accumulation_steps=2)
            trainer.evaluate(self.judged())

    @pytest.mark.parametrize("seed", [None, 11])
    @pytest.mark.parametrize("workers", [(0, 0), (3, 3), (0, 2)])
    def test_bit_for_bit(self, seed, workers, tmp_path):
        trainer, loader = self.make(seed, workers[0])
        self.train(trainer, loader, 2)
        trainer.save_checkpoint(tmp_path / "run")
        self.train(trainer, loader, 3)
        resumed, fresh = self.make(seed, workers[1], np_seed=99)
        np.random.seed(123)
        resumed.load_checkpoint(tmp_path / "run")
        self.train(resumed, fresh, 3)
        ours, theirs = collect_run(trainer), collect_run(resumed)
        for name, value in ours.items():
            assert np.array_equal(value, theirs[name]), name

    def test_evaluation_leaves_the_random_state_alone(self):
        trainer, _ = self.make(None, 0)
        before = np.random.get_state()[1].copy(), np.random.get_state()[2]
        trainer.evaluate(self.judged())
        assert np.array_equal(before[0], np.random.get_state()[1])
        assert before[1] == np.random.get_state()[2]
