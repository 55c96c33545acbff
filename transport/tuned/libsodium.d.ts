/** The part of libsodium's raw module that is called here. Lengths of 64 bits are two numbers, the lower half first. */
declare module 'libsodium' {
  interface Sodium {
    readonly HEAPU8: Uint8Array<ArrayBuffer>
    _malloc(bytes: number): number
    _crypto_aead_chacha20poly1305_ietf_encrypt(...pointersAndLengths: number[]): number
    _crypto_aead_chacha20poly1305_ietf_decrypt(...pointersAndLengths: number[]): number
  }
  const createSodium: () => Promise<Sodium>
  export default createSodium
}
