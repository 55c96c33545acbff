import type { Artifact } from '../../stores/ams/index.ts'

const TEXT = /^(?:text\/|application\/json\b|[^;]*\+json\b)/i
const SAFE_TYPE = /^[\x20-\x7e]+$/

/**
 * What stands over the bytes of an artifact. Whoever put it there may have meant it for a browser to run: it is text, or
 * bytes, for a reader to keep, and what it was said to be stands in `x-artifact-type`.
 */
export function payloadHeaders({ sha256, content_type: type }: Artifact): Readonly<Record<string, string>> {
  return {
    'content-type': TEXT.test(type) ? 'text/plain; charset=utf-8' : 'application/octet-stream',
    'content-disposition': 'attachment',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    ...(SAFE_TYPE.test(type) && { 'x-artifact-type': type }),
    'cache-control': 'private, no-cache',
    etag: `"${sha256}"`
  }
}
