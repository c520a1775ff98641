"""Sources of data, one a file; a new one is a new file and one import here."""

from train.sources import kaggle as kaggle  # each is imported for its registration
from train.sources import mnist as mnist
from train.sources import nondigits as nondigits
from train.sources import pen as pen
from train.sources.base import SOURCES, Source, register

__all__ = ["SOURCES", "Source", "register"]
