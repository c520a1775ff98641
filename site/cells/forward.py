# Forwards: each layer works on what the one before it found.
x = as_input(image[None])
for layer in model.layers:
    x = layer.forward(x)
    print(type(layer).__name__, x.shape[1:], "largest", x.max().round(2))

for digit, share in enumerate(softmax(x)[0, :10]):
    print(digit, share.round(4), "#" * round(40 * float(share)))
