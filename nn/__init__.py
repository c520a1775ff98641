"""A digit recognizer in NumPy: the network, its training, the way from a drawing to its answer."""

from nn.reading import Digit, Reading
from nn.recognizer import Recognizer

__all__ = ["Digit", "Reading", "Recognizer"]
