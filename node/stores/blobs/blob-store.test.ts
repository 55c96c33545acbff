import { given } from './blobs.fixture.ts'
import { blobStoreSuite } from './store.suite.ts'

blobStoreSuite('memory', t => given(t, { inMemory: true }))
blobStoreSuite('disk', t => given(t))
blobStoreSuite('disk, in small segments', t => given(t, { segmentBytes: 4096 }))
