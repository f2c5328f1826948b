import { type Certificate, KIND, NO_DIGEST, type Proposal, type Statement, type Vote } from '@brume/consensus'
import { bodyOf, makeBlock } from '@brume/protocols/quorum'
import type { SimRandom } from '@brume/testkit'
import type { CoreNode } from '../node/core.ts'
import type { Content, Frame } from '../node/frame.ts'
import { pick } from '../world/streams.ts'
import type { Role } from './roles.ts'

/** Frames a liar keeps to repeat. */
const REMEMBERED = 64

/** What honest members signed elsewhere: in another epoch, or as another committee of the same epoch. */
export interface Elsewhere {
  sign(member: number, statement: Statement): Uint8Array
}

/**
 * A member that breaks the protocol: the real one inside, and between it and the network a mouth that
 * changes what it says and an ear that makes up more. Holds one key, and can sign only with that.
 */
export class Liar {
  readonly #node: CoreNode
  readonly #roles: ReadonlySet<Role>
  readonly #random: SimRandom
  readonly #elsewhere: Elsewhere
  readonly #transmit: (to: number, frame: Frame, afterUs: number) => void
  readonly #memory: Frame[] = []
  readonly #said = new Set<string>()
  #forged = 0
  #second: { readonly first: string; readonly proposal: Proposal; readonly signature: Uint8Array } | null = null

