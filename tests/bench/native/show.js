// What the compared pages share: show the first answer and mark when it was there, then time predictions.

/**
 * @param {() => Promise<ArrayLike<number>>} predict returns what the network says for each class
 */
export async function show(predict) {
  const scores = Array.from(await predict()).slice(0, 10);
  const answer = /** @type {HTMLElement} */ (document.getElementById('answer'));
  answer.textContent = String(scores.indexOf(Math.max(...scores)));
  performance.mark('first-answer');
  Object.assign(globalThis, {
    /** @param {number} times */
    async measure(times) {
      const durations = [];
      for (let i = 0; i < times; i++) {
        const start = performance.now();
        await predict();
        durations.push(performance.now() - start);
      }
      return durations;
    },
  });
}
