import { envName } from './env.ts'
import { type Leaf, configSections } from './schema.ts'

const HEAD = `# Configuration of an Omnigate node. Lines that begin with # and a letter are the defaults; remove the # to change one.
# The command line wins over the environment, the environment over this file.
# "omnigate config check FILE" prints every value and where it came from.
`

/**
 * The commented configuration that a new data folder gets. Only `node.name` is set; every other key stands there as a
 * comment with its default, so that a later version may improve a default for those who never changed it.
 */
export function defaultConfigText({ name }: { readonly name: string }): string {
  const sections = configSections.map(section => {
    const keys = section.leaves.map(leaf => keyText(leaf, leaf.path === 'node.name' ? name : undefined))
    return [`# ${section.description}`, `[${section.name}]`, ...keys].join('\n')
  })
  return [HEAD, ...sections.map(text => `${text}\n`)].join('\n')
}

function keyText(leaf: Leaf, value: unknown): string {
  const bounds = boundsText(leaf.schema)
  const line = `${leaf.key} = ${tomlValue(value ?? leaf.schema.default)}`
  return `# ${leaf.schema.description}${bounds} ${envName(leaf)}\n${value === undefined ? '#' : ''}${line}`
}

function boundsText(schema: object): string {
  if (!('minimum' in schema && 'maximum' in schema)) return ''
  return ` ${String(schema.minimum)} to ${String(schema.maximum)}.`
}

function tomlValue(value: unknown): string {
  return Array.isArray(value)
    ? `[${value.map(item => JSON.stringify(item)).join(', ')}]`
    : JSON.stringify(value)
}
