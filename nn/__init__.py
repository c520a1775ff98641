"""A digit recognizer in NumPy: the network, its training, the way from a drawing to its answer."""

from nn.recognizer import Digit, Reading, Recognizer

__all__ = ["Digit", "Reading", "Recognizer"]
