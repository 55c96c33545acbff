import { crc32 } from 'node:zlib'

const POLYNOMIAL = 0xedb88320
const ASCII = 0x80

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL
  return crc
})

/** The CRC-32 of a text's UTF-8. Keys are short and mostly ASCII: to make bytes of them would cost more than the sum. */
export function textCrc(text: string): number {
  let crc = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= ASCII) return crc32(text)
    crc = (crc >>> 8) ^ TABLE[(crc ^ code) & 0xff]!
  }
  return (crc ^ -1) >>> 0
}
