# A filter of the first layer: 5 x 5 numbers. Try another number than 0.
number = 0
first = model.layers[0]
print(first.params["weight"][:, :, 0, number].round(2))
print("plus", first.params["bias"][number].round(2))
