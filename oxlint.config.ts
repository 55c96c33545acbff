import { defineConfig } from 'oxlint'

// Who may import whom. Of another folder only its index.ts, and only if the row names it.
const MAY_IMPORT: Record<string, readonly string[]> = {
  protocols: [],
  transport: [],
  dht: ['protocols'],
  federation: ['protocols'],
  sdk: ['protocols', 'transport'],
  node: ['protocols', 'transport', 'dht', 'federation'],
  cli: ['protocols', 'transport', 'sdk', 'node'],
  examples: [],
  bench: ['transport'],
  'interop-tests': []
}

// Of what takes long to load, parts that a command may load alone.
const PARTS: Record<string, readonly string[]> = {
  cli: ['node/setup-error.ts', 'node/admin/admin-client.ts']
}

// A test may set up the other end of what its folder does.
const TESTS_MAY_IMPORT: Record<string, readonly string[]> = { sdk: ['node'], node: ['sdk'] }

const UNBOUNDED_STREAM_HELPERS = [
  'lpStream',
  'byteStream',
  'pbStream',
  'pipe',
  'messageStreamToDuplex',
  'echo'
]
const UNBOUNDED_PACKAGES = ['it-pipe', 'it-length-prefixed', 'it-length-prefixed-stream', 'it-byte-stream']

type Pattern =
  { group: string[]; message: string } | { regex: string; message: string; allowTypeImports?: boolean }

const BROWSER_SAFE: Pattern[] = [
  { regex: '^node:', message: 'protocols/ runs in browsers; take what you need as an argument.' },
  {
    regex: '^(libp2p|@libp2p/.*|@multiformats/.*)$',
    allowTypeImports: true,
    message: 'protocols/ knows libp2p by its types only.'
  }
]

function restricted(patterns: Pattern[]) {
  const paths = [
    {
      name: '@libp2p/utils',
      importNames: UNBOUNDED_STREAM_HELPERS,
      message: 'It buffers whatever the other side sends; read the stream through its message events.'
    },
    ...UNBOUNDED_PACKAGES.map(name => ({ name, message: 'It buffers whatever the other side sends.' }))
  ]
  return { 'no-restricted-imports': ['error' as const, { paths, patterns }] as ['error', object] }
}

function boundaries(folder: string, allowed: readonly string[], open: readonly string[] = []): Pattern[] {
  const others = Object.keys(MAY_IMPORT).filter(other => other !== folder && !open.includes(other))
  return others.map(other => {
    const inside = [`../${other}/**`, `../**/${other}/**`]
    return allowed.includes(other)
      ? {
          group: [...inside, ...entries(folder, other).flatMap(path => [`!../${path}`, `!../**/${path}`])],
          message: `Import ${other}/index.ts.`
        }
      : { group: inside, message: `${folder}/ may not import ${other}/.` }
  })
}

const entries = (folder: string, other: string): readonly string[] => [
  `${other}/index.ts`,
  ...(PARTS[folder] ?? []).filter(path => path.startsWith(`${other}/`))
]

const folders = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  files: [`${folder}/**/*.{ts,mjs}`],
  rules: restricted([...boundaries(folder, allowed), ...(folder === 'protocols' ? BROWSER_SAFE : [])])
}))

const tests = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  files: [`${folder}/**/*.{test,fixture}.ts`],
  rules: restricted(boundaries(folder, [...allowed, ...(TESTS_MAY_IMPORT[folder] ?? [])]))
}))

// The fuzz targets reach what the public exports do not show.
const fuzzTargets = {
  files: ['interop-tests/fuzz/targets/*.ts'],
  rules: restricted(boundaries('interop-tests', [], ['protocols', 'federation', 'node']))
}

// Hubs without a node: what a link opens is tried where the transport offers it.
const linkedLoads = {
  files: ['interop-tests/redteam/loads/linked-*.ts', 'interop-tests/dht/members-process.ts'],
  rules: restricted(boundaries('interop-tests', ['transport']))
}

// The store of blobs without a node around it: more of its work a second, and faults in the middle of it.
const blobCrashes = {
  files: ['interop-tests/crash/blobs/*.ts'],
  rules: restricted(boundaries('interop-tests', [], ['node']))
}

// A node that takes longer for what is stored, on purpose: the comparison must notice.
const plantedOracle = {
  files: ['interop-tests/oracle/planted.ts'],
  rules: restricted(boundaries('interop-tests', [], ['node']))
}

// Hubs without links and processes: the parts that decide, over rows in memory and a clock of its own.
const simulation = {
  files: ['interop-tests/simulation/*.ts'],
  rules: restricted(boundaries('interop-tests', [], ['protocols', 'federation', 'node']))
}

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import'],
  categories: { correctness: 'error' },
  rules: {
    'typescript/no-floating-promises': [
      'error',
      { allowForKnownSafeCalls: [{ from: 'package', name: ['test', 'suite'], package: 'node:test' }] }
    ],
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/consistent-type-imports': 'error',
    eqeqeq: 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    ...restricted([])
  },
  overrides: [...folders, ...tests, fuzzTargets, linkedLoads, blobCrashes, plantedOracle, simulation],
  // What is written against generated types is judged by its own compiler.
  ignorePatterns: ['dist', 'node_modules', '**/node_modules', '.cache', 'interop-tests/http/client']
})
