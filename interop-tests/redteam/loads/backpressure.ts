/** Throws: the load of slow readers beside a fast one has not been written. */
export const backpressure = (): Promise<boolean> =>
  Promise.reject(new Error('--load backpressure: not there yet; nothing was shown'))
