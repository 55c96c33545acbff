import { answerParent } from './answering.ts'
import type { EchoEnds, EchoOptions } from './echo-contender.ts'
import { cpuMicrosOf } from './process-files.ts'

const [module, options] = process.argv.slice(2) as [string, string]
const { listen } = (await import(module)) as EchoEnds
const server = await listen(JSON.parse(options) as EchoOptions)

answerParent(
  {
    address: () => server.address,
    cpu: () => {
      const { user, system } = process.cpuUsage()
      return (server.helpers ?? []).reduce((sum, pid) => sum + cpuMicrosOf(pid), user + system)
    }
  },
  () => server.close()
)
