import { CALLS } from './guide-calls.ts'
import { JSON_BODY, get, post } from './guide-step.ts'
import type { Section } from './guide-step.ts'

const ENVELOPE = (id: string, text: string): string =>
  `{${id}"type":"note","thread":"t_guide","from":"agent:guide","to":"user:ann","payload":{"text":"${text}"}}`
const WITH_ID = `"id":"'$AMS_ID'",`
const SHA256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
const none = (): string => ''

const ENVELOPES = '/ams/v1/envelopes'
const ONE = `GET ${ENVELOPES}/{id}`
const oneLine = (url: string): string => `"${url}${ENVELOPES}/$AMS_ID"`
const ARTIFACT = '/ams/v1/artifacts/{key}'
const artifact = (url: string): string => `${url}/ams/v1/artifacts/guide-$AMS_ID`

/** What the guide leads through, in order. */
export const SECTIONS: readonly Section[] = [
  {
    title: 'What is here',
    text: none,
    steps: [
      get('Whether the hub works, and who may write', '/ams/v1/health', { role: 'none' }),
      get('What it accepts', '/ams/v1/policy', { role: 'none' }),
      get('Every path that answers', '/.well-known/ams-gateway-spec.json', { role: 'none' }),
      get('The same as OpenAPI', '/openapi.json', { role: 'none' }),
      get('Whether the node takes calls at this moment', '/readyz', { role: 'none' })
    ]
  },
  {
    title: 'Envelopes',
    text: ({ validation }) =>
      `An envelope says who says what to whom, in which thread. What it says never changes; status and \`meta\` stand beside it. This hub reads envelopes by the rule \`${validation}\`.`,
    steps: [
      post('Post one', ENVELOPES, ENVELOPE(WITH_ID, 'hello'), { isPosting: true }),
      post('Post it again: nothing is stored twice', ENVELOPES, ENVELOPE(WITH_ID, 'hello'), {
        status: 200,
        isPosting: true
      }),
      post('Say something else under its id: refused', ENVELOPES, ENVELOPE(WITH_ID, 'other'), {
        status: 409,
        isPosting: true
      }),
      get('Read it', ENVELOPES, {
        needs: ONE,
        line: url => `curl -sS TOKEN${oneLine(url)}`,
        isPosting: true
      }),
      get('Read what a thread has, newest first', ENVELOPES, { query: '?thread=t_guide&limit=5' }),
      {
        says: 'Note something beside it',
        status: 200,
        needs: `PATCH ${ENVELOPES}/{id}`,
        role: 'write',
        line: url => `curl -sS TOKEN-X PATCH ${JSON_BODY} '{"meta":{"seen":true}}' ${oneLine(url)}`,
        isPosting: true
      },
      get('Threads, the one that changed last first', '/ams/v1/threads', { query: '?limit=5' }),
      post('Send and fetch in one request', '/ams/v1/sync', '{"push":[],"pull":true,"limit":5}', {
        status: 200,
        role: 'read'
      }),
      post('Hand one in for somebody to decide on', '/ams/v1/submit', ENVELOPE('', 'please look'), {
        status: 202,
        isPosting: true
      })
    ]
  },
  {
    title: 'Artifacts',
    text: () =>
      'Bytes of any type under a key, given back as they came. What is longer than 64 KiB belongs here, with its key in an envelope.',
    steps: [
      {
        says: 'Keep the bytes of a file',
        status: 201,
        needs: `PUT ${ARTIFACT}`,
        role: 'write',
        line: url =>
          `printf 'a\\000b\\377' | curl -sS TOKEN-X PUT -H 'Content-Type: application/octet-stream' --data-binary @- "${artifact(url)}"`
      },
      get('What is known of them', ARTIFACT, { line: url => `curl -sS TOKEN"${artifact(url)}"` }),
      get('The bytes themselves, into a file', ARTIFACT, {
        line: url => `curl -sS TOKEN--etag-save guide.etag -o guide.bin "${artifact(url)}?payload=1"`
      }),
      get('The same, while they have not changed: nothing is sent', ARTIFACT, {
        status: 304,
        line: url => `curl -sS TOKEN--etag-compare guide.etag "${artifact(url)}?payload=1"`
      }),
      get('All of them', '/ams/v1/artifacts', { query: '?limit=5' })
    ]
  },
  {
    title: 'Rooms and notary',
    text: none,
    steps: [
      post('Say something in a room', '/room/v1/messages', '{"from":"agent:guide","body":{"text":"hello"}}', {
        query: '?room=lobby'
      }),
      get('Read what was said', '/room/v1/messages', { query: '?room=lobby&limit=5' }),
      post(
        'Have it noted when the hub was shown a digest',
        '/notary/v1/records',
        `{"sha256":"${SHA256}","subject":"hello"}`
      ),
      get('Read what was noted', '/notary/v1/records', { query: '?limit=5' })
    ]
  },
  ...CALLS,
  {
    title: 'Errors',
    text: () =>
      'What goes wrong is answered with `{"ok":false,"error":CODE,"message":TEXT,"request_id":ID}`. Act by the code; tell the operator the id.',
    steps: [
      get('A parameter out of its bounds', ENVELOPES, { status: 400, query: '?limit=100000' }),
      get('What is not there', ENVELOPES, {
        status: 404,
        needs: ONE,
        line: url => `curl -sS TOKEN'${url}${ENVELOPES}/nothing-under-this-id'`
      }),
      {
        says: 'A method that a path does not have',
        status: 405,
        needs: 'GET /ams/v1/health',
        role: 'none',
        line: url => `curl -sS -X PUT -d '' '${url}/ams/v1/health'`
      },
      {
        says: 'JSON that is not called so',
        status: 415,
        needs: `POST ${ENVELOPES}`,
        role: 'write',
        line: url => `curl -sS TOKEN-H 'Content-Type: text/plain' -d 'hello' '${url}${ENVELOPES}'`
      },
      {
        says: 'A token that is not good',
        status: 401,
        needs: `POST ${ENVELOPES}`,
        role: 'none',
        line: url => `curl -sS -H 'x-ams-token: not-a-token' ${JSON_BODY} '{}' '${url}${ENVELOPES}'`
      }
    ]
  }
]
