// Runs the exported network on onnxruntime-web, for comparison: one picture, then the same many times.

import * as ort from './onnxruntime/ort.wasm.min.mjs';
import { show } from './show.js';

ort.env.wasm.numThreads = 1; // more would need special headers, which a plain static host does not send
ort.env.wasm.wasmPaths = new URL('./onnxruntime/', import.meta.url).href;

const [session, pixels] = await Promise.all([
  ort.InferenceSession.create('./network.onnx', { executionProviders: ['wasm'] }),
  fetch('./picture.bin').then((response) => response.arrayBuffer()),
]);
const input = Float32Array.from(new Uint8Array(pixels), (pixel) => pixel / 255);

await show(async () => {
  const outputs = await session.run({
    [session.inputNames[0]]: new ort.Tensor('float32', input, [1, 1, 28, 28]),
  });
  return outputs[session.outputNames[0]].data;
});
