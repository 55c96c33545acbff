import { isTopic, isTopicPattern, topicMatches } from '../../protocols/index.ts'
import { isOutbox } from './directing.ts'

/** How the mailbox treats a topic. */
export interface TopicRule {
  readonly maxAttempts: number
  readonly retentionMs: number
  /** Bytes of ready messages, those under lease among them; beyond them the oldest go. */
  readonly retentionBytes: number
  readonly deadRetentionMs: number
  /** Bytes of dead letters; beyond them the oldest go. */
  readonly deadBytes: number
  /** Messages that are ready, leased or delayed. */
  readonly depth: number
  /** Where messages go that failed too often, in place of the dead letters of their own topic. */
  readonly deadLetterTopic?: string | undefined
}

export interface RuleFor {
  /** A pattern as in capabilities. */
  readonly pattern: string
  readonly rule: Partial<TopicRule>
}

const NUMBERS: Readonly<Record<string, readonly [keyof TopicRule, number, number]>> = {
  max_attempts: ['maxAttempts', 1, 1000],
  retention_ms: ['retentionMs', 1000, 366 * 86_400_000],
  retention_bytes: ['retentionBytes', 1, 2 ** 50],
  dead_retention_ms: ['deadRetentionMs', 1000, 3660 * 86_400_000],
  dead_bytes: ['deadBytes', 0, 2 ** 50],
  depth: ['depth', 1, 1e9]
}
const TOPIC_KEY = 'dead_letter_topic'

/**
 * Reads `PATTERN name=value ...`, as the configuration has it: `max_attempts`, `retention_ms`, `retention_bytes`,
 * `dead_retention_ms`, `dead_bytes`, `depth`, `dead_letter_topic`. Yields what is wrong as text.
 */
export function parseRule(text: string): RuleFor | string {
  const [pattern = '', ...settings] = text.trim().split(/\s+/)
  if (!isTopicPattern(pattern)) return `"${pattern}" is no topic pattern`
  if (settings.length === 0) return 'says nothing of its topics: PATTERN name=value ...'
  const rule: Record<string, number | string> = {}
  for (const setting of settings) {
    const problem = readSetting(setting, pattern, rule)
    if (problem !== undefined) return problem
  }
  return { pattern, rule: rule as Partial<TopicRule> }
}

function readSetting(
  setting: string,
  pattern: string,
  rule: Record<string, number | string>
): string | undefined {
  const at = setting.indexOf('=')
  const [name, value] = [setting.slice(0, at), setting.slice(at + 1)]
  if (name === TOPIC_KEY) {
    if (!isTopic(value)) return `${name}: "${value}" is no topic`
    if (topicMatches(pattern, value)) return `${name}: "${value}" is one of its own topics`
    rule['deadLetterTopic'] = value
    return undefined
  }
  const known = NUMBERS[name]
  if (known === undefined)
    return `"${setting}": one of ${[...Object.keys(NUMBERS), TOPIC_KEY].join(', ')} and =`
  const [key, least, most] = known
  const number = Number(value)
  if (!/^\d+$/.test(value) || number < least || number > most)
    return `${name}: a number from ${least} to ${most}`
  rule[key] = number
  return undefined
}

/** The rule of each topic: of those that match, each setting's first one holds, then the default. */
export class TopicRules {
  readonly #rules: readonly RuleFor[]
  readonly #rest: TopicRule
  /** What waits for another hub is tried until it expires. */
  readonly #outbox: TopicRule

  constructor(rules: readonly RuleFor[], rest: TopicRule) {
    this.#rules = rules
    this.#rest = rest
    this.#outbox = { ...rest, maxAttempts: Number.MAX_SAFE_INTEGER, retentionBytes: Number.MAX_SAFE_INTEGER }
  }

  of(topic: string): TopicRule {
    if (isOutbox(topic)) return this.#outbox
    if (this.#rules.length === 0) return this.#rest
    return this.#rules
      .filter(({ pattern }) => topicMatches(pattern, topic))
      .reduceRight((rule, { rule: more }) => ({ ...rule, ...more }), this.#rest)
  }
}

/** The rules whose dead letter topics lead in a circle, by their patterns. */
export function circles(rules: readonly RuleFor[]): readonly string[] {
  const next = (topic: string): string | undefined =>
    rules.find(({ pattern, rule }) => rule.deadLetterTopic !== undefined && topicMatches(pattern, topic))
      ?.rule.deadLetterTopic
  return rules
    .filter(({ rule: { deadLetterTopic: first } }) => {
      const seen = new Set<string>()
      let topic = first
      while (topic !== undefined && !seen.has(topic)) {
        seen.add(topic)
        topic = next(topic)
      }
      return topic !== undefined
    })
    .map(({ pattern }) => pattern)
}
