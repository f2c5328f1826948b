import { toHex } from '@brume/codec'
import type { Message, Proposal, State, Vote } from '@brume/consensus'
import type { Channel, PeerId } from '@brume/ports'
import {
  bodyOf,
  commandId,
  type Echo,
  encodeFrame,
  type Frame,
  INLINE_COMMAND_BYTES_MAX,
  INLINE_PAYLOAD_BYTES_MAX,
  outlineOf,
  VOTES_PER_FRAME_MAX
} from '@brume/protocols/quorum'

/**
 * Where a vote leaves: messages of one turn, votes to the same members in one frame, each with the
 * watermark of the moment it leaves.
 */
export class Sending {
  readonly #channel: Channel
  /** Peer of each member, by index. */
  readonly #peers: readonly PeerId[]
  readonly #self: number | null
  readonly #count: (type: Frame['type'], bytes: number) => void
  readonly #aloud: (frame: Frame) => boolean
  readonly #votesPerFrame: number
  handle = 0
  #votesToAll: Vote[] = []
  readonly #votesTo = new Map<number, Vote[]>()
  readonly #others: { readonly to: number | 'all'; readonly message: Exclude<Message, { type: 'votes' }> }[] = []
  readonly #frames: { readonly to: number | 'all'; readonly frame: Frame }[] = []
  readonly #commands: { readonly to: readonly number[] | 'all'; readonly command: Uint8Array }[] = []

  /**
   * @param aloud - takes what is for all; true where streams need not carry it
   * @param votesPerFrame - at most `VOTES_PER_FRAME_MAX`
   */
  constructor(
    channel: Channel,
    peers: readonly PeerId[],
    self: number | null,
    count: (type: Frame['type'], bytes: number) => void,
    aloud: (frame: Frame) => boolean,
    votesPerFrame = VOTES_PER_FRAME_MAX
  ) {
    this.#channel = channel
    this.#peers = peers
    this.#self = self
    this.#count = count
    this.#aloud = aloud
    this.#votesPerFrame = votesPerFrame
  }

  queue(to: number | 'all', message: Message): void {
    if (message.type !== 'votes') this.#others.push({ to, message })
    else if (to === 'all') this.#votesToAll.push(...message.votes)
    else this.#votesTo.set(to, [...(this.#votesTo.get(to) ?? []), ...message.votes])
  }

  /** Leaves at once: it answers who waits with its votes until it has heard. */
  echo(to: number, echo: Echo): void {
    this.#transmit(to, { type: 'echo', ...echo })
  }

  /** What the reducer knows nothing of: it leaves with the turn's votes. */
  frame(to: number | 'all', frame: Frame): void {
    this.#frames.push({ to, frame })
  }

  command(to: readonly number[] | 'all', command: Uint8Array): void {
    this.#commands.push({ to, command })
  }

  /** Everything queued leaves, blocks and certificates before the votes that need them. */
  flush(state: State): void {
    for (const { to, command } of this.#commands.splice(0)) this.#transmit(to, commandFrame(command))
    for (const { to, message } of this.#others.splice(0)) this.#transmit(to, frameOf(message, state))
    const mark = { view: state.view, final: state.final.view }
    for (const votes of this.#chunks(this.#votesToAll.splice(0)))
      this.#transmit('all', { type: 'votes', votes, ...mark })
    for (const [to, all] of this.#votesTo) {
      for (const votes of this.#chunks(all)) this.#transmit([to], { type: 'votes', votes, ...mark })
    }
    this.#votesTo.clear()
    for (const { to, frame } of this.#frames.splice(0)) this.#transmit(to, frame)
  }

  #chunks(votes: readonly Vote[]): readonly (readonly Vote[])[] {
    const most = this.#votesPerFrame
    return Array.from({ length: Math.ceil(votes.length / most) }, (_, i) => votes.slice(i * most, (i + 1) * most))
  }

  #transmit(to: number | readonly number[] | 'all', frame: Frame): void {
    if (to === 'all' && this.#aloud(frame)) return
    const bytes = encodeFrame(this.handle, frame)
    const targets = to === 'all' ? this.#peers.keys() : typeof to === 'number' ? [to] : to
    for (const member of targets) {
      const peer = this.#peers[member]
      if (member === this.#self || peer === undefined) continue
      // A full queue ends the stream; what was lost is told again when it reopens.
      if (this.#channel.send(peer, bytes) === 'queued') this.#count(frame.type, bytes.length)
    }
  }
}

function frameOf(message: Exclude<Message, { type: 'votes' }>, { view, final, config }: State): Frame {
  const { epoch } = config.committee
  switch (message.type) {
    case 'status':
      return { type: 'status', epoch, view, final: final.view, height: final.height }
    case 'request':
      return { ...message, epoch }
    case 'propose':
      return blockFrame(message.proposal, message.signature)
    default:
      return message
  }
}

/** A small block whole, of a larger one what it consists of. */
export function blockFrame(proposal: Proposal, signature: Uint8Array): Extract<Frame, { type: 'propose' | 'outline' }> {
  const isSmall = bodyOf(proposal).payload.length <= INLINE_PAYLOAD_BYTES_MAX
  return isSmall
    ? { type: 'propose', proposal, signature }
    : { type: 'outline', outline: outlineOf(proposal, signature) }
}

function commandFrame(command: Uint8Array): Frame {
  if (command.length <= INLINE_COMMAND_BYTES_MAX) return { type: 'command', command }
  return { type: 'offer', id: toHex(commandId(command)), bytes: command.length }
}
