"""Long training that nothing undoes: saved after each epoch, and continued by the next run."""

import sys
import time
from pathlib import Path

from milestones import stage

UNFINISHED = ".unfinished"  # what the name of a run's file ends in until the run is over


def train_saved(trainer, training, test, epochs, file, show, about):
    """Judge, then train until `epochs` epochs are over; after each, judge and save the whole run.

    If an earlier run was interrupted, in whatever way, this one goes on after its last saved
    epoch, and comes out as if there had been no interruption.

    Args:
        trainer: your Trainer, built exactly as in the run that was interrupted.
        training, test: loaders.
        file: the name for the finished run; `finish` gives it.
        show: of `stage.play`; its steps are batches.
        about: what is being trained.
    """
    unfinished = _unfinished(file)
    if unfinished.exists():
        _go_on(trainer, unfinished, epochs, about)
    else:
        trainer.evaluate(test)
    saved, left = trainer.epoch, _Left(trainer, epochs * len(training))
    try:
        while trainer.epoch < epochs:
            name = f"{about}, epoch {trainer.epoch + 1} of {epochs}"
            loss = trainer.train_epoch(_watched(training, show, name, left))
            _, accuracy = trainer.evaluate(test)
            saved = trainer.epoch if _save(trainer, unfinished) else saved
            show(len(training), len(training), None, name, loss=loss, accuracy=accuracy)
    except KeyboardInterrupt:
        where = f"goes on after epoch {saved} of {epochs}" if saved else "begins anew"
        _say(f"\nInterrupted. The same command {where} ({about}).")
        raise


def finish(*files):
    """Give the files of `train_saved` their names: the next run begins anew."""
    for file in files:
        if _unfinished(file).exists():  # it does not, where nothing could be saved
            _unfinished(file).replace(file)


def _unfinished(file):
    return Path(f"{file}{UNFINISHED}")


def _go_on(trainer, file, epochs, about):
    from tinytorch.core.training import CheckpointError

    anew = "To begin anew, delete that file."
    try:
        trainer.load_checkpoint(file)
    except (CheckpointError, OSError) as error:
        stage.fail(f"An interrupted run cannot be continued. {error}\n{anew}")
    _say(f"{about}: going on after epoch {trainer.epoch} of {epochs}, saved in {file}. {anew}")


def _save(trainer, file):
    """Save the run, and say whether that was possible: a full disk does not end the training."""
    try:
        trainer.save_checkpoint(file)
    except OSError as error:
        _say(f"Epoch {trainer.epoch} could not be saved ({error}). Training goes on without.")
        return False
    return True


class _Left:
    """How many minutes the rest takes, if it goes on as fast as until now."""

    def __init__(self, trainer, steps):
        self.trainer, self.steps = trainer, steps
        self.first, self.begun = trainer.step, time.monotonic()

    def minutes(self):
        """The estimate; NaN-free: 0 before the first step."""
        done = self.trainer.step - self.first
        seconds = (time.monotonic() - self.begun) / done if done else 0
        return (self.steps - self.trainer.step) * seconds / 60


def _watched(loader, show, name, left):
    """The loader's batches; `show` tells how many of them are over."""
    for number, batch in enumerate(loader):
        if number:
            show(number, len(loader), None, name, minutes_left=left.minutes())
        yield batch


def _say(text):
    print(text, file=sys.stderr, flush=True)
