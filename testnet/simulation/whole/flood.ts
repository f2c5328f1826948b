import { toHex } from '@brume/codec'
import { type Committee, KIND, signedBytes, type Vote } from '@brume/consensus'
import { deriveSeed, type Identity, identityFromSeed } from '@brume/crypto'
import type { Clock, Net, PeerId, SendResult } from '@brume/ports'
import {
  commandId,
  encodeCall,
  encodeFrame,
  encodeGossipFrame,
  encodeHello,
  type Frame,
  gossipTopic,
  makeBlock,
  QUORUM_PROTOCOL
} from '@brume/protocols/quorum'
import { VOTES } from '../../peer/byzantine/forge.ts'
import { interpose } from '../../peer/interpose.ts'
import { textOf } from './program.ts'

/** How much of what is sent in vain, whatever comes of it. */
export interface FloodPlan {
  readonly fromMs: number
  readonly forMs: number
  /** To each member, in all; every other one is a command. */
  readonly frames: number
}

/** The first part of a flood nobody can be blamed for. */
const DAMNING = 0.75
const TICK_MS = 20
/** As many clients as fill a pool by themselves, each within what one may have there (quorum.md 6.3). */
const CLIENTS = 64
const CLIENT_COMMANDS = 64
/** Close to the largest frame, and to the largest block. */
const LARGE_BYTES = 40_000
/** Of these too only the length becomes a line. */
const SMALL_BYTES = 1_100
/** So many of the first commands are as large as that: four times what a pool holds. */
const LARGE = 800
/** Of the others one in so many. */
const LARGE_EVERY = 16
/** Sessions whose first command comes: what is in them is ordered. */
const WHOLE_SESSIONS = 10_000
/** As long as a command may wait. */
const EXPIRES_MS = 15_000
const VIEWS_FURTHEST = 5_000
const VOTES_PER_FRAME = 64

/** Where a flood comes from. */
export interface Flooder {
  readonly identity: Identity
  readonly clock: Clock
  readonly committee: () => Committee
  /** The view that the group is in, as far as it is known. */
  readonly view: () => number
  /** A line that may be ordered, among those of others. */
  readonly wrote: (line: string) => void
}

/**
 * One frame after the other that its receiver must look at, and should not keep: commands that lack what comes before
 * them in their sessions, so that they wait until they expire; blocks and votes of views to come; questions.
 */
export class Junk {
  readonly #from: Flooder
  readonly #clients: readonly Identity[]
  /** From here on it says what proves it a liar, and may be put out for. */
  readonly #damningFrom: number
  #made = 0

  constructor(from: Flooder, { frames }: FloodPlan) {
    this.#from = from
    this.#damningFrom = DAMNING * frames
    const seed = from.identity.publicKey
    this.#clients = Array.from({ length: CLIENTS }, (_, i) => identityFromSeed(deriveSeed(seed, `flood ${i}`)))
  }

