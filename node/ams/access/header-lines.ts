/**
 * The values of all lines of one header, in their order. Node's `headers` keeps the first line of some headers and joins
 * those of others, so that one who sends two could have two readers see different ones.
 */
export function headerLines(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    if (rawHeaders[at]!.toLowerCase() === name) values.push(rawHeaders[at + 1]!)
  return values
}
