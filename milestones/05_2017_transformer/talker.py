"""A model that talks: how it is made, trained, judged, kept, and spoken to."""

import contextlib
import math
import sys
from pathlib import Path

import numpy as np
from talking import UNCOUNTED, AnswerLoss, padded, row

from milestones import stage
from tinytorch.core.autograd import no_grad
from tinytorch.core.optimizers import AdamW
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import CheckpointError, CosineSchedule, Trainer, evaluation_mode
from tinytorch.core.transformer import GPT

RESUME = {"--resume": {"action": "store_true", "help": "go on where an interrupted run stopped"}}


class Talker:
    """A GPT, its language, and the trainer that holds the state of its run.

    Args:
        language: the `Language` it speaks.
        epochs: how long it will be trained: the learning rate falls to a twentieth until then.
        width, layers, heads: of the GPT.
        context: the most tokens it can see at once.
    """

    def __init__(self, language, epochs, width=64, layers=2, heads=4, context=128, rate=0.004):
        self.language = language
        sizes = (language.size, width, layers, heads, context)
        self.model = GPT(*sizes, dropout_prob=0.0)
        self.trainer = Trainer(
            self.model,
            AdamW(self.model.parameters(), lr=rate),
            AnswerLoss(),
            scheduler=CosineSchedule(rate, rate / 20, total_epochs=epochs),
            grad_clip_norm=1.0,
        )

    @property
    def parameters(self):
        """How many numbers it learned."""
        return sum(parameter.size for parameter in self.model.parameters())

    def logits(self, tokens):
        """The logits after every token of an array (B, T), as an array (B, T, vocabulary)."""
        with evaluation_mode(self.model), no_grad():
            return self.model(Tensor(tokens)).data

    def judge(self, talks):
        """How well it knows these talks: `(right, loss)`, an array of bool and a number.

        A talk is right when each token to be learned is the one it holds for the likeliest, the
        tokens before it being as they should. This is the same as saying the answer word for
        word when asked: whoever says the first token right is then in the place of the second.
        """
        right, surprise, count = [], 0.0, 0
        for start in range(0, len(talks), 50):
            rows = [row(self.language, talk) for talk in talks[start : start + 50]]
            inputs, targets = padded(rows, self.language.padding)
            logits, counted = self.logits(inputs), targets != UNCOUNTED
            right.extend(((logits.argmax(axis=-1) == targets) | ~counted).all(axis=1))
            loss = self.trainer.loss_fn(Tensor(logits), Tensor(targets)).item()
            surprise, count = surprise + loss * counted.sum(), count + counted.sum()
        return np.array(right), surprise / count

    def reply(self, said, history=()):
        """What it answers to `said`, after the turns of `history`, always the likeliest token.

        A reply that has no end stops at the length of the longest answer it has learned.
        """
        heard = self._as_much_as_fits([*history, (said, None)])
        answer, room = [], self.model.max_seq_len - len(heard)
        while len(answer) < min(self.language.longest, room):
            token = int(self.logits(np.array([heard + answer]))[0, -1].argmax())
            if token == self.language.end:
                break
            answer.append(token)
        return self.language.read(answer)

    def _as_much_as_fits(self, turns):
        """The tokens of the last turns, as many whole turns as leave half of the context free."""
        heard = []
        for said, answer in reversed(turns):
            ids = self.language.said(said)
            ids += self.language.answer(answer) if answer is not None else []
            if heard and len(ids) + len(heard) > self.model.max_seq_len // 2:
                break
            heard = ids + heard
        return heard[-(self.model.max_seq_len - 1) :]


def train(talker, batches, epochs, file, after):
    """Train until `epochs` are over; keep the best epoch in `file`; `after(loss)` each of them.

    Args:
        batches: called for each epoch, gives its loader.
        file: where the trainer saves itself whenever the loss is the lowest yet; None: nowhere.
    """
    trainer = talker.trainer
    best = min(trainer.history["train_loss"], default=math.inf)
    kept = trainer.epoch
    try:
        while trainer.epoch < epochs:
            loss = trainer.train_epoch(batches())
            if loss < best and file and keep(trainer, file):
                best, kept = loss, trainer.epoch
            after(loss)
    except KeyboardInterrupt:
        if kept:
            say(f"\nStopped. The best until now, epoch {kept} of {epochs}, is kept in\n  {file}")
            say("The same command with --resume goes on from there; with --chat you talk to it.")
        raise


def keep(trainer, file):
    """Save the run; a full disk or a read-only folder does not end the training."""
    try:
        trainer.save_checkpoint(file)
    except OSError as error:
        say(f"Epoch {trainer.epoch} could not be kept ({error}). Training goes on without.")
        return False
    return True


def model_file(script, asked, seed, about=""):
    """Where the model of this seed and length is kept; None where no files are wanted."""
    if asked.no_plot:
        return None
    name = f"{Path(script).stem}{about}-seed{seed}-epochs{asked.epochs}.ckpt"
    return Path(script).resolve().parent / "outputs" / name


def resume(talker, file):
    """Go on from what was kept; begin anew where nothing was."""
    if file is None or not file.exists():
        say("No interrupted run of this seed and length is there: beginning anew.")
        return
    load(talker, file)
    say(f"Going on after epoch {talker.trainer.epoch}, from {file}.")


def load(talker, file):
    """Give the talker what it had learned when `file` was saved, or fail with what to do."""
    if file is None:
        stage.fail("With --no-plot no file is kept and none is read: leave it out.")
    try:
        talker.trainer.load_checkpoint(file)
    except FileNotFoundError:
        others = sorted(path.name for path in file.parent.glob(f"{file.name.split('-')[0]}-*.ckpt"))
        there = f"\nThere are: {', '.join(others)} (see --seed and --epochs)." if others else ""
        stage.fail(
            f"There is no trained model in\n  {file}\n"
            f"Train one first: run the same command without --chat.{there}"
        )
    except (CheckpointError, OSError) as error:
        stage.fail(f"The model cannot be used. {error}\nTrain it again, without --chat.")


def chat(talker, greeting, remembers):
    """Talk to whoever sits there, until an empty line or the end of the input.

    Args:
        remembers: whether it sees the turns before.
    """
    say(f"{greeting}\nAn empty line ends the talk.\n")
    history = []
    with contextlib.suppress(EOFError):
        while said := input("You: " if sys.stdin.isatty() else "").strip():
            answer = talker.reply(said, history if remembers else ())
            history.append((said, answer))
            print(f"It:  {answer}", flush=True)


def say(text):
    """To a person, on stderr: stdout belongs to results."""
    print(text, file=sys.stderr, flush=True)
