import {
  type Committee,
  createCommittee,
  type Final,
  KIND,
  type Statement,
  signedBytes,
  type Vote
} from '@brume/consensus'
import { hash, identityFromSeed, sha256, verify } from '@brume/crypto'
import { bodyOf } from '@brume/protocols/quorum'
import { type SimKey, SimSigner } from '@brume/testkit'
import { Liar } from '../faults/liar.ts'
import type { RunOptions } from '../faults/options.ts'
import type { Mutant } from '../mutants/mutant.ts'
import { readCommand } from '../node/command.ts'
import { HOST_RULES, type Observer } from '../node/contract.ts'
import { CoreNode } from '../node/core.ts'
import { FAULT_KIND } from '../node/digest.ts'
import type { Frame } from '../node/frame.ts'
import { Oracle } from '../oracle/oracle.ts'
import { LocalClock } from '../world/local-clock.ts'
import { mix } from '../world/log-hash.ts'
import { Network, type NetworkSettings } from '../world/network.ts'
import { type Streams, streamsOf } from '../world/streams.ts'
import { type TraceLine, World } from '../world/world.ts'
import { delaysOf } from './delays.ts'

/** The epoch of the run: not 0, so that a field that is left out is noticed. */
const EPOCH = 3
const GROUP = sha256(Buffer.from('a simulated group'))

export interface GroupOptions {
  readonly seed: Uint8Array
  readonly options: RunOptions
  readonly mutant?: Mutant | undefined
  readonly trace?: ((line: TraceLine) => void) | undefined
}

/** A group in a world: its members, what connects them, and who judges them. */
export class SimGroup {
  readonly world: World
  readonly streams: Streams
  /** From which another of the same kind can be made. */
  readonly input: GroupOptions
  readonly options: RunOptions
  readonly network: Network<Frame>
  readonly nodes: CoreNode[] = []
  readonly oracle: Oracle
  readonly committee: Committee
  /** Member of each process; a twin's second process comes after all members. */
  readonly memberOf: readonly number[]
  readonly liars = new Set<number>()
  /** Told of every call to a journal and every sending: crashes are armed here. */
  onPoint: Observer['point'] = () => {}
  onHalted: (process: number) => void = () => {}
  onFinal: ((process: number) => void) | null = null
  onNotarized: ((process: number, digest: string) => void) | null = null
  onBuilt: ((process: number, digest: string) => void) | null = null
  onCast: ((process: number, kind: number, view: number) => void) | null = null
  onEntered: ((process: number, view: number) => void) | null = null
  /** What a scenario lets somebody hear instead of a frame. */
  filter: ((from: number, to: number, frame: Frame) => Frame | null) | null = null
  readonly #mouths = new Map<number, Liar>()
  readonly #seen = new Set<string>()
  readonly #proposed = new WeakMap<Uint8Array, Vote>()
  #syncUsMax = Number.POSITIVE_INFINITY

  constructor(input: GroupOptions) {
    const { seed, options, mutant, trace } = input
    this.input = input
    this.options = options
    this.streams = streamsOf(seed)
    this.world = new World(trace ?? null)
    const keys = this.#makeKeys()
    this.committee = this.#makeCommittee(keys.map(({ publicKey }) => publicKey))
    for (const { member } of options.liars) this.liars.add(member)
    const twins = options.liars.filter(({ roles }) => roles.includes('twin')).map(({ member }) => member)
    this.memberOf = [...options.weights.keys(), ...twins]
    this.oracle = new Oracle({
      electorate: this.#electorate(),
      liars: this.liars,
      verify: this.verify,
      nowUs: () => this.world.nowUs
    })
    this.network = this.#makeNetwork(mutant)
    const genesis: Final = { view: 0, height: 0, digest: '00'.repeat(32), timeMs: 0, certificate: null }
    for (const [process, member] of this.memberOf.entries()) {
      this.nodes.push(this.#makeNode(process, member, keys[member] as SimKey, genesis, mutant))
    }
    this.#makeLiars(keys)
    for (const member of twins) this.mask(member, [])
  }

  readonly #signer = new SimSigner()

  readonly verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
    this.options.realCrypto ? verify(publicKey, message, signature) : this.#signer.verify(publicKey, message, signature)

  /** Honest members' processes: those of which anything is promised. */
  get honest(): readonly CoreNode[] {
    return this.nodes.filter(({ options }) => !this.liars.has(options.member))
  }

  /** From now on no sync takes longer. */
  calmDisks(mostUs: number): void {
    this.#syncUsMax = mostUs
  }

  /** Every process begins at once. */
  start(): void {
    for (const node of this.nodes) node.start()
    this.network.connectAll()
  }

  note(kind: number, what: string, detail: unknown): void {
    this.world.log(255, FAULT_KIND, mix(kind, what.length))
    if (this.world.isTracing) this.world.trace(-1, what, () => detail)
  }

  crash(process: number): void {
    const node = this.nodes[process]
    if (node?.isAlive !== true) return
    this.note(1, `crash ${process}`, null)
    node.crash()
    this.network.drop(process)
  }

  restart(process: number): void {
    const node = this.nodes[process]
    if (node === undefined || node.isAlive) return
    this.note(2, `restart ${process}`, null)
    node.start()
    this.network.connectOne(process)
  }

  /** The peers on this side hear a twin's second process, the others its first. */
  mask(member: number, side: readonly number[]): void {
    const second = this.memberOf.lastIndexOf(member)
    for (const process of this.memberOf.keys()) {
      for (const copy of [member, second]) {
        const isApart = process === member || process === second || side.includes(process) === (copy === member)
        this.network.mask(process, copy, isApart)
      }
    }
    this.network.connectAll()
  }

  /** Everybody hears both copies of a twin, and they each other. */
  unmask(member: number): void {
    const second = this.memberOf.lastIndexOf(member)
    for (const process of this.memberOf.keys()) {
      this.network.mask(process, member, false)
      this.network.mask(process, second, false)
    }
    this.network.connectAll()
  }

  #makeKeys(): readonly SimKey[] {
    const { keys: random } = this.streams
    const { realCrypto, weights } = this.options
    const keys = weights.map(() => {
      const secret = random.bytes(32)
      return realCrypto ? identityFromSeed(secret) : this.#signer.key(secret)
    })
    return keys.sort((a, b) => Buffer.compare(a.publicKey, b.publicKey))
  }

