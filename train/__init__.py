"""Training: data readers, augmentation, the training loop and what measures its result; `python -m train --help`."""
