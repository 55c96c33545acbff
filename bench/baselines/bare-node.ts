import { answerParent } from '../harness/answering.ts'

answerParent({ ready: () => true })
