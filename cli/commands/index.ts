import type { Command } from '../command.ts'
import { completion } from './completion.ts'
import { configCheck } from './config-check.ts'
import { conformance } from './conformance.ts'
import { echo } from './echo.ts'
import { frameDecode } from './frame-decode.ts'
import { hello } from './hello.ts'
import { init } from './init.ts'
import { keyShow } from './key-show.ts'
import { registryCheck } from './registry-check.ts'
import { start } from './start.ts'
import { status } from './status.ts'

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  init,
  start,
  status,
  hello,
  echo,
  keyShow,
  configCheck,
  frameDecode,
  conformance,
  registryCheck,
  completion
]
