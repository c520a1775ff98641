"""What the playground's cells find: the drawing, the network, and the tools to work with both.

The page puts a line before this that sets `drawing`, a list of strokes of `[x, y, pressure]`.
"""

import copy

import numpy as np

from nn import Recognizer
from nn.losses import softmax, softmax_cross_entropy
from nn.optim import SGD
from nn.recognizer import as_input

drawing = [[point[:2] for point in stroke] for stroke in drawing]
recognizer = Recognizer.load()
model = recognizer.model
reading = recognizer.read(drawing)
# What the network sees, (28, 28) uint8: of a digit, before which there may be a minus or a point.
image = next((each for each in reading.digits if each.digit is not None), reading.digits[0]).image
