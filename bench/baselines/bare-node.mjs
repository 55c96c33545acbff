// @ts-check
process.on('message', ({ id }) => void process.send?.({ id, value: true }))
process.once('disconnect', () => process.exit())
