// @ts-check

const KEPT = /** @type {const} */ ([
  'name',
  'version',
  'description',
  'keywords',
  'license',
  'type',
  'engines',
  'bin',
  'dependencies',
  'optionalDependencies'
])

/**
 * The package.json of the release, from that of the checkout: exports lead to what tsc emitted, and what only
 * a checkout needs is gone.
 * @param {Record<string, any>} manifest
 * @returns {Record<string, unknown>}
 */
export function releaseManifest(manifest) {
  const kept = Object.fromEntries(KEPT.filter(key => key in manifest).map(key => [key, manifest[key]]))
  const exports = Object.entries(manifest['exports']).map(([name, target]) => [name, emitted(target)])
  return { ...kept, exports: Object.fromEntries(exports) }
}

/**
 * Where an export leads in the release: of a source its code and types, of conditions each of them.
 * @param {string | Record<string, any>} source
 * @returns {unknown}
 */
export function emitted(source) {
  if (typeof source !== 'string')
    return Object.fromEntries(
      Object.entries(source).map(([condition, target]) => [condition, emitted(target)])
    )
  if (!source.endsWith('.ts')) return source
  const stem = source.slice(0, -'.ts'.length)
  return { types: stem + '.d.ts', default: stem + '.js' }
}

/**
 * The files that exports or programs of a manifest name.
 * @param {unknown} targets
 * @returns {string[]}
 */
export const filesOf = targets =>
  typeof targets === 'string' ? [targets] : Object.values(targets ?? {}).flatMap(filesOf)

/**
 * A declaration file with the relative imports that a consumer can follow; tsc rewrites them in .js only.
 * @param {string} declaration
 */
export function withEmittedImports(declaration) {
  return declaration.replace(
    /(\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)(['"])(\.{1,2}\/[^'"]*)\.ts\2/g,
    '$1$2$3.js$2'
  )
}
