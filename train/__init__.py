"""Training: data, augmentation, the loop and what measures it; see `python -m train --help`."""
