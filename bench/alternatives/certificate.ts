import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const MAKE_MS = 30_000
const run = promisify(execFile)

/** Where the parts of a certificate lie. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** A certificate for 127.0.0.1 that lives for a day, signed by its own key, as `cert.pem` and `key.pem` in the folder. */
export async function makeCertificate(folder: string): Promise<CertificateFiles> {
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const asked =
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=127.0.0.1 ` +
    `-addext subjectAltName=IP:127.0.0.1 -keyout ${files.key} -out ${files.cert}`
  await run('openssl', asked.split(' '), { timeout: MAKE_MS })
  return files
}
