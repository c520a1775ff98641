// Runs the network on TensorFlow.js, for comparison: the same layers, built from the same weights.

import { show } from './show.js';

const { tf } = /** @type {any} */ (globalThis);
const { backend } = document.documentElement.dataset;
if (backend === 'wasm') tf.wasm.setWasmPaths(new URL('./tensorflow/', import.meta.url).href);

const bytes = async (/** @type {string} */ path) => (await fetch(path)).arrayBuffer();
const [layers, weights, pixels] = await Promise.all([
  fetch('./network.json').then((response) => response.json()),
  bytes('./network.bin'),
  bytes('./picture.bin'),
  tf.setBackend(backend),
]);

const array = (/** @type {{shape: number[], offset: number}} */ { shape, offset }) =>
  tf.tensor(new Float32Array(weights, offset, shape.reduce((size, n) => size * n, 1)), shape);

/** @type {Record<string, (layer: any) => (x: any) => any>} */
const makers = {
  Conv2D({ config: { stride, padding }, params }) {
    const [weight, bias] = [array(params.weight), array(params.bias)];
    return (x) => tf.add(tf.conv2d(x, weight, stride, padding), bias);
  },
  Dense({ params }) {
    const [weight, bias] = [array(params.weight), array(params.bias)];
    return (x) => tf.add(tf.matMul(x, weight), bias);
  },
  ReLU: () => tf.relu,
  MaxPool2D: ({ config: { size } }) => (x) => tf.maxPool(x, size, size, 'valid'),
  GlobalAvgPool2D: () => (x) => tf.mean(x, [1, 2]),
  Flatten: () => (x) => tf.reshape(x, [x.shape[0], -1]),
};
const functions = layers.map((/** @type {any} */ layer) => makers[layer.type](layer));
const input = tf.tensor(Float32Array.from(new Uint8Array(pixels), (pixel) => pixel / 255), [1, 28, 28, 1]);

await show(async () => {
  const output = tf.tidy(() =>
    tf.softmax(functions.reduce((/** @type {any} */ x, /** @type {any} */ layer) => layer(x), input)),
  );
  const scores = await output.data();
  output.dispose();
  return scores;
});
