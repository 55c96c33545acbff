/** What a checkout has for commands to run. */
export interface Checkout {
  readonly scripts: Readonly<Record<string, string>>
  /** True when a path or glob names at least one file. */
  has(pattern: string): boolean
}

/** What a command needs and the checkout lacks, such as `npm run fuzz`; undefined when all of it is there. */
export function missingPart(command: string, checkout: Checkout): string | undefined {
  const [, script] = /^npm run (?:--silent )?([\w:-]+)/.exec(command) ?? []
  if (script === undefined) return files(command).find(file => !checkout.has(file))
  const runs = checkout.scripts[script]
  if (runs === undefined) return `npm run ${script}`
  return files(runs).find(file => !checkout.has(file))
}

function files(command: string): string[] {
  const words = command.match(/'[^']*'|\S+/g) ?? []
  return words.map(word => word.replaceAll("'", '')).filter(word => /\.(ts|mjs)$/.test(word))
}
