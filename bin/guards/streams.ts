import { withoutComments } from './source.ts'

const PULLS: readonly RegExp[] = [
  /\bfor await\s*\([^;\n]*?\bof\s+([\w.#!$]+)/g,
  /\b(Array\.fromAsync|Symbol\.asyncIterator|(?:Readable|ReadableStream|Duplex)\.from)\b/g,
  /\byield\*\s*([\w.#!$]+)/g,
  /\.(pipe|pipeTo|pipeThrough)\(/g,
  /\b(import\(\s*['"](?:@libp2p\/utils|it-[\w-]+)['"]\s*\))/g
]

/** What a source draws from async iterables, pipes, or loads in a way that the linter does not see. */
export const pulls = (source: string): string[] =>
  PULLS.flatMap(pattern => [...withoutComments(source).matchAll(pattern)].map(([, what = '']) => what))
