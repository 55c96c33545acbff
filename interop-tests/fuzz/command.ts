import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { UsageError, fuzzArguments } from './arguments.ts'
import type { FuzzArguments } from './arguments.ts'
import { readCorpus, writeCorpus } from './engine/corpus.ts'
import type { Kept } from './engine/corpus.ts'
import { Edges } from './engine/edges.ts'
import { Fuzzer } from './engine/fuzzer.ts'
import { digest } from './engine/random.ts'
import type { Finding, Target } from './engine/target.ts'
import { startWatchdog } from './engine/watchdog.ts'

export const EXIT = { clean: 0, finding: 1, usage: 2, broken: 3 } as const
const STATUS_EVERY_MS = 10_000

/** Where a run takes its targets from and where it leaves what it finds. */
export interface Surroundings {
  readonly names: readonly string[]
  /** Loads the targets, with counters unless `isCounted` is false. */
  readonly load: (isCounted: boolean) => Promise<readonly Target[]>
  /** Both end with a slash. */
  readonly corpus: URL
  readonly findings: URL
  readonly say: (line: string) => void
  readonly complain: (line: string) => void
}

/** `npm run fuzz`: gives the exit code. */
export async function fuzzCommand(argv: readonly string[], around: Surroundings): Promise<number> {
  try {
    const wanted = fuzzArguments(argv, around.names, Math.floor(Math.random() * 0xffff_ffff))
    return await new Run(wanted, around).all()
  } catch (error) {
    if (error instanceof UsageError) {
      around.complain(`fuzz: ${error.message}`)
      return EXIT.usage
    }
    around.complain(`fuzz: could not run: ${error instanceof Error ? error.stack : String(error)}`)
    return EXIT.broken
  }
}

class Run {
  readonly #wanted: FuzzArguments
  readonly #around: Surroundings

  constructor(wanted: FuzzArguments, around: Surroundings) {
    this.#wanted = wanted
    this.#around = around
  }

  async all(): Promise<number> {
    const { minutes, seed, target, input } = this.#wanted
    // One input alone runs uncounted, so that its stack names the lines as they are in the files.
    const targets = await this.#around.load(input === undefined)
    const chosen = targets.filter(({ name }) => target === undefined || name === target)
    if (input !== undefined) return this.#one(chosen[0]!, input)
    this.#around.say(
      `fuzz: ${minutes} minutes over ${chosen.map(({ name }) => name).join(', ')}, seed ${seed}`
    )
    const findings: Finding[] = []
    for (const each of chosen) {
      const finding = await this.#fuzz(each, (minutes * 60_000) / chosen.length)
      if (finding !== undefined) findings.push(finding)
    }
    for (const finding of findings) this.#report(finding)
    return findings.length === 0 ? EXIT.clean : EXIT.finding
  }

  /** The corpus first, then new inputs until the time is up or something is found. */
  async #fuzz(target: Target, ms: number): Promise<Finding | undefined> {
    const watchdog = startWatchdog(target.name, fileURLToPath(this.#around.findings))
    const fuzzer = new Fuzzer(target, Edges.shared(), this.#wanted.seed, watchdog.watch)
    const started = performance.now()
    let finding = await fuzzer.replay(this.#known(target))
    this.#around.say(`${target.name}: replayed ${fuzzer.executions} inputs, ${status(fuzzer)}`)
    finding ??= await this.#search(target, fuzzer, performance.now() + ms)
    await watchdog.stop()
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    this.#around.say(`${target.name}: ${fuzzer.executions} executions in ${seconds} s, ${status(fuzzer)}`)
    if (this.#wanted.save) this.#save(target, fuzzer.minimal())
    return finding
  }

  #known(target: Target): Kept[] {
    return [
      ...readCorpus(this.#corpusOf(target)),
      ...target.seeds().map(bytes => ({ bytes, isPinned: false }))
    ]
  }

  async #search(target: Target, fuzzer: Fuzzer, until: number): Promise<Finding | undefined> {
    let told = performance.now()
    let before = fuzzer.executions
    for (let now = told; now < until; now = performance.now()) {
      const finding = await fuzzer.step()
      if (finding !== undefined) return finding
      if (now - told < STATUS_EVERY_MS) continue
      const rate = Math.round(((fuzzer.executions - before) * 1000) / (now - told))
      this.#around.say(`${target.name}: ${rate} exec/s, ${status(fuzzer)}`)
      told = now
      before = fuzzer.executions
    }
    return undefined
  }

  #corpusOf({ name }: Target): URL {
    return new URL(`${name}.txt`, this.#around.corpus)
  }

  #save(target: Target, kept: readonly Kept[]): void {
    writeCorpus(this.#corpusOf(target), kept)
    this.#around.say(`${target.name}: saved ${kept.length} inputs`)
  }

  #report({ target, input, error }: Finding): void {
    const { say, findings } = this.#around
    mkdirSync(findings, { recursive: true })
    const name = `${target}-${digest(input).toString(16).padStart(8, '0')}`
    const file = fileURLToPath(new URL(name, findings))
    writeFileSync(file, input)
    say(`FINDING in ${target}: ${input.length} bytes, in ${relative(process.cwd(), file)}`)
    say(stackOf(error))
    say(`reproduce: npm run fuzz -- --target ${target} --input ${relative(process.cwd(), file)}`)
  }

  async #one(target: Target, file: string): Promise<number> {
    const bytes = Uint8Array.from(readFileSync(file))
    const finding = await new Fuzzer(target, new Edges(), 0).replay([{ bytes, isPinned: false }])
    if (this.#wanted.pin)
      this.#save(target, [...readCorpus(this.#corpusOf(target)), { bytes, isPinned: true }])
    this.#around.say(
      finding === undefined ? `${target.name}: ${bytes.length} bytes, nothing found` : stackOf(finding.error)
    )
    return finding === undefined ? EXIT.clean : EXIT.finding
  }
}

const status = ({ reached, inputs, inputBytes }: Fuzzer): string =>
  `${reached.edges} of ${Edges.shared().size} edges, ${reached.features} features, ` +
  `corpus ${inputs} inputs (${inputBytes} bytes)`

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)