  #makeCommittee(keys: readonly Uint8Array[]): Committee {
    const { weights, sites, minSites } = this.options
    const members = keys.map((key, i) => ({ key, weight: weights[i] ?? 1, domains: { site: sites[i] ?? '?' } }))
    const diversity = minSites > 1 ? [{ attribute: 'site', minDistinct: minSites }] : []
    const committeeHash = hash('brume/sim-committee/1', ...keys)
    return createCommittee({
      groupId: GROUP,
      epoch: EPOCH,
      hash: committeeHash,
      seed: committeeHash,
      members,
      diversity
    })
  }

  #electorate() {
    const { weights, sites, minSites } = this.options
    const { groupId, epoch, hash: committeeHash, members } = this.committee
    const diversity = minSites > 1 ? [{ domains: sites, minDistinct: minSites }] : []
    return { groupId, epoch, hash: committeeHash, keys: members.map(({ key }) => key), weights, diversity }
  }

  #makeNetwork(mutant: Mutant | undefined): Network<Frame> {
    const { delay, loss, duplication, lossy } = this.options
    const settings: NetworkSettings = {
      delayUs: delaysOf(delay, this.memberOf.length, this.streams.net),
      jitterUs: delay.jitterUs,
      loss,
      duplication,
      reset: 0.05,
      lossy
    }
    const swallowsRepeats = mutant?.host?.countsAttempts === false
    return new Network(this.world, this.streams.net, this.memberOf.length, settings, {
      isAlive: (process) => this.nodes[process]?.isAlive === true,
      link: (process, other, up) => this.nodes[process]?.link(other, up),
      deliver: (from, to, arrived) => {
        const frame = this.filter === null ? arrived : this.filter(from, to, arrived)
        if (frame === null) return
        if (swallowsRepeats && this.#isRepeat(from, to, frame)) return
        this.#mouths.get(to)?.ear(from, frame)
        this.nodes[to]?.receive(from, frame)
      }
    })
  }

  /** As gossipsub's seen cache would: identical bytes vanish. */
  #isRepeat(from: number, to: number, { content, attempt }: Frame): boolean {
    if (content.type !== 'votes') return false
    const name = `${from}>${to}/${attempt}/${content.votes.map(({ kind, view, digest }) => `${kind}.${view}.${digest}`).join()}`
    if (this.#seen.has(name)) return true
    this.#seen.add(name)
    return false
  }

  #makeNode(process: number, member: number, key: SimKey, genesis: Final, mutant: Mutant | undefined): CoreNode {
    const { clocks, deltaMs, minViewMs, measuresDelta, maxCommands, syncUs } = this.options
    const { originMs, wallOffsetMs, driftPpm } = clocks[member] ?? { originMs: 0, wallOffsetMs: 0, driftPpm: 0 }
    const isLiar = this.liars.has(member)
    return new CoreNode({
      world: this.world,
      process,
      member,
      committee: this.committee,
      memberOf: this.memberOf,
      genesis,
      key,
      verify: this.verify,
      clock: new LocalClock(originMs, wallOffsetMs, driftPpm),
      random: this.streams.node(process),
      disk: {
        syncUs: (random) =>
          Math.min(
            this.#syncUsMax,
            random.chance(syncUs.slowShare)
              ? random.below(syncUs.slowUs)
              : syncUs.low + random.below(syncUs.high - syncUs.low + 1)
          )
      },
      deltaMs,
      minViewMs,
      measuresDelta,
      maxCommands,
      // A liar's inside is the unbroken member: what it breaks, it breaks on purpose.
      rules: isLiar ? {} : (mutant?.rules ?? {}),
      host: isLiar ? HOST_RULES : { ...HOST_RULES, ...mutant?.host },
      observer: this.#observer(),
      delayMs: (to) => this.network.settings.delayUs(process, to) / 1_000,
      transmit: (from, to, frame) => {
        const mouth = this.#mouths.get(from)
        if (mouth === undefined) this.#transmit(from, to, frame)
        else mouth.mouth(to, frame)
      }
    })
  }

  #makeLiars(keys: readonly SimKey[]): void {
    const elsewhere = {
      sign: (member: number, statement: Statement) => {
        const other = this.streams.faults.chance(0.5)
        const committee = other
          ? { ...this.committee, hash: sha256(this.committee.hash) }
          : { ...this.committee, epoch: EPOCH - 1 }
        const said = other ? statement : { ...statement, epoch: EPOCH - 1 }
        return (keys[member] as SimKey).sign(signedBytes(committee, said))
      }
    }
    for (const { member, roles } of this.options.liars) {
      for (const [process, other] of this.memberOf.entries()) {
        if (other !== member) continue
        const node = this.nodes[process] as CoreNode
        const transmit = (to: number, frame: Frame, afterUs: number) =>
          afterUs > 0
            ? this.world.after(afterUs, () => this.#transmit(process, to, frame))
            : this.#transmit(process, to, frame)
        this.#mouths.set(process, new Liar(node, roles, this.streams.node(100 + process), elsewhere, transmit))
      }
    }
  }

  #transmit(from: number, to: number, frame: Frame): void {
    const { content } = frame
    const member = this.memberOf[from] ?? 0
    if (content.type === 'votes') for (const vote of content.votes) this.oracle.sent(from, member, vote)
    if (
      content.type === 'propose' &&
      this.committee.leaders[(content.proposal.view - 1) % this.committee.leaders.length] === member
    ) {
      this.oracle.sent(from, member, this.#voteOf(content))
    }
    this.network.send(from, to, frame)
  }

  /** The vote that a leader's block brings along. */
  #voteOf(content: Extract<Frame['content'], { type: 'propose' }>): Vote {
    const { proposal, signature } = content
    const known = this.#proposed.get(signature)
    if (known?.digest === proposal.digest) return known
    const { epoch, view, parentView, digest } = proposal
    const signer = this.committee.leaders[(view - 1) % this.committee.leaders.length] ?? 0
    const vote: Vote = { kind: KIND.notarize, epoch, view, parentView, digest, signer, signature }
    this.#proposed.set(signature, vote)
    return vote
  }

  #observer(): Observer {
    const { oracle, memberOf } = this
    const member = (process: number) => memberOf[process] ?? 0
    return {
      appended: (process, sequence, vote) => oracle.appended(process, sequence, vote),
      durable: (process, sequence) => oracle.durable(process, sequence),
      cast: (process, vote, unread) => {
        oracle.cast(vote, unread)
        this.onCast?.(process, vote.kind, vote.view)
      },
      kept: (process, certificate) => oracle.kept(process, member(process), certificate),
      finalized: (process, blocks) => {
        const before = oracle.top
        oracle.delivered(member(process), process, blocks)
        for (const { proposal } of blocks) {
          if (proposal.height > before && proposal.height <= oracle.top) {
            oracle.effective(proposal.height, bodyOf(proposal).commands.map(readCommand))
          }
        }
        this.onFinal?.(process)
      },
      notarized: (process, proposal) => this.onNotarized?.(process, proposal.digest),
      conflict: (process, a) => oracle.conflict(member(process), a),
      silenced: (process, from) => oracle.silenced(member(process), from),
      entered: (process, view) => this.onEntered?.(process, view),
      built: (process, proposal) => {
        oracle.built(proposal)
        this.onBuilt?.(process, proposal.digest)
      },
      halted: (process) => this.onHalted(process),
      restored: (process, votes) => oracle.restored(process, votes),
      restarted: (process, floor) =>
        oracle.restarted(process, member(process), floor, this.nodes[process]?.ledger.height ?? 0),
      point: (process, point) => this.onPoint(process, point)
    }
  }
}
