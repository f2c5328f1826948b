import { toHex } from '@brume/codec'
import { type Committee, leaderOf, type Proposal, type Unsound } from '@brume/consensus'
import {
  bodyOf,
  committeeFrom,
  committeeHash,
  type Evidence,
  encodeCommittee,
  encodeRecord,
  isClosing,
  type Manifest,
  type Membership,
  type QuorumRecord,
  recordDigest
} from '@brume/protocols/quorum'
import { type Inspector, isRefused } from '../blocks/inspector.ts'
import { type Session, type Sessions, sessionKey } from '../commands/sessions.ts'
import type { Draws } from './draws.ts'
import { applySystem, founding } from './membership.ts'
import { SystemCall } from './system.ts'
import { turnOver } from './turnover.ts'

/** Sessions are swept for expired ones once in so much group time. */
const SWEEP_EVERY_MS = 1_000

/** Judged blocks above the newest final one: more than the reducer holds in its window of views. */
const AHEAD_MAX = 1_024

/** What one final block did. */
export interface Applied {
  /** Places in the payload of the commands that took effect. */
  readonly effective: readonly number[]
  /** By each of these somebody loses its place, who had it until then. */
  readonly warranted: readonly Evidence[]
  /** Set by the block that closed an epoch. */
  readonly turn: {
    readonly closed: Committee
    readonly committee: Committee
    /** Why no new committee was formed, if so. */
    readonly failure: Unsound | null
  } | null
}

export interface RegisterOptions {
  readonly groupId: Uint8Array
  readonly manifest: Manifest
  readonly inspector: Inspector
  readonly sessions: Sessions
  readonly draws: Draws
  /** As it was stored, with the height and group time it stands at; null before the first block. */
  readonly stored: {
    readonly membership: Membership
    readonly height: number
    readonly timeMs: number
    /** Of the block of that height. */
    readonly digest: string
  } | null
}

/**
 * The quorum's own replicated state: who decides now and next, and how far each session has come. A pure
 * function of the final blocks, equal on all members.
 */
export class Register {
  readonly sessions: Sessions
  readonly #groupId: Uint8Array
  readonly #manifest: Manifest
  readonly #inspector: Inspector
  readonly #draws: Draws
  readonly #touched = new Set<string>()
  #membership: Membership
  #height: number
  #timeMs: number
  #committee: Committee
  #sweptMs = 0
  /** Judged blocks above the newest final one, by their digest, and what is after them. */
  readonly #ahead = new Map<string, { readonly block: Proposal; readonly membership: Membership }>()
  #digest: string

  constructor({ groupId, manifest, inspector, sessions, draws, stored }: RegisterOptions) {
    this.#groupId = groupId
    this.#manifest = manifest
    this.#inspector = inspector
    this.#draws = draws
    this.sessions = sessions
    this.#membership = stored?.membership ?? founding(manifest)
    this.#height = stored?.height ?? 0
    this.#timeMs = stored?.timeMs ?? 0
    this.#digest = stored?.digest ?? toHex(groupId)
    this.#committee = this.#seat()
  }

  get membership(): Membership {
    return this.#membership
  }

  /** Of the epoch that the next block belongs to. */
  get committee(): Committee {
    return this.#committee
  }

