import { posix } from 'node:path'
import { inlineImports, namesIn, readModule } from './declarations.ts'
import type { Module } from './declarations.ts'

/** What each import path of the package exports: declarations by name. */
export type Exports = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Declarations that no path exports and that exported ones mention: who uses those depends on these. */
export const REACHED = 'reached through the above'

/** Gives the text of a declaration file by its path from the root, such as `node/index.d.ts`. */
export type ReadDeclarations = (path: string) => string

interface Found {
  readonly path: string
  readonly name: string
}

/** The exports of `entries`, an import path and its declaration file each, and what they reach. */
export function collectExports(entries: Readonly<Record<string, string>>, read: ReadDeclarations): Exports {
  const modules = moduleCache(read)
  const sections = new Map<string, Map<string, string>>()
  const exported = new Map<string, Found>()
  for (const [entry, path] of Object.entries(entries)) {
    const found = exportsOf(path, modules)
    for (const each of found.values()) exported.set(key(each), each)
    sections.set(entry, sorted(new Map([...found].map(([name, at]) => [name, declaration(at, modules)]))))
  }
  const reached = reachable([...exported.values()], modules).filter(each => !exported.has(key(each)))
  sections.set(REACHED, sorted(new Map(reached.map(each => [key(each), declaration(each, modules)]))))
  return sections
}

export function printReport(version: string, exports: Exports): string {
  const sections = [...exports].map(([entry, declarations]) => {
    const blocks = [...declarations].map(([name, text]) => `// ${name}\n${text}`)
    return `## ${entry}\n\n\`\`\`ts\n${blocks.join('\n\n')}\n\`\`\`\n`
  })
  return `${heading(version)}\n${sections.join('\n')}`
}

/** Reads back what `printReport` printed. */
export function parseReport(report: string): { version: string; exports: Exports } {
  const [, version] = /^Version (\S+)\.$/m.exec(report) ?? []
  if (version === undefined) throw new Error('api report: no line "Version X.Y.Z."')
  const sections = [...report.matchAll(/^## (.+)\n\n```ts\n([\s\S]*?)\n?```$/gm)]
  return {
    version,
    exports: new Map(sections.map(([, entry = '', block = '']) => [entry, declarationsIn(block)]))
  }
}

function heading(version: string): string {
  return `# What the package exports

Version ${version}.

Written by \`npm run api -- --write\`; \`npm run check\` fails while this page and the code differ. What is named here changes only as semver allows, measured against the last release: see [releasing.md](releasing.md).
`
}

function declarationsIn(block: string): Map<string, string> {
  const parts = block.split(/(?:^|\n\n)\/\/ (\S+)\n/).slice(1)
  return new Map(
    parts.flatMap((name, at) => (at % 2 === 0 ? [[name, parts[at + 1] ?? '']] : [])) as [string, string][]
  )
}

function exportsOf(path: string, modules: (path: string) => Module): Map<string, Found> {
  const module = modules(path)
  const found = new Map<string, Found>()
  for (const name of module.exported) found.set(name, resolve({ path, name }, modules))
  for (const { name, from } of module.reexported) {
    const at = relative(path, from)
    if (name !== '*') found.set(name, resolve({ path: at, name }, modules))
    else for (const [each, where] of exportsOf(at, modules)) found.set(each, where)
  }
  return found
}

/** Follows a name through imports and re-exports to the file that declares it. */
function resolve(wanted: Found, modules: (path: string) => Module): Found {
  const { path, name } = wanted
  const module = modules(path)
  if (module.declared.has(name)) return wanted
  const origin = module.imported.get(name) ?? module.reexported.find(each => each.name === name)
  if (origin !== undefined) return resolve({ path: relative(path, origin.from), name: origin.name }, modules)
  for (const { from } of module.reexported.filter(each => each.name === '*')) {
    const found = exportsOf(relative(path, from), modules).get(name)
    if (found !== undefined) return found
  }
  throw new Error(`api report: ${path} exports ${name} and does not say where from`)
}

function reachable(from: readonly Found[], modules: (path: string) => Module): Found[] {
  const seen = new Map(from.map(each => [key(each), each]))
  for (const at of seen.values()) {
    for (const next of mentioned(at, modules)) if (!seen.has(key(next))) seen.set(key(next), next)
  }
  return [...seen.values()]
}

function mentioned({ path, name }: Found, modules: (path: string) => Module): Found[] {
  const module = modules(path)
  const text = module.declared.get(name) ?? ''
  const named = [...namesIn(text)].filter(each => module.declared.has(each) || module.imported.has(each))
  const inline = inlineImports(text).filter(({ from }) => from.startsWith('.'))
  return [
    ...named.map(each => resolve({ path, name: each }, modules)),
    ...inline.map(each => resolve({ path: relative(path, each.from), name: each.name }, modules))
  ]
}

function declaration({ path, name }: Found, modules: (path: string) => Module): string {
  return (modules(path).declared.get(name) ?? '').replace(/^export /gm, '').replace(/^declare /gm, '')
}

const key = ({ path, name }: Found): string => `${path.replace(/\.d\.ts$/, '')}#${name}`

const relative = (path: string, from: string): string =>
  posix.join(posix.dirname(path), from).replace(/\.(ts|js)$/, '.d.ts')

const sorted = (declarations: Map<string, string>): Map<string, string> =>
  new Map([...declarations].sort(([a], [b]) => (a < b ? -1 : 1)))

function moduleCache(read: ReadDeclarations): (path: string) => Module {
  const modules = new Map<string, Module>()
  return path => {
    const module = modules.get(path) ?? readModule(read(path))
    modules.set(path, module)
    return module
  }
}
