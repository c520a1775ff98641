"""Where handwriting comes from: readers of data files that return arrays and pen strokes.

load_mnist()            MNIST's four IDX files: found, else downloaded and checked
read_kaggle(path)       Kaggle's Digit Recognizer CSV, with or without labels
load_pen()              pen-drawn digits as strokes, with their writers
split_by_writer(...)    train, validation and test parts that share no writer
"""

from train.data.errors import DataError, MissingDataError
from train.data.idx import read_idx
from train.data.kaggle import read_kaggle
from train.data.mnist import Mnist, fetch_mnist, load_mnist
from train.data.pen import Drawing, load_pen, read_drawings
from train.data.split import WriterSplit, split_by_writer, told_of_empty

__all__ = [
    "DataError",
    "Drawing",
    "MissingDataError",
    "Mnist",
    "WriterSplit",
    "fetch_mnist",
    "load_mnist",
    "load_pen",
    "read_drawings",
    "read_idx",
    "read_kaggle",
    "split_by_writer",
    "told_of_empty",
]
