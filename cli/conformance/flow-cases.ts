import type { Conversation } from './vectors.ts'

const CORR = '0000000000000001'
const MIB = 1024 * 1024
const CHUNK = { repeat: { hex: '61', count: 65_536 } }
/** Far more than both windows, and far less than a node that buffers would take. */
const MOST_BYTES = 32 * MIB

/** What a sequence of frames cannot say: which of two sides waits for the other. */
export const FLOW_CASES: readonly Conversation[] = [
  {
    id: 'stream-unread-answer-stalls',
    rule: '5.6',
    about: 'a reader that stops reading makes the writer wait, and has its answer once it reads on',
    steps: [
      { send: { flags: ['REQ', 'START'], app: 1, corr_id: CORR, payload: { utf8: '{"op":"stream"}' } } },
      {
        expect_stall: {
          frame: { flags: ['REQ'], app: 1, corr_id: CORR, payload: CHUNK },
          most_bytes: MOST_BYTES
        }
      },
      { send: { flags: ['REQ', 'END'], app: 1, corr_id: CORR, payload: '62' } },
      { expect_answer: { corr_id: CORR, code: 0, max_payload: 65_536 } },
      { expect: 'alive' }
    ]
  },
  {
    id: 'ticks-many',
    rule: '5.6',
    about: 'events come faster than they are read; all come, in their order',
    steps: [
      {
        send: {
          flags: ['REQ', 'START', 'END'],
          app: 1,
          corr_id: CORR,
          payload: { utf8: '{"op":"ticks","count":20000,"interval_ms":0}' }
        }
      },
      { expect: { flags: ['RESP', 'START'], corr_id: CORR, code: 0 } },
      {
        expect_answer: {
          corr_id: CORR,
          code: 0,
          body: '',
          events: Array.from({ length: 20_000 }, (_, n) => ({ n }))
        }
      }
    ]
  }
]
