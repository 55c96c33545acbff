/** A media type that a caller takes, with what it says of it. Names are in lower case. */
export interface Accepted {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

/** The media types of an `Accept` header, the most wanted first; those with `q=0` are left out. */
export function acceptedTypes(header: string): readonly Accepted[] {
  return header
    .split(',')
    .map(parsed)
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
}

function parsed(text: string): Accepted & { readonly weight: number } {
  const [type = '', ...rest] = text.split(';').map(part => part.trim().toLowerCase())
  const parameters = new Map(rest.map(nameAndValue))
  const weight = Number(parameters.get('q') ?? 1)
  parameters.delete('q')
  return { type, parameters, weight: weight >= 0 && weight <= 1 ? weight : 0 }
}

function nameAndValue(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at === -1) return [text, '']
  return [
    text.slice(0, at).trim(),
    text
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1')
  ]
}
