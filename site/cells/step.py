# One step of learning, by a copy of the network. What should it have said?
answer = np.array([3])
pupil = copy.deepcopy(model)

scores = pupil.forward(as_input(image[None]), training=True)
loss, slope = softmax_cross_entropy(scores, answer)
pupil.backward(slope)  # fills every layer's grads
SGD(learning_rate=0.001, momentum=0).step(pupil.parameters())

after, _ = softmax_cross_entropy(pupil.forward(as_input(image[None])), answer)
print("loss before", round(loss, 3), "after", round(after, 3))
