import {
  decides,
  type Electorate,
  FINALIZE,
  idOf,
  messageOf,
  NOTARIZE,
  NULLIFY,
  type Said,
  type SaidBy
} from './statement.ts'

/** A block as the oracle sees it. */
export interface SeenBlock {
  readonly view: number
  readonly height: number
  readonly parentView: number
  readonly parent: string
  readonly digest: string
}

export interface SeenCertificate extends Said {
  readonly signers: readonly number[]
  readonly signatures: readonly Uint8Array[]
}

export type Check =
  | 'double-vote'
  | 'unsynced-vote'
  | 'bad-certificate'
  | 'L1'
  | 'L2'
  | 'L3'
  | 'L4'
  | 'L5'
  | 'gap'
  | 'conflicting-finals'
  | 'out-of-order'
  | 'floor-moved-back'
  | 'command-twice'
  | 'command-lost'
  | 'wrong-blame'
  | 'unread-input'
  | 'memory'
  | 'silence'
  | 'liveness'
  | 'progress-without-quorum'
  | 'not-quiet'
  | 'too-much'
  | 'pace'
  /** A play did not bring about what it is there for. */
  | 'stage'
  | 'exception'

export interface Violation {
  readonly check: Check
  readonly atUs: number
  readonly what: string
}

interface Decision {
  readonly digest: string
  readonly parentView: number
}

/** A run that broke a promise; the first is enough, what follows is its consequence. */
export class ViolationError extends Error {
  override readonly name = 'ViolationError'
  readonly violation: Violation

  constructor(violation: Violation) {
    super(`${violation.check} at ${violation.atUs / 1_000} ms: ${violation.what}`)
    this.violation = violation
  }
}

/**
 * Judges a run by what was said, kept and delivered, after every event. It knows who lies and what
 * everybody weighs; of the reducer it knows nothing.
 */
export class Oracle {
  readonly #electorate: Electorate
  readonly #verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
  readonly #now: () => number
  /** Members of whom anything is to be expected. */
  readonly liars: ReadonlySet<number>
  readonly #said = new Map<string, string>()
  /** Signers of each statement, honest and not, as far as anybody showed a valid signature. */
  readonly #signers = new Map<string, Set<number>>()
  /** What a signature was found to be valid for. */
  readonly #valid = new WeakMap<Uint8Array, string>()
  readonly #blocks = new Map<string, SeenBlock>()
  readonly #builtUs = new Map<string, number>()
  readonly #notarized = new Map<number, Decision>()
  readonly #finalized = new Map<number, Decision>()
  readonly #nullified = new Set<number>()
  readonly #chain = new Map<number, SeenBlock>()
  readonly #heights = new Map<number, number>()
  readonly #floors = new Map<number, number>()
  /** By process, own votes that its journal once had on the medium, and those on their way there. */
  readonly #synced = new Map<number, Set<string>>()
  readonly #appended = new Map<number, { readonly sequence: number; readonly id: string }[]>()
  readonly #effective = new Map<string, number>()
  readonly #last = new Map<number, number>()
  /** Votes as they left, so that one to a hundred members is judged once. */
  readonly #heard = new WeakSet<SaidBy>()
  #top = 0
  #worked = 0
  /** Contradictions that members proved. */
  readonly blamed = new Set<number>()

  constructor(options: {
    readonly electorate: Electorate
    readonly liars: ReadonlySet<number>
    readonly verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
    readonly nowUs: () => number
  }) {
    this.#electorate = options.electorate
    this.#verify = options.verify
    this.#now = options.nowUs
    this.liars = options.liars
  }

  /** Height up to which anything is final anywhere. */
  get top(): number {
    return this.#top
  }

  /**
   * Height up to which any block with commands is final anywhere: what is pending ends there. Where links lose frames, one
   * that lacks only empty blocks above it may have been told in vain; it hears of them with the next command.
   */
  get worked(): number {
    return this.#worked
  }

