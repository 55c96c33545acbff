export { isThreadTopic, topicOfThread } from './shared-envelope.ts'
export { refusalName, takeShared } from './take-shared.ts'
export type { ThreadMessage, ThreadRefusal } from './take-shared.ts'
export { ThreadOutbox } from './thread-outbox.ts'
