"""The commands of `python -m train`, one a file; a new one is a new file and one import here."""

from train.commands import evaluate as evaluate  # each is imported for its registration
from train.commands import fetch as fetch
from train.commands import fit as fit
from train.commands import predict as predict
from train.commands.base import COMMANDS, Command, register

__all__ = ["COMMANDS", "Command", "register"]