  /** Whether a block that was built after this time is final. */
  isFinalSince(afterUs: number): boolean {
    const newest = this.#chain.get(this.#top)?.digest
    return newest !== undefined && (this.#builtUs.get(newest) ?? 0) > afterUs
  }

  digestAt(height: number): string | undefined {
    return this.#chain.get(height)?.digest
  }

  isEffective(commandId: string): boolean {
    return this.#effective.has(commandId)
  }

  fail(check: Check, what: string): never {
    throw new ViolationError({ check, atUs: this.#now(), what })
  }

  /** A member decided to say this; it may never have left. Honest members decide each thing once. */
  cast(vote: SaidBy, unread: number): void {
    if (this.liars.has(vote.signer)) return
    if (vote.kind === NULLIFY && unread > 0) {
      this.fail('unread-input', `member ${vote.signer} nullified view ${vote.view} with ${unread} frames unread`)
    }
  }

  appended(process: number, sequence: number, vote: Said): void {
    const waiting = this.#appended.get(process) ?? []
    waiting.push({ sequence, id: idOf(vote) })
    this.#appended.set(process, waiting)
  }

  durable(process: number, sequence: number): void {
    const waiting = this.#appended.get(process) ?? []
    const synced = this.#synced.get(process) ?? new Set<string>()
    this.#synced.set(process, synced)
    while ((waiting[0]?.sequence ?? sequence + 1) <= sequence) synced.add(waiting.shift()?.id ?? '')
  }

  /** After a restart: what the journal has is on the medium, confirmed or not; the rest was never there. */
  restored(process: number, votes: readonly Said[]): void {
    this.#appended.set(process, [])
    const synced = this.#synced.get(process) ?? new Set<string>()
    this.#synced.set(process, synced)
    for (const vote of votes) synced.add(idOf(vote))
  }

  /** A vote left a member, in its own name. */
  sent(process: number, member: number, vote: SaidBy): void {
    if (vote.signer !== member || this.#heard.has(vote)) return
    this.#heard.add(vote)
    this.#count(vote)
    if (this.liars.has(member)) return
    this.#mustBeSynced(process, vote, 'sent')
    const key = `${member}/${vote.view}/${vote.kind}`
    const id = idOf(vote)
    const before = this.#said.get(key)
    if (before !== undefined && before !== id) this.fail('double-vote', `member ${member} said ${before} and ${id}`)
    this.#said.set(key, id)
    const excluded = vote.kind === NOTARIZE ? 0 : NULLIFY + FINALIZE - vote.kind
    if (this.#said.has(`${member}/${vote.view}/${excluded}`)) {
      this.fail('double-vote', `member ${member} nullified and finalized view ${vote.view}`)
    }
  }

  built(block: SeenBlock): void {
    this.#blocks.set(block.digest, block)
    if (!this.#builtUs.has(block.digest)) this.#builtUs.set(block.digest, this.#now())
  }

  /** A member took this for proof. */
  kept(process: number, member: number, certificate: SeenCertificate): void {
    if (this.liars.has(member)) return
    const { kind, view, digest, parentView, signers, signatures } = certificate
    if (!decides(this.#electorate, kind, signers)) {
      this.fail('bad-certificate', `member ${member} took ${idOf(certificate)} by ${signers.join(',')} for a quorum's`)
    }
    signers.forEach((signer, i) => {
      const signature = signatures[i] ?? new Uint8Array()
      const vote = { ...certificate, signer, signature }
      if (!this.#isSigned(vote)) {
        this.fail('bad-certificate', `member ${member} took ${idOf(certificate)}, which ${signer} did not sign`)
      }
      this.#count(vote)
      if (signer === member) this.#mustBeSynced(process, vote, 'counted')
    })
    if (kind === NULLIFY) this.#onNullified(view)
    else if (kind === NOTARIZE) this.#onNotarized(view, { digest, parentView })
    else this.#onFinalized(view, { digest, parentView })
  }

  /** Blocks that became final at a member, oldest first. */
  delivered(member: number, process: number, blocks: readonly { readonly proposal: SeenBlock }[]): void {
    if (this.liars.has(member)) return
    for (const { proposal } of blocks) {
      const { height, digest } = proposal
      const before = this.#chain.get(height)
      if (before !== undefined && before.digest !== digest) {
        this.fail(
          'conflicting-finals',
          `height ${height} is ${before.digest.slice(0, 8)} and, at member ${member}, ${digest.slice(0, 8)}`
        )
      }
      const expected = (this.#heights.get(process) ?? 0) + 1
      if (height !== expected) this.fail('out-of-order', `member ${member} delivered ${height}, expected ${expected}`)
      this.#heights.set(process, height)
      if (before === undefined) this.#extend(proposal)
    }
  }

  /** A command took effect at the height that is being delivered for the first time. */
  effective(
    height: number,
    commands: readonly { readonly id: string; readonly client: number; readonly sequence: number }[]
  ): void {
    if (commands.length > 0) this.#worked = Math.max(this.#worked, height)
    for (const { id, client, sequence } of commands) {
      if (this.#effective.has(id)) this.fail('command-twice', `command ${id.slice(0, 8)} took effect twice`)
      if (sequence !== (this.#last.get(client) ?? 0) + 1) continue
      this.#last.set(client, sequence)
      this.#effective.set(id, height)
    }
  }

  /** A process begins (again) with this floor. `released`: its journal lets go of what was below that view. */
  restarted(
    process: number,
    member: number,
    floor: { readonly height: number; readonly view: number },
    ledger: number
  ): void {
    if (this.liars.has(member)) return
    if (floor.height < ledger) {
      this.fail('floor-moved-back', `member ${member} begins at height ${floor.height}, its ledger is at ${ledger}`)
    }
    this.#heights.set(process, floor.height)
    this.#floors.set(process, floor.view)
  }

  conflict(member: number, a: SaidBy): void {
    this.blamed.add(a.signer)
    if (this.liars.has(member) || this.liars.has(a.signer)) return
    this.fail('wrong-blame', `member ${member} proves a contradiction of ${a.signer}, who is honest`)
  }

  silenced(member: number, from: number): void {
    if (this.liars.has(member) || this.liars.has(from)) return
    this.fail('wrong-blame', `member ${member} silenced ${from}, who is honest`)
  }

  #isSigned(vote: SaidBy): boolean {
    const what = `${vote.signer}/${vote.epoch}/${idOf(vote)}`
    if (this.#valid.get(vote.signature) === what) return true
    const key = this.#electorate.keys[vote.signer]
    const isValid = key !== undefined && this.#verify(key, messageOf(this.#electorate, vote), vote.signature)
    if (isValid) this.#valid.set(vote.signature, what)
    return isValid
  }

  #count(vote: SaidBy): void {
    if (vote.epoch !== this.#electorate.epoch) return
    const id = idOf(vote)
    const signers = this.#signers.get(id) ?? new Set<number>()
    if (signers.has(vote.signer)) return
    if (!this.#isSigned(vote)) return
    signers.add(vote.signer)
    this.#signers.set(id, signers)
  }

  #mustBeSynced(process: number, vote: SaidBy, did: string): void {
    if (this.#synced.get(process)?.has(idOf(vote)) !== true) {
      this.fail('unsynced-vote', `member ${vote.signer} ${did} ${idOf(vote)} before it was on disk`)
    }
  }

  #onNullified(view: number): void {
    if (this.#finalized.has(view)) this.fail('L1', `view ${view} is finalized and nullified`)
    this.#nullified.add(view)
  }

  #onNotarized(view: number, decision: Decision): void {
    const before = this.#notarized.get(view)
    if (before !== undefined) {
      if (before.digest !== decision.digest) this.fail('L2', `view ${view} has two notarized blocks`)
      return
    }
    this.#notarized.set(view, decision)
    this.#checkAncestry(view, decision)
  }

  /** L5, and that no view between a block and its parent lacks a nullification. */
  #checkAncestry(view: number, { digest, parentView }: Decision): void {
    const block = this.#blocks.get(digest)
    if (block !== undefined && parentView > 0 && !this.#isNotarized(parentView, block.parent)) {
      this.fail('L5', `the parent of the block of view ${view} in view ${parentView} is not notarized`)
    }
    for (let skipped = parentView + 1; skipped < view; skipped++) {
      const signers = this.#signers.get(`${skipped}/${NULLIFY}`) ?? []
      if (!decides(this.#electorate, NULLIFY, signers)) {
        this.fail('gap', `the block of view ${view} skips view ${skipped}, which is not nullified`)
      }
    }
  }

  #isNotarized(view: number, digest: string): boolean {
    const block = this.#blocks.get(digest)
    if (block === undefined) return false
    return decides(
      this.#electorate,
      NOTARIZE,
      this.#signers.get(`${view}/${NOTARIZE}/${block.parentView}/${digest}`) ?? []
    )
  }

  #onFinalized(view: number, decision: Decision): void {
    if (this.#nullified.has(view)) this.fail('L1', `view ${view} is nullified and finalized`)
    const before = this.#finalized.get(view)
    if (before !== undefined) {
      if (before.digest !== decision.digest) this.fail('L4', `view ${view} has two final blocks`)
      return
    }
    this.#finalized.set(view, decision)
    const id = `${view}/${NOTARIZE}/${decision.parentView}/${decision.digest}`
    if (!decides(this.#electorate, NOTARIZE, this.#signers.get(id) ?? [])) {
      this.fail('L3', `view ${view} is finalized and was not notarized`)
    }
  }

  #extend(block: SeenBlock): void {
    const below = this.#chain.get(block.height - 1)
    if (block.height > 1 && below?.digest !== block.parent) {
      this.fail('conflicting-finals', `height ${block.height} does not stand on height ${block.height - 1}`)
    }
    this.#chain.set(block.height, block)
    this.#top = Math.max(this.#top, block.height)
  }
}
