import { readTapped } from '../../../checkers/frames.ts'
import { contradict, type SignedStatement } from '../../../checkers/statement.ts'

const GOSSIPED_VOTES = 2
/** Of gossip, `type u8 ‖ attempt u16 ‖ flags u8`; of a frame on a stream, `type u8 ‖ handle u16`. */
const GOSSIP_HEAD_BYTES = 4
const FRAME_HEAD = Buffer.of(1, 0, 0)

/** What each process let out, in all its lives: an honest key says one thing. */
export class Ballots {
  readonly #said = new Map<string, SignedStatement[]>()

  /** Two statements of this process that exclude each other, or undefined. */
  sent(process: number, body: Buffer, isGossip: boolean): string | undefined {
    const frame = isGossip ? streamFrame(body) : body
    const votes = frame === undefined ? [] : (readTapped(frame)?.votes ?? [])
    for (const vote of votes) {
      const place = `${process}/${vote.signer}/${vote.epoch}/${vote.view}`
      const before = this.#said.get(place) ?? []
      if (before.some(({ kind, tail }) => kind === vote.kind && tail === vote.tail)) continue
      const other = before.find((one) => contradict(one, vote))
      if (other !== undefined) return `epoch ${vote.epoch} view ${vote.view}: kinds ${other.kind} and ${vote.kind}`
      this.#said.set(place, [...before, vote])
    }
    return undefined
  }
}

function streamFrame(gossip: Buffer): Buffer | undefined {
  if (gossip[0] !== GOSSIPED_VOTES) return undefined
  return Buffer.concat([FRAME_HEAD, gossip.subarray(GOSSIP_HEAD_BYTES)])
}
