import { Writer } from '@brume/codec'
import type { Effect, Message, Proposal, Vote } from '@brume/consensus'
import {
  bodyOf,
  type Command,
  encodeCertificate,
  encodeSignedBlock,
  makeBlock,
  writeVote
} from '@brume/protocols/quorum'
import type { SimJournal } from '../world/sim-journal.ts'
import type { SimCommand } from './command.ts'
import type { CoreOptions, Life } from './contract.ts'
import type { FinalBlock } from './ledger.ts'
import type { Loop } from './loop.ts'
import { RECORD } from './memory.ts'
import type { Pool } from './pool.ts'

/** Signatures checked in the turn they are needed in; more take the thread pool's time. */
const VERIFY_INLINE_MAX = 8
const VERIFY_US = 400
/** Commands that a member tells everybody of before it gives a silent leader up. */
const SPREAD = 8

type Of<T extends Effect['type']> = Extract<Effect, { type: T }>

/** What the reducer's effects need of their member. */
export interface DeedsPorts {
  readonly options: CoreOptions
  readonly loop: Loop
  readonly journal: SimJournal
  readonly pool: () => Pool
  readonly life: () => Life
  readonly censors: (command: SimCommand) => boolean
  readonly sign: (statement: Of<'cast'>['statement']) => Uint8Array
  readonly isSigned: (vote: Vote) => boolean
  readonly toAll: (content: Message | { readonly type: 'command'; readonly command: SimCommand }) => void
  readonly toMember: (member: number, message: Message) => void
  readonly finalized: (blocks: readonly FinalBlock[]) => void
  readonly entered: () => void
  readonly sync: () => void
  readonly halt: () => void
}

/** Carries out what the reducer asks for. */
export class Deeds {
  readonly #ports: DeedsPorts

  constructor(ports: DeedsPorts) {
    this.#ports = ports
  }

  carryOut(effect: Effect): void {
    const { options, loop, journal, pool, life, isSigned, toAll, toMember, finalized, entered, sync } = this.#ports
    const { observer, process } = options
    switch (effect.type) {
      case 'send':
        return effect.to === 'all' ? toAll(effect.message) : toMember(effect.to, effect.message)
      case 'cast':
        return this.#cast(effect)
      case 'verify':
        return this.#verify(effect)
      case 'build':
        return loop.push({ type: 'built', view: effect.view, proposal: this.#build(effect), ...loop.time() })
      case 'keep':
        observer.kept(process, effect.certificate)
        if (life() === 'muted') return
        return void journal.append(RECORD.certificate, encodeCertificate(effect.certificate))
      case 'spread':
        for (const command of [...pool().values()].slice(0, SPREAD)) toAll({ type: 'command', command })
        return
      case 'notarized':
        return observer.notarized(process, effect.proposal)
      case 'finalized':
        return finalized(effect.blocks)
      case 'entered':
        observer.entered(process, effect.view, effect.by)
        return entered()
      case 'behind':
        return sync()
      case 'conflict':
        if (isSigned(effect.a) && isSigned(effect.b)) observer.conflict(process, effect.a, effect.b)
        return
      case 'dropped':
        if (effect.reason === 'signature') observer.silenced(process, effect.from)
        return
    }
  }

  #cast({ statement, proposal, signature }: Of<'cast'>): void {
    const { options, loop, journal, life, sign, halt } = this.#ports
    const { observer, process, member, host } = options
    if (life() === 'muted') return
    const vote: Vote = { ...statement, signer: member, signature: sign(statement) }
    observer.cast(process, vote, loop.unreadAtTick)
    const before = loop.life
    if (proposal !== null) journal.append(RECORD.block, encodeSignedBlock(proposal, signature ?? vote.signature))
    if (loop.life !== before) return
    const done = () => loop.feed({ type: 'synced', votes: [vote], ...loop.time() })
    const bytes = writeVote(new Writer(), vote).finish()
    const sequence = journal.append(RECORD.vote, bytes, (error) => {
      if (error !== undefined) halt()
      else if (!host.sendsBeforeSync) done()
    })
    if (sequence > 0) observer.appended(process, sequence, vote)
    if (host.sendsBeforeSync && loop.life === before) done()
  }

  #verify({ purpose, votes }: Of<'verify'>): void {
    const { loop, isSigned } = this.#ports
    const bad = votes.filter((vote) => !isSigned(vote)).map(({ signer }) => signer)
    const verified = () => ({ type: 'verified', purpose, votes, bad, ...loop.time() }) as const
    if (votes.length <= VERIFY_INLINE_MAX) return loop.push(verified())
    loop.later(VERIFY_US, () => loop.feed(verified()))
  }

  #build(request: Of<'build'>): Proposal | null {
    const { options, loop, pool, censors } = this.#ports
    const { committee, maxCommands, observer, process } = options
    const { view, parentView, parent, height, ancestors, empty } = request
    const below = ancestors.toReversed().flatMap((block) => bodyOf(block).commands)
    const taken = empty ? [] : pool().take(maxCommands, below, censors)
    if (taken.length === 0 && !empty) return null
    const commands: Command[] = taken.map(({ id, bytes }) => ({ id, bytes }))
    const place = { groupId: committee.groupId, epoch: committee.epoch, view, height, parentView, parent }
    const proposal = makeBlock(place, Math.max(request.timeMs, loop.time().wallMs), commands)
    observer.built(process, proposal)
    return proposal
  }
}
