import { readFile } from 'node:fs/promises'

const NONCE_BYTES = 12
const KEY_BYTES = 32

/** A key that the two ends of a conversation share and nobody else has. */
export interface Secret {
  /** `nonce | ciphertext and tag` */
  seal(text: string): Promise<Uint8Array>
  /** Throws for what was not sealed with this key, or was changed. */
  open(sealed: Uint8Array): Promise<string>
}

/** The secret in a file of 64 hex digits. */
export async function secretIn(file: string): Promise<Secret> {
  const bytes = Buffer.from((await readFile(file, 'utf8')).trim(), 'hex')
  if (bytes.length !== KEY_BYTES) throw new RangeError(`${file}: not ${KEY_BYTES * 2} hex digits`)
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
  return {
    async seal(text) {
      const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
      const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, Buffer.from(text))
      return Buffer.concat([iv, Buffer.from(sealed)])
    },
    async open(sealed) {
      const iv = new Uint8Array(sealed.subarray(0, NONCE_BYTES))
      const content = new Uint8Array(sealed.subarray(NONCE_BYTES))
      return Buffer.from(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, content)).toString()
    }
  }
}
