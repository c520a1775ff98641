"""The trained network for other programs and for people: ONNX, and a summary in one file."""
