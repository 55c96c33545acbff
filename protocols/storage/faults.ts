import { OapError } from '../errors.ts'

/** What a provider did that proves it wrong: another may be asked for the same. */
const PROVIDER_FAULTS = ['bad_block', 'block_oversize', 'dag_cut', 'dag_surplus', 'bad_head'] as const

/** What is wrong with the content itself, whoever sends it: asking another is of no use. */
const CONTENT_FAULTS = ['bad_node', 'bad_lengths', 'too_deep'] as const

export type ProviderFault = (typeof PROVIDER_FAULTS)[number]
export type ContentFault = (typeof CONTENT_FAULTS)[number]

export const providerFault = (code: ProviderFault, message: string): OapError =>
  new OapError('upstream', message, { code })

export const contentFault = (code: ContentFault, message: string): OapError =>
  new OapError('bad_request', message, { code })

/** Whether `error` proves that the one who sent the bytes lied or broke off, so that it is to blame and not the content. */
export const isProviderFault = (error: unknown): boolean =>
  error instanceof OapError && (PROVIDER_FAULTS as readonly string[]).includes(error.code)

/** Whether `error` says that the content is none that we take, proved by its own hashes. */
export const isContentFault = (error: unknown): boolean =>
  error instanceof OapError && (CONTENT_FAULTS as readonly string[]).includes(error.code)
