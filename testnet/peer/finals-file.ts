import { createWriteStream } from 'node:fs'
import type { Program } from '@brume/actors/quorum'
import { replace } from '@brume/testkit'
import { type FinalLine, readFinals } from '../checkers/finals.ts'

/**
 * The same program, except that every block it is given goes into a file. A restarted peer is given its
 * past again: of that only what differs is written, for the checker to find.
 */
export function recordFinals<P extends Program>(program: P, path: string): P {
  const known = new Map(readFinals(path).map(({ height, digest }) => [height, digest]))
  const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
  // The last line may have been cut short by a SIGKILL; it must not spoil the next.
  file.write('\n')
  const deliver: Program['deliver'] = (block) => {
    const { height, digest, commands } = block
    if (known.get(height) !== digest) {
      known.set(height, digest)
      const line: FinalLine = { height, digest, commands: commands.map(({ id }) => id) }
      file.write(`${JSON.stringify(line)}\n`)
    }
    program.deliver(block)
  }
  return replace(program, { deliver } as Partial<P>)
}
