/** One message of multistream-select: a length, a name, a newline. */
export function protocolLine(name: string): Uint8Array {
  const text = Buffer.from(`${name}\n`)
  return Buffer.concat([Buffer.from([text.length]), text])
}
