import { answerParent } from './answering.ts'
import type { EchoEnds, EchoOptions } from './echo-contender.ts'
import { runLoad, type LoadShape } from './load.ts'

const [module, address, options] = process.argv.slice(2) as [string, string, string]
const { dial } = (await import(module)) as EchoEnds
const client = await dial(address, JSON.parse(options) as EchoOptions)

answerParent({ ready: () => true, run: (shape: LoadShape) => runLoad(client, shape) }, () => client.close())
