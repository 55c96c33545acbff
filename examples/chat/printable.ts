/** What moves the cursor, rings, recolours, or turns the direction of writing. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu

/** Text of somebody else, safe to print: what a terminal would obey is written as an escape. */
export const printable = (text: string): string =>
  text.replaceAll(UNSAFE, c => `\\u{${c.codePointAt(0)!.toString(16).padStart(4, '0')}}`)
