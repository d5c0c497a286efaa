"""What parts 5 and 6 share: a text, and a model that writes on, letter by letter."""

import contextlib
import zlib

import numpy as np
import talker

from datasets import DatasetError
from tinytorch.core.data_loader import DataLoader, Dataset
from tinytorch.core.tensor import Tensor
from tinytorch.core.tokenization import CharTokenizer

CONTEXT = 64  # letters that the model sees at once
WINDOWS, BATCH = 400, 16  # of CONTEXT letters each: an epoch, and a batch
HELD_OUT = 0.1  # of the text, its end: to judge by
SAMPLED = {1, 2, 5, 10, 20}  # after these epochs, and at the end, a sample is written
SHORTEST, LONGEST = 3000, 300_000  # letters: less teaches nothing; of more, the beginning is read


def read_texts(files):
    """The texts of these files, one after the other; a DatasetError says what is wrong with one."""
    text = "\n".join(_read(file) for file in files)[:LONGEST]
    if len(text) < SHORTEST:
        names = ", ".join(map(str, files)) or "no file"
        raise DatasetError(
            f"Too little to learn from: {names} has {len(text):,} characters, and it takes "
            f"{SHORTEST:,} at least. Give it a longer text."
        )
    return text


def _read(file):
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise DatasetError(f"The text {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise DatasetError(
            f"{file} is not a text in UTF-8. Save it as one and try again."
        ) from None
    return text.replace("\r\n", "\n")


class Letters:
    """The characters of a text as ids and back."""

    def __init__(self, text):
        self.tokenizer = CharTokenizer(sorted(set(text)))
        self.size = self.tokenizer.vocab_size
        self.encode, self.read = self.tokenizer.encode, self.tokenizer.decode


class Windows(Dataset):
    """Stretches of CONTEXT letters, each with the letters that follow one place later.

    Args:
        ids: the text.
        count: how many; None for the whole text, from its beginning, without overlaps.
    """

    def __init__(self, ids, count=None):
        self.ids = np.array(ids)
        last = max(len(ids) - CONTEXT, 1)
        self.starts = (
            np.arange(0, last, CONTEXT) if count is None else np.random.randint(last, size=count)
        )

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, number):
        stretch = self.ids[self.starts[number] :][: CONTEXT + 1]
        return Tensor(stretch[:-1]), Tensor(stretch[1:])


class Writer(talker.Talker):
    """A model that goes on with what was begun."""

    def __init__(self, text, epochs):
        super().__init__(Letters(text), epochs, context=CONTEXT, rate=0.006)
        ids = self.language.encode(text)
        cut = len(ids) - int(HELD_OUT * len(ids))
        self.training, self.held_out = ids[:cut], ids[cut:]

    def batches(self):
        """An epoch: windows from anywhere in the training text."""
        return DataLoader(Windows(self.training, WINDOWS), BATCH)

    def judge_held_out(self):
        """How well it foresees the held-out text, `(loss, accuracy)`: of one letter, the next."""
        loss, accuracy = self.trainer.evaluate(DataLoader(Windows(self.held_out), BATCH))
        return loss, accuracy

    def pairs_accuracy(self):
        """The accuracy of someone who knows the last letter alone and says what mostly follows."""
        counts = np.zeros((self.language.size,) * 2)
        np.add.at(counts, (self.training[:-1], self.training[1:]), 1)
        guesses = counts.argmax(axis=1)[self.held_out[:-1]]
        return np.mean(guesses == np.array(self.held_out[1:]))

    def write(self, beginning, length, temperature=0.0, seed=0):
        """The beginning and `length` more letters, thrown with dice of their own."""
        ids = self.language.encode(beginning)
        with own_dice(seed):
            written = self.model.generate(Tensor([ids]), length, temperature=temperature)
        return beginning + self.language.read(written.data[0, len(ids) :])

    def reply(self, said, history=()):
        """For a talk: what was said, and how it goes on, to the end of the line at most."""
        return self.write(said, CONTEXT).removeprefix(said).split("\n")[0]


@contextlib.contextmanager
def own_dice(seed):
    """Random numbers of their own, so that what is shown does not disturb the training."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


def prepare(script, asked, seed, files):
    """A writer that knows nothing yet, and the name of its file: another text, another model."""
    text = read_texts(files)
    np.random.seed(seed)
    about = f"-{zlib.crc32(text.encode('utf-8')):08x}"
    return Writer(text, asked.epochs), talker.model_file(script, asked, seed, about)


def learn(writer, file, asked, show, sample):
    """Train on nine tenths of the text, judge by the last: the metrics and the story of a run.

    `sample()` is a text that shows what the model writes.
    """
    before, _ = writer.judge_held_out()
    if asked.resume:
        talker.resume(writer, file)
    samples = []

    def after(loss):
        epoch = writer.trainer.epoch
        if epoch in SAMPLED or epoch == asked.epochs:
            samples.append((epoch, sample()))
        lines = samples[-1][1].splitlines() if samples else []
        show(epoch, asked.epochs, lambda: lines, loss=loss)

    talker.train(writer, writer.batches, asked.epochs, file, after)
    loss, accuracy = writer.judge_held_out()
    metrics = {
        "loss_before": before,
        "loss": loss,
        "loss_in_training": writer.trainer.history["train_loss"][-1],
        "accuracy": accuracy,
        "accuracy_from_last_letter": writer.pairs_accuracy(),
        "letters_read": len(writer.training),
        "parameters": writer.parameters,
    }
    return metrics, {"losses": writer.trainer.history["train_loss"], "samples": samples}


def begin(script, asked, seed, files, greeting):
    """Let a person begin lines, and the trained model go on."""
    writer, file = prepare(script, asked, seed, files)
    talker.load(writer, file)
    talker.chat(writer, greeting, remembers=False)
