// @ts-check
process.on('SIGUSR2', () => globalThis.gc?.())
