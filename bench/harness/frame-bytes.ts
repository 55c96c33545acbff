/** Bytes of all frames of some operations that a node has answered so far, theirs and its own, from the text of its metrics. */
export function frameBytes(metrics: string, service: string, operations: readonly string[]): number {
  let bytes = 0
  for (const line of metrics.split('\n')) {
    const [, labels = '', value] = /^bytes_(?:in|out)_total\{(.*)\} (\d+)$/.exec(line) ?? []
    const isOf = (label: string, name: string) => labels.includes(`${label}="${name}"`)
    if (isOf('service', service) && operations.some(name => isOf('operation', name))) bytes += Number(value)
  }
  return bytes
}
