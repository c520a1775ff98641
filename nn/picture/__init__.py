"""From any picture to its ink: paper and shadows, what lies about digits, MNIST's form."""
