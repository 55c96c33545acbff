/** Cuts a byte stream into messages of one size; `each` gets every message once, alone. */
export function wholeMessages(
  messageBytes: number,
  each: (message: Uint8Array) => void
): (piece: Uint8Array) => void {
  let rest: Uint8Array = new Uint8Array(0)
  return piece => {
    let bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    while (bytes.length >= messageBytes) {
      each(bytes.subarray(0, messageBytes))
      bytes = bytes.subarray(messageBytes)
    }
    rest = bytes
  }
}
