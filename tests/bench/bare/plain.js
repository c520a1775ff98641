// Starts the page's Python in a module worker of its own, without PyScript, with no other work: shows one answer.

import { STROKES, show } from './bare.js';
import { Fetching } from './fetching.js';
import { readList } from './files.js';
import { pack } from './pack.js';

const { program, files } = new Fetching(readList(), []);
const worker = new Worker(new URL('./plain-worker.js', import.meta.url), { type: 'module' });
worker.addEventListener('message', async ({ data, ports }) => {
  if (data?.runtime === 'waiting') {
    const paths = await files;
    ports[0].postMessage({ paths: [...paths.keys()], whole: {} });
    for (const [path, file] of paths) file.then((bytes) => ports[0].postMessage({ path, bytes }, [bytes]));
    worker.postMessage({ program: new TextDecoder().decode(await program), strokes: pack(STROKES) });
  }
  if (data?.answer) show(JSON.parse(data.answer).result);
});
