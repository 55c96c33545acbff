/** The statements of a declaration file as tsc prints them, sorted by what they do. */
export interface Module {
  /** Each declaration of the file by name, without comments; several of one name stand together. */
  readonly declared: ReadonlyMap<string, string>
  /** Names that the file exports itself. */
  readonly exported: ReadonlySet<string>
  readonly reexported: readonly Reexport[]
  /** Names that come from another file, and from which. */
  readonly imported: ReadonlyMap<string, Origin>
}

export interface Reexport {
  /** What is exported; `*` for everything. */
  readonly name: string
  readonly from: string
}

export interface Origin {
  readonly name: string
  readonly from: string
}

const STATEMENT = /^(?=(?:export|declare|import|type|interface|class|function|const|abstract)\b)/m
const COMMENT_OR_STRING =
  /[ \t]*\/\*[\s\S]*?\*\/[ \t]*\n?|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g
const DECLARATION =
  /^(?:export )?(?:declare )?(?:abstract )?(?:class|function|const|let|interface|type|enum) ([\w$]+)/

export function readModule(text: string): Module {
  const declared = new Map<string, string>()
  const exported = new Set<string>()
  const reexported: Reexport[] = []
  const imported = new Map<string, Origin>()
  for (const statement of statements(text)) {
    const [, braces, , from] =
      /^export (?:type )?(?:\{([^}]*)\}|(\*)) from ['"]([^'"]+)['"];$/.exec(statement) ?? []
    const [, own] = /^export (?:type )?\{([^}]*)\};$/.exec(statement) ?? []
    const [, name] = DECLARATION.exec(statement) ?? []
    if (from !== undefined) {
      const names = braces === undefined ? ['*'] : bindings(braces).map(({ name }) => name)
      reexported.push(...names.map(name => ({ name, from })))
    } else if (own !== undefined) for (const { name } of bindings(own)) exported.add(name)
    else if (statement.startsWith('import '))
      for (const [as, origin] of importsOf(statement)) imported.set(as, origin)
    else if (name !== undefined) {
      declared.set(name, declared.has(name) ? `${declared.get(name)}\n${statement}` : statement)
      if (statement.startsWith('export ')) exported.add(name)
    } else throw new Error(`api report: a statement of a kind that it does not know: ${firstLine(statement)}`)
  }
  return { declared, exported, reexported, imported }
}

/** Names that a declaration may refer to: its identifiers without names of members and parameters. */
export function namesIn(declaration: string): Set<string> {
  const withoutStrings = declaration.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, '""')
  return new Set(withoutStrings.match(/(?<![\w$.])[A-Za-z_$][\w$]*(?![\w$]|\??:|\()/g))
}

/** Types that a declaration takes from another file without an import statement. */
export function inlineImports(declaration: string): Origin[] {
  return [...declaration.matchAll(/\bimport\(['"]([^'"]+)['"]\)\.([\w$]+)/g)].map(
    ([, from = '', name = '']) => ({
      name,
      from
    })
  )
}

function statements(text: string): string[] {
  const withoutComments = text.replace(COMMENT_OR_STRING, found => (/^["']/.test(found) ? found : ''))
  return withoutComments
    .split(STATEMENT)
    .map(statement =>
      statement
        .replace(/^\s*#private;\n/gm, '')
        .replace(/^\s*\n/gm, '')
        .trimEnd()
    )
    .filter(statement => statement !== '' && statement !== 'export {};')
}

function importsOf(statement: string): [string, Origin][] {
  const [, names = '', from = ''] =
    /^import (?:type )?([\s\S]*?)\s*from ['"]([^'"]+)['"];$/.exec(statement) ?? []
  if (!from.startsWith('.')) return []
  const [, braces] = /^\{([\s\S]*)\}$/.exec(names) ?? []
  if (braces === undefined) throw new Error(`api report: only named imports, not: ${firstLine(statement)}`)
  return bindings(braces, true).map(({ name, as }) => [as, { name, from }])
}

function bindings(list: string, mayRename = false): { name: string; as: string }[] {
  return list
    .split(',')
    .map(entry => entry.trim().replace(/^type /, ''))
    .filter(entry => entry !== '')
    .map(entry => {
      const [name = '', as = name] = entry.split(/ as /)
      if (as !== name && !mayRename) throw new Error(`api report: exported under another name: ${entry}`)
      return { name, as }
    })
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''
