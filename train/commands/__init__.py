"""The commands of `python -m train`, one a file; a new one is a new file and one import here."""

from train.commands import evaluate as evaluate  # each is imported for its registration
from train.commands import explain as explain
from train.commands import export as export
from train.commands import fetch as fetch
from train.commands import fine_tune as fine_tune
from train.commands import fit as fit
from train.commands import predict as predict
from train.commands import rehearsal as rehearsal
from train.commands import sweep as sweep
from train.commands.base import COMMANDS, Command, register

__all__ = ["COMMANDS", "Command", "register"]
