import { createWriteStream } from 'node:fs'
import type { Net } from '@brume/ports'
import { interpose } from './interpose.ts'

/** Streams on which members of a group talk (quorum.md 7). */
export const QUORUM_PROTOCOL = '/brume/quorum/1.0.0'
/** Frame types that carry votes: Votes, Propose. */
const VOTE_FRAMES: readonly number[] = [1, 2]

/** One line of a votes file: what arrived, untouched, so that the checker decodes it by its own code. */
export interface TappedFrame {
  /** Of this machine's clock, milliseconds since 1970. */
  readonly atMs: number
  readonly from: string
  /** Base64 of the frame's body. */
  readonly frame: string
}

/** The same network, except that `seen` gets to know every quorum frame that carries votes before its handler does. */
export function tapNet<N extends Net>(net: N, seen: (frame: TappedFrame) => void): N {
  return interpose(net, QUORUM_PROTOCOL, {
    frame: (from, body, pass) => {
      const frame = (): string => Buffer.from(body).toString('base64')
      if (VOTE_FRAMES.includes(body[0] ?? 0)) seen({ atMs: Date.now(), from, frame: frame() })
      pass(body)
    }
  })
}

/** Appends each frame to a JSONL file; a restarted peer goes on in the same one. */
export function frameFile(path: string): (frame: TappedFrame) => void {
  const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
  return (frame) => file.write(`${JSON.stringify(frame)}\n`)
}