  next(): Frame {
    const number = this.#made++
    if (number % 2 === 0) return { type: 'command', command: this.command(number / 2) }
    switch ((number >> 1) % 4) {
      case 0:
        return this.#votes(number)
      case 1:
        return this.#block(number)
      case 2:
        return { type: 'request', epoch: this.#from.committee().epoch, view: this.#from.view(), want: 0 }
      default:
        return { type: 'offer', id: Buffer.alloc(32, `${number}`).toString('hex'), bytes: LARGE_BYTES }
    }
  }

  /**
   * Of each client one after the other. Two of three lie in sessions whose first one never comes and wait until they
   * expire; every third is ordered.
   */
  command(number: number): Uint8Array {
    const client = this.#clients[number % CLIENTS] ?? this.#from.identity
    const turn = Math.floor(number / CLIENTS)
    const waits = number % 3 > 0
    const session = waits ? 1 + Math.floor(turn / CLIENT_COMMANDS) : WHOLE_SESSIONS + turn
    const sequence = waits ? 2 + (turn % CLIENT_COMMANDS) : 1
    const body = Buffer.alloc(number < LARGE || number % LARGE_EVERY === 0 ? LARGE_BYTES : SMALL_BYTES, `${number} `)
    const { groupId } = this.#from.committee()
    const expiresMs = Math.floor(this.#from.clock.wall()) + EXPIRES_MS
    const command = encodeCall({ groupId, session, sequence, expiresMs, body }, client)
    if (!waits) this.#from.wrote(textOf(toHex(commandId(command)), body))
    return command
  }

  /** Of views far away first; later of those that come next, one of them signed. */
  #votes(number: number): Frame {
    const { identity, committee, view } = this.#from
    const signer = this.#signer
    const votes = Array.from({ length: VOTES_PER_FRAME }, (_, i): Vote => {
      const at = this.#ahead(i < 8 ? i : (number * i) % VIEWS_FURTHEST)
      const digest = Buffer.alloc(32, `${number} ${i}`).toString('hex')
      const statement = { kind: KIND.notarize, epoch: committee().epoch, view: at, parentView: at - 1, digest }
      const signature = i === 0 ? identity.sign(signedBytes(committee(), statement)) : new Uint8Array(64).fill(i)
      return { ...statement, signer, signature }
    })
    return { type: 'votes', votes, view: view(), final: 0 }
  }

  /** For views to come, each time another one. */
  #block(number: number): Frame {
    const { identity, committee } = this.#from
    const { groupId, epoch } = committee()
    const at = this.#ahead(number % 64)
    const place = { groupId, epoch, view: at, height: at, parentView: at - 1, parent: '11'.repeat(32) }
    const bytes = Buffer.alloc(LARGE_BYTES, `${number}`)
    const proposal = makeBlock(place, Math.floor(this.#from.clock.wall()), [{ id: '22'.repeat(32), bytes }])
    const statement = { kind: KIND.notarize, epoch, view: at, parentView: at - 1, digest: proposal.digest }
    return { type: 'propose', proposal, signature: identity.sign(signedBytes(committee(), statement)) }
  }

  #ahead(views: number): number {
    const far = this.#made < this.#damningFrom ? VIEWS_FURTHEST : 0
    return this.#from.view() + 1 + far + views
  }

  /** Of a stranger, an index that is not its own. */
  get #signer(): number {
    const { members } = this.#from.committee()
    return Math.max(
      0,
      members.findIndex(({ key }) => Buffer.compare(key, this.#from.identity.publicKey) === 0)
    )
  }
}

/** The network of a member that does all it should, and floods those it has a stream to besides. */
export function floodingNet(net: Net, from: Omit<Flooder, 'view'>, plan: FloodPlan): Net {
  const outlets = new Map<PeerId, (body: Uint8Array) => SendResult>()
  let [handle, view] = [0, 1]
  const junk = new Junk({ ...from, view: () => view }, plan)
  flood(from.clock, plan, (count) => {
    for (let left = count; left > 0; left--) {
      const frame = encodeFrame(handle, junk.next())
      for (const pass of outlets.values()) pass(frame)
    }
  })
  return interpose(net, QUORUM_PROTOCOL.id, {
    send: (to, body, pass) => {
      outlets.set(to, pass)
      const head = Buffer.from(body.buffer, body.byteOffset, body.length)
      if (body[0] === VOTES) [handle, view] = [head.readUInt16BE(1), Number(head.readBigUInt64BE(3))]
      return pass(body)
    }
  })
}

/** Somebody who is no member, on streams that are the members' own and on the topic, where anybody may speak. */
export function floodFromOutside(net: Net, peers: readonly PeerId[], from: Flooder, plan: FloodPlan): void {
  const { groupId, epoch } = from.committee()
  const junk = new Junk(from, plan)
  const channel = net.channel(QUORUM_PROTOCOL, {
    frame: () => {},
    opened: (peer) => void channel.send(peer, encodeHello([{ groupId, epoch, handle: 1, restarted: true }]))
  })
  channel.connect(peers)
  const topic = net.topic(gossipTopic(groupId), () => 'ignore')
  let attempt = 0
  flood(from.clock, plan, (count) => {
    for (let left = count; left > 0; left--) {
      const frame = junk.next()
      for (const peer of peers) channel.send(peer, encodeFrame(1, frame))
      if (frame.type !== 'command' || frame.command.length > LARGE_BYTES) continue
      void topic.publish(encodeGossipFrame({ attempt: attempt++ % 65_536, isDirect: false }, frame))
    }
  })
}

function flood(clock: Clock, { fromMs, forMs, frames }: FloodPlan, send: (count: number) => void): void {
  const each = Math.ceil((frames * TICK_MS) / forMs)
  let left = frames
  const tick = (): void => {
    const count = Math.min(each, left)
    left -= count
    send(count)
    if (left > 0) clock.after(TICK_MS, tick)
  }
  clock.after(fromMs, tick)
}
