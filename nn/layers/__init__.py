"""The layers, one idea a file; a new one is a new file and one import here."""

from nn.layers.activations import ReLU
from nn.layers.base import Array, Layer
from nn.layers.batchnorm import BatchNorm
from nn.layers.conv import Conv2D
from nn.layers.dense import Dense
from nn.layers.dropout import Dropout
from nn.layers.pooling import GlobalAvgPool2D, MaxPool2D
from nn.layers.shape import Flatten

__all__ = [
    "Array",
    "BatchNorm",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2D",
    "Layer",
    "MaxPool2D",
    "ReLU",
]