  /** What a block that closes this epoch says about who follows. */
  get nextHash(): Uint8Array {
    return committeeHash(encodeCommittee(this.#groupId, this.#membership.next))
  }

  /**
   * Applies a final block, the next in height.
   *
   * @throws RangeError for any other: it would take effect twice, or without what lies between
   */
  apply(block: Proposal): Applied {
    if (block.height !== this.#height + 1) {
      throw new RangeError(`block ${block.height} does not follow height ${this.#height}`)
    }
    const { membership, ...effects } = this.#run(block, this.#membership, this.sessions, this.#timeMs, this.#touched)
    this.#membership = this.#draw(block, membership)
    this.#height = block.height
    this.#timeMs = block.timeMs
    this.#digest = block.digest
    for (const [digest, { block: judged }] of this.#ahead) if (judged.height <= block.height) this.#ahead.delete(digest)
    if (block.timeMs - this.#sweptMs >= SWEEP_EVERY_MS) {
      this.#sweptMs = block.timeMs
      this.sessions.forget(block.timeMs)
    }
    return { ...effects, turn: isClosing(block) ? this.#turn() : null }
  }

  /** Goes on from a record that a quorum has certified, after the block of that digest. */
  restore({ height, timeMs, membership, sessions }: QuorumRecord, digest: string): void {
    this.#membership = membership
    this.#height = height
    this.#timeMs = timeMs
    this.#digest = digest
    this.#ahead.clear()
    this.#touched.clear()
    this.sessions.reset(sessions)
    for (const entry of sessions) this.#touched.add(sessionKey(entry))
    this.#committee = this.#seat()
  }

  /** Sessions that changed and that were forgotten since this was last asked. */
  takeChanges(): { readonly sessions: readonly (readonly [string, Session])[]; readonly gone: readonly string[] } {
    const sessions = this.sessions.snapshot(this.#touched)
    this.#touched.clear()
    return { sessions, gone: this.sessions.takeGone() }
  }

  /** The membership after a block that was judged here, or after the newest final one; undefined for any other. */
  after(digest: string): Membership | undefined {
    return digest === this.#digest ? this.#membership : this.#ahead.get(digest)?.membership
  }

  /** The block of this digest, where it is judged and not applied yet. */
  judged(digest: string): Proposal | undefined {
    return this.#ahead.get(digest)?.block
  }

  /** Remembers what a valid block will do if it becomes final: its children are judged by that. */
  foresee(block: Proposal): void {
    const before = this.after(block.parent)
    if (before === undefined || this.#ahead.has(block.digest)) return
    const after = this.#isSystem(block) ? this.#tryOut(block, before) : opened(before, block)
    this.#ahead.set(block.digest, { block, membership: this.#draw(block, after) })
    if (this.#ahead.size > AHEAD_MAX) for (const oldest of this.#ahead.keys().take(1)) this.#ahead.delete(oldest)
  }

  /** Canonical bytes of the whole record, up to 1 MiB; for 4,096 sessions about 10 ms. */
  encode(): Uint8Array {
    const [height, timeMs] = [this.#height, this.#timeMs]
    return encodeRecord({ height, timeMs, membership: this.#membership, sessions: this.sessions.entries(timeMs) })
  }

  digest(): string {
    return recordDigest(this.encode())
  }

  /** Has it a command to the quorum, which changes what later blocks are judged by? */
  #isSystem(block: Proposal): boolean {
    return bodyOf(block).commands.some((command) => this.#inspector.inspect(command) instanceof SystemCall)
  }

  /** Which commands take effect depends on all that lies between the newest final block and this one. */
  #tryOut(block: Proposal, before: Membership): Membership {
    const sessions = this.sessions.copy()
    let parentMs = this.#timeMs
    for (const below of this.#below(block)) {
      this.#run(below, before, sessions, parentMs, null)
      parentMs = below.timeMs
    }
    return this.#run(block, before, sessions, parentMs, null).membership
  }

  /** Judged blocks from above the newest final one to the parent of this one, oldest first. */
  #below(block: Proposal): readonly Proposal[] {
    const below: Proposal[] = []
    for (let at = this.judged(block.parent); at !== undefined; at = this.judged(at.parent)) below.push(at)
    return below.reverse()
  }

  #run(
    block: Proposal,
    before: Membership,
    sessions: Sessions,
    parentMs: number,
    touched: Set<string> | null
  ): Pick<Applied, 'effective' | 'warranted'> & { readonly membership: Membership } {
    let membership = opened(before, block)
    const effective: number[] = []
    const warranted: Evidence[] = []
    bodyOf(block).commands.forEach((command, index) => {
      const inspected = this.#inspector.inspect(command)
      if (isRefused(inspected) || !sessions.take(inspected, parentMs)) return
      touched?.add(sessionKey(inspected))
      effective.push(index)
      if (inspected instanceof SystemCall) {
        const { client, command } = inspected
        const after = applySystem(membership, client, command, block.height)
        if (command.name === 'evidence' && after !== membership) warranted.push(command.evidence)
        membership = after
      }
    })
    return { membership, effective, warranted }
  }

  /** The leader's draw, where its block carries one. */
  #draw(block: Proposal, membership: Membership): Membership {
    const { vrfProof } = bodyOf(block)
    if (vrfProof === null) return membership
    const leader = leaderOf(this.#committee, block.view)
    const key = this.#committee.members[leader]?.key ?? new Uint8Array(32)
    const draw = this.#draws.mix(membership.draw, key, vrfProof)
    return { ...membership, draw, drawn: [...membership.drawn, leader].sort((a, b) => a - b) }
  }

  #turn(): Applied['turn'] {
    const closed = this.#committee
    const { membership, failure } = turnOver(this.#membership, this.#manifest.policy, this.#height, this.#timeMs)
    this.#membership = membership
    this.#ahead.clear()
    this.#committee = this.#seat()
    return { closed, committee: this.#committee, failure }
  }

  #seat(): Committee {
    const { epoch, seed, members } = this.#membership
    return committeeFrom({ groupId: this.#groupId, epoch, seed, members, policy: this.#manifest.policy })
  }
}

/** The first block of all starts the clock of epoch 0. */
function opened(membership: Membership, { timeMs }: Proposal): Membership {
  return membership.openedMs === 0 ? { ...membership, openedMs: timeMs } : membership
}