  constructor(
    node: CoreNode,
    roles: readonly Role[],
    random: SimRandom,
    elsewhere: Elsewhere,
    transmit: (to: number, frame: Frame, afterUs: number) => void
  ) {
    this.#node = node
    this.#roles = new Set(roles)
    this.#random = random
    this.#elsewhere = elsewhere
    this.#transmit = transmit
    if (this.#roles.has('censor')) node.censors = ({ client }) => client !== 1
  }

  /** What leaves instead of this. */
  mouth(to: number, frame: Frame): void {
    const roles = this.#roles
    if (roles.has('mute')) return
    if (roles.has('withhold') && this.#isKeptFrom(to, frame)) return
    const afterUs = roles.has('late') ? this.#random.below(1_500_000) : 0
    this.#transmit(to, { ...frame, content: this.#changed(to, frame.content) }, afterUs)
  }

  /** Hears a frame, beside the real member inside. */
  ear(from: number, frame: Frame): void {
    const { content } = frame
    if (this.#roles.has('mute')) return
    if (this.#roles.has('replay')) this.#repeat(from, frame)
    if (this.#roles.has('double')) this.#doubleOn(content)
    if (this.#roles.has('impersonate') && this.#random.chance(0.05)) this.#impersonate(content)
    if (this.#roles.has('forge') && this.#forged < 3 && this.#random.chance(0.02)) this.#forge(content)
  }

  /** By view and recipient, so that some views are told to some alone. */
  #isKeptFrom(to: number, { content, view }: Frame): boolean {
    return content.type !== 'command' && ((Math.imul(view + 1, 0x9e3779b1) >>> (to % 24)) & 1) === 1
  }

  #changed(to: number, content: Content): Content {
    const roles = this.#roles
    if (content.type === 'propose' && roles.has('equivocate') && to % 2 === 1) return this.#other(content)
    if (content.type === 'propose' && roles.has('skip')) return this.#skipping(content)
    if (content.type !== 'votes') return content
    const votes = content.votes.map((vote) => {
      if (roles.has('bad-signature') && this.#random.chance(0.1)) return { ...vote, signature: this.#noise() }
      if (roles.has('mutate') && this.#random.chance(0.2)) return this.#mutated(vote)
      return vote
    })
    return { ...content, votes }
  }

  /** The second block of a view it leads: same place, another time. */
  #other(content: Extract<Content, { type: 'propose' }>): Content {
    const { proposal } = content
    if (this.#second?.first !== proposal.digest) {
      const { epoch, view, height, parentView, parent } = proposal
      const { groupId } = this.#node.options.committee
      const { commands } = bodyOf(proposal)
      const kept = commands.length > 1 ? commands.slice(1) : commands
      const other = makeBlock({ groupId, epoch, view, height, parentView, parent }, proposal.timeMs + 1, kept)
      this.#second = { first: proposal.digest, proposal: other, signature: this.#sign(KIND.notarize, other) }
      this.#node.options.observer.built(this.#node.options.process, other)
    }
    return { type: 'propose', proposal: this.#second.proposal, signature: this.#second.signature }
  }

  #sign(kind: Statement['kind'], { epoch, view, parentView, digest }: Omit<Statement, 'kind'>): Uint8Array {
    return this.#node.sign({ kind, epoch, view, parentView, digest })
  }

  #mutated(vote: Vote): Vote {
    const view = Math.max(1, vote.view + this.#random.below(5) - 2)
    const changes: readonly Partial<Vote>[] = [
      { view },
      { epoch: vote.epoch + 1 },
      { parentView: vote.parentView + 1 },
      { kind: vote.kind === KIND.notarize ? KIND.finalize : KIND.notarize },
      { digest: vote.digest === NO_DIGEST ? NO_DIGEST : 'ee'.repeat(32) }
    ]
    const changed = { ...vote, ...pick(this.#random, changes) }
    // With a signature that fits, or with the old one.
    return this.#random.chance(0.5) ? { ...changed, signature: this.#node.sign(changed) } : changed
  }

  #noise(): Uint8Array {
    return this.#random.bytes(64)
  }

  #others(): readonly number[] {
    return [...this.#node.linked]
  }

  #tell(to: number, content: Content): void {
    const { view, final } = this.#node.state
    const { epoch } = this.#node.options.committee
    this.#transmit(to, { content, epoch, view, final: final.view, attempt: this.#random.u32() }, 0)
  }

  #tellSome(content: Content, share: number): void {
    for (const to of this.#others()) if (this.#random.chance(share)) this.#tell(to, content)
  }

  #repeat(from: number, frame: Frame): void {
    if (this.#memory.length >= REMEMBERED) this.#memory[this.#random.below(REMEMBERED)] = frame
    else this.#memory.push(frame)
    if (!this.#random.chance(0.05)) return
    const old = pick(this.#random, this.#memory)
    const to = pick(this.#random, [...this.#others(), from])
    this.#transmit(to, { ...old, attempt: this.#random.u32() }, this.#random.below(5_000_000))
  }

  /** A vote for everything that anybody names, and against every such view: each once, to a random half. */
  #doubleOn(content: Content): void {
    const named: Statement[] = []
    if (content.type === 'propose') named.push({ kind: KIND.notarize, ...content.proposal })
    if (content.type === 'votes') named.push(...content.votes)
    if (content.type === 'certificate') named.push(content.certificate)
    for (const { epoch, view, parentView, digest } of named) {
      if (epoch !== this.#node.options.committee.epoch) continue
      for (const kind of [KIND.notarize, KIND.nullify, KIND.finalize] as const) {
        if (kind !== KIND.nullify && digest === NO_DIGEST) continue
        const statement =
          kind === KIND.nullify
            ? { kind, epoch, view, parentView: 0, digest: NO_DIGEST }
            : { kind, epoch, view, parentView, digest }
        const name = `${kind}/${view}/${statement.digest}`
        if (this.#said.has(name)) continue
        this.#said.add(name)
        const vote: Vote = { ...statement, signer: this.#node.options.member, signature: this.#node.sign(statement) }
        this.#tellSome({ type: 'votes', votes: [vote] }, 0.5)
      }
    }
  }

  #impersonate(content: Content): void {
    if (content.type !== 'votes') return
    const { members } = this.#node.options.committee
    const votes = content.votes.map((vote) => ({
      ...vote,
      signer: this.#random.below(members.length),
      digest: vote.kind === KIND.nullify ? vote.digest : 'cc'.repeat(32),
      signature: this.#noise()
    }))
    this.#tellSome({ type: 'votes', votes }, 0.5)
  }

  /** Proof of what no quorum said: too light, one signer twice, another kind's votes, or votes said elsewhere. */
  #forge(content: Content): void {
    const [vote] = content.type === 'votes' ? content.votes : []
    if (vote === undefined) return
    this.#forged += 1
    const { committee, member } = this.#node.options
    const view = Math.max(this.#node.state.view, vote.view)
    const named = vote.kind === KIND.nullify ? { view, parentView: 0, digest: 'dd'.repeat(32) } : vote
    const statement: Statement = {
      kind: pick(this.#random, [KIND.nullify, KIND.finalize, KIND.notarize]),
      epoch: committee.epoch,
      view: named.view,
      parentView: named.parentView,
      digest: named.digest
    }
    const bare: Statement =
      statement.kind === KIND.nullify ? { ...statement, parentView: 0, digest: NO_DIGEST } : statement
    const own = this.#node.sign(bare)
    const everybody = [...committee.members.keys()]
    const elsewhere = (signer: number) => (signer === member ? own : this.#elsewhere.sign(signer, bare))
    const certificates: readonly Certificate[] = [
      { ...bare, signers: [member], signatures: [own] },
      { ...bare, signers: everybody.map(() => member), signatures: everybody.map(() => own) },
      { ...bare, signers: everybody, signatures: everybody.map(elsewhere) },
      { ...bare, signers: everybody, signatures: everybody.map(() => vote.signature) }
    ]
    this.#tellSome({ type: 'certificate', certificate: pick(this.#random, certificates) }, 0.5)
  }

  /** As leader: a block on the last final one, whatever was notarized since. */
  #skipping({ proposal, signature }: Extract<Content, { type: 'propose' }>): Content {
    const { state, options } = this.#node
    const { view: parentView, digest: parent, height, timeMs } = state.final
    if (proposal.parentView <= parentView) return { type: 'propose', proposal, signature }
    const { groupId, epoch } = options.committee
    const place = { groupId, epoch, view: proposal.view, height: height + 1, parentView, parent }
    const skipping = makeBlock(place, timeMs, bodyOf(proposal).commands)
    options.observer.built(options.process, skipping)
    return { type: 'propose', proposal: skipping, signature: this.#sign(KIND.notarize, skipping) }
  }
}
