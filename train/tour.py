# %% [markdown]
"""A tour in cells: train a 784-128-10 network from nothing to 97.5 % in under a minute.

Run it whole, `python -m train.tour`, or cell by cell in an editor that knows `# %%`. Nothing here
is hidden: the loop below is all that training is. `train/loop.py` adds what long runs need.
"""

# %% The data: 60,000 images to learn from, 10,000 that only the last measurement sees
import time

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from nn import Recognizer
from nn.layers import Dense, Flatten, ReLU
from nn.losses import softmax_cross_entropy
from nn.model import Sequential
from nn.optim import SGD
from nn.recognizer import as_input
from train.data import DataError, load_mnist
from train.schedule import learning_rate

try:
    mnist = load_mnist()
except DataError as error:  # it says what to do
    raise SystemExit(str(error)) from None
print("training images", mnist.train_images.shape, mnist.train_images.dtype)


def show(image: NDArray[np.uint8]) -> None:
    """Print a ``(28, 28) uint8`` image as text, two rows a line."""
    shades = " .:-=+*#%@"
    for row in image[::2]:
        print("".join(shades[int(value) * len(shades) // 256] * 2 for value in row))


show(mnist.train_images[0])
print("is a", mnist.train_labels[0])

# %% The network: a function with 101,770 numbers to be found
rng = np.random.default_rng(0)
model = Sequential([Flatten(), Dense(784, 128, rng), ReLU(), Dense(128, 10, rng)])
print("parameters:", model.parameter_count())

# %% The loss says how wrong it is, and the gradient in which direction it gets better
images, labels = as_input(mnist.train_images[:128]), mnist.train_labels[:128]
loss, grad = softmax_cross_entropy(model.forward(images, training=True), labels)
model.backward(grad)  # the chain rule: from the last layer back to the first
print(f"loss {loss:.3f}; ten equal probabilities would give {np.log(10):.3f}")

# %% Is the gradient right? Move one weight: the loss changes by as much as the gradient says
weight, promised = model.layers[3].params["weight"], model.layers[3].grads["weight"][5, 7]
before = weight[5, 7]
losses = []
for moved in (before + 0.01, before - 0.01):
    weight[5, 7] = moved
    losses.append(softmax_cross_entropy(model.forward(images), labels)[0])
weight[5, 7] = before
print(f"gradient {promised:+.5f}, measured {(losses[0] - losses[1]) / 0.02:+.5f}")

# %% Training: a small step against the gradient, 3,600 times
EPOCHS, BATCH = 6, 100
optimizer = SGD(momentum=0.9, weight_decay=5e-4)
steps_per_epoch = len(mnist.train_images) // BATCH
began = time.monotonic()
for epoch in range(EPOCHS):
    order, total = rng.permutation(len(mnist.train_images)), 0.0
    with threadpool_limits(1, "blas"):  # products as small as these are done sooner by one core
        for step in range(steps_per_epoch):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            logits = model.forward(as_input(mnist.train_images[chosen]), training=True)
            loss, grad = softmax_cross_entropy(logits, mnist.train_labels[chosen])
            model.backward(grad)
            done = epoch * steps_per_epoch + step
            optimizer.learning_rate = learning_rate(0.1, done, EPOCHS * steps_per_epoch)
            optimizer.step(model.parameters())
            total += loss
    seconds = time.monotonic() - began
    print(f"epoch {epoch + 1:2}: loss {total / steps_per_epoch:.4f}, {seconds:.0f} s")

# %% How good is it? The test images have chosen nothing so far
recognizer = Recognizer(model, {})
probabilities = recognizer.classify(mnist.test_images)
read = probabilities.argmax(axis=1)
right = float((read == mnist.test_labels).mean())
print(f"{right:.2%} of the test images are read right")

# %% Its worst mistake: sure, and wrong
wrong = np.flatnonzero(read != mnist.test_labels)
worst = wrong[probabilities[wrong].max(axis=1).argmax()] if len(wrong) else 0
show(mnist.test_images[worst])
print(
    f"is a {mnist.test_labels[worst]}, read {read[worst]} ({probabilities[worst].max():.0%} sure)"
)

# %% Your own hand: strokes, as the page's pad gives them, inked in MNIST's form
seven = [[(10, 10), (90, 10), (50, 120)]]
reading = recognizer.read(seven)
show(reading.digits[0].image)
print(f"reads {reading.text} ({reading.digits[0].confidence:.0%} sure)")
