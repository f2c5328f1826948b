import { asArray, decode } from '@brume/codec'
import { DEFAULT_POLICY, type Policy } from '@brume/consensus'
import { deriveSeed, type Identity, identityFromSeed, sha256 } from '@brume/crypto'
import { createLog, createRegistry, type Registry } from '@brume/observe'
import type { Journal, Net, Store } from '@brume/ports'
import {
  type Admission,
  DEFAULT_PACE,
  decodeCall,
  encodeCall,
  encodeManifest,
  encodeSystem,
  groupIdOf,
  type Pace,
  type SystemCommand
} from '@brume/protocols/quorum'
import { createSystem } from '@brume/runtime'
import {
  type JournalMedium,
  type MemoryJournal,
  memoryJournal,
  memoryStore,
  newMedium,
  SimClock,
  SimNet,
  SimRandom
} from '@brume/testkit'
import {
  type Block,
  createQuorum,
  type Group,
  type LeafOutcome,
  LeafProgram,
  type LeafState,
  type Quorum
} from './index.ts'

/** A fixed identity by number. */
export const person = (number: number): Identity => identityFromSeed(sha256(Uint8Array.of(number)))

/** What makes a group other than the plainest one. */
export interface Terms {
  readonly pace?: Partial<Pace>
  readonly policy?: Policy
  readonly admit?: Admission
  /** What the program made of blocks survives a crash of its peer. */
  readonly durable?: boolean
  /** Site of each member. */
  readonly sites?: readonly string[]
}

export function manifestOf(
  weights: readonly number[],
  volatile: readonly number[] = [],
  { pace: paced, policy = DEFAULT_POLICY, sites = [], admit = { type: 'open' } }: Terms = {}
): Uint8Array {
  const members = weights.map((weight, i) => {
    const { peerId, publicKey, seed } = person(i)
    const vrfKey = identityFromSeed(deriveSeed(seed, 'brume/vrf/1')).publicKey
    const attributes = {
      operator: '',
      site: sites[i] ?? '',
      hardware: '',
      class: 0 as const,
      volatile: volatile.includes(i)
    }
    return { peer: peerId, key: publicKey, vrfKey, weight, ...attributes }
  })
  const pace = { ...DEFAULT_PACE, minViewMs: 0, ...paced }
  return encodeManifest({
    name: 'test',
    nonce: new Uint8Array(32),
    admit,
    pace,
    policy,
    members,
    program: new Uint8Array()
  })
}

/** A program that remembers what it was given, each line in a leaf: calls with any body. */
export class Tape extends LeafProgram {
  readonly heights: number[] = []
  /** By height, those that were wanted. */
  readonly certificates = new Map<number, Uint8Array>()
  /** What this member's copy makes of a block, if not what the others make of it. */
  bend: (block: Block, outcome: LeafOutcome) => LeafOutcome = (_, outcome) => outcome

  constructor(store?: Store) {
    const execute = (state: LeafState, block: Block) => {
      this.heights.push(block.height)
      return this.bend(block, record(state, block))
    }
    const attested = (height: number, certificate: Uint8Array) => void this.certificates.set(height, certificate)
    const disk = store === undefined ? {} : { store }
    super({ domain: 'brume/tape-attest/1', accepts: () => true, execute, attested, ...disk })
  }

  get lines(): readonly string[] {
    return [...this.leaves.values('line/')].map(([, value]) => Buffer.from(value).toString())
  }
}

function record(state: LeafState, { commands }: Block): LeafOutcome {
  const lines = commands.map(({ bytes }) => decodeCall(bytes).body)
  const at = (i: number) => `line/${String(state.size + i).padStart(8, '0')}`
  return {
    changes: lines.map((line, i) => [at(i), line] as const),
    answers: commands.map(({ id }, i) => [id, lines[i] ?? new Uint8Array()] as const)
  }
}

/** Calls of one client, each the next of its session. */
export function clientOf(manifest: Uint8Array, wallMs: () => number, session = 1) {
  let sequence = 0
  return (line: string): Uint8Array => {
    sequence += 1
    const call = {
      groupId: groupIdOf(manifest),
      session,
      sequence,
      expiresMs: Math.floor(wallMs()) + 120_000,
      body: Buffer.from(line)
    }
    return encodeCall(call, person(200))
  }
}

/** Calls of one peer to the quorum itself. */
export function systemOf(manifest: Uint8Array, wallMs: () => number, number: number) {
  let sequence = 0
  return (command: SystemCommand): Uint8Array => {
    sequence += 1
    const body = encodeSystem(command)
    const expiresMs = Math.floor(wallMs()) + 120_000
    return encodeCall({ groupId: groupIdOf(manifest), session: 9, sequence, expiresMs, body }, person(number))
  }
}

export interface Member {
  readonly index: number
  readonly medium: JournalMedium
  readonly store: Store
  tape: Tape
  group: Group
  quorum: Quorum
  registry: Registry
  journal: MemoryJournal
  alive: boolean
}

/** What a member says and writes goes through here. */
export interface Outside {
  readonly net: Net
  readonly journal: Journal
}

/** What it opens takes virtual time, which it steps itself. */
export type Wrap = (index: number, outside: Outside, clock: SimClock) => Outside | Promise<Outside>

/** Members of one group over a simulated network, with journals that survive their crashes. */
export class World {
  readonly clock = new SimClock()
  readonly net: SimNet
  readonly manifest: Uint8Array
  readonly members: Member[] = []
  readonly #durable: boolean
  readonly #random = new SimRandom(new Uint8Array(16).fill(3), 'net')
  readonly #wrap: Wrap

  private constructor(weights: readonly number[], volatile: readonly number[], terms: Terms, wrap: Wrap) {
    this.#wrap = wrap
    this.manifest = manifestOf(weights, volatile, terms)
    this.#durable = terms.durable === true
    this.net = new SimNet({ clock: this.clock, random: this.#random, pipe: { delayMs: 2 } })
  }

  /**
   * @param volatile - members that journal no votes
   * @param wrap - gets a hand on what each member says and writes, at each of its starts
   */
  static async of(
    weights: readonly number[],
    volatile: readonly number[] = [],
    terms: Terms = {},
    wrap: Wrap = (_, outside) => outside
  ): Promise<World> {
    const world = new World(weights, volatile, terms, wrap)
    for (const index of weights.keys()) world.members.push(await world.#launch(index, newMedium(), memoryStore()))
    return world
  }

  /** One more peer that knows the manifest and is no member. */
  async observe(): Promise<Member> {
    const member = await this.#launch(this.members.length, newMedium(), memoryStore())
    this.members.push(member)
    return member
  }

  /** @param lateMs - how long the network runs before the group joins: others greet a peer that is not ready yet */
  async #launch(index: number, medium: JournalMedium, store: Store, lateMs = 0): Promise<Member> {
    const { clock } = this
    const identity = person(index)
    const log = createLog({ level: 'silent' })
    const registry = createRegistry()
    const random = this.#random.stream(`node:${index}`)
    const journal = memoryJournal({ clock, medium })
    const net = this.net.start(identity.peerId)
    const kernel = createSystem({ clock, random, log, self: identity.peerId })
    const outside = await this.#wrap(index, { net, journal }, clock)
    const quorum = createQuorum({
      identity,
      ...outside,
      store,
      clock,
      log,
      registry,
      kernel,
      keepConnected: () => () => {}
    })
    await this.clock.pass(lateMs)
    const tape = new Tape(this.#durable ? store.sub('tape/') : undefined)
    const group = quorum.open(this.manifest, tape)
    await group.start()
    return { index, medium, store, tape, group, quorum, registry, journal, alive: true }
  }

  /** Ends a member as `kill -9` does: of what its journal had in flight, nothing is told. */
  async crash(index: number): Promise<void> {
    this.kill(index)
    await this.#over(this.members[index]?.group.stop() ?? Promise.resolve())
  }

  /**
   * The same in the middle of whatever it does, which then comes to nothing.
   *
   * @param kept - of its records in flight, so many have reached the medium
   */
  kill(index: number, kept = 0): void {
    const member = this.members[index]
    if (member?.alive !== true) return
    member.alive = false
    member.journal.crash(kept)
    this.net.stop(person(index).peerId)
  }

  /** Ends a member in order. */
  async stop(index: number): Promise<void> {
    const member = this.members[index]
    if (member === undefined) return
    await this.#over(member.quorum.stop())
    member.alive = false
    this.net.stop(person(index).peerId)
  }

  /** Steps virtual time until this has come to its end. */
  async #over(ending: Promise<void>): Promise<void> {
    let isOver = false
    void ending.then(() => (isOver = true))
    await this.clock.until(() => isOver, 10_000)
  }

  async restart(index: number, lateMs = 0): Promise<void> {
    const before = this.members[index]
    if (before === undefined || before.alive) return
    this.members[index] = await this.#launch(index, before.medium, before.store, lateMs)
  }

  /** Steps virtual time until the condition holds; false if it does not within so many ms. */
  until(done: () => boolean, limitMs: number): Promise<boolean> {
    return this.clock.until(done, limitMs)
  }

  get alive(): readonly Member[] {
    return this.members.filter(({ alive }) => alive)
  }

  /** Everything in journals that one member said: `signer/epoch/view/kind` with what it said. */
  said(index: number): readonly (readonly [key: string, what: string])[] {
    return (this.members[index]?.medium.records ?? []).flatMap(({ kind, payload }) => {
      if (kind !== 1) return []
      const [, bytes] = asArray(decode(payload, { bytesMax: 65_536 }), 'record', 2)
      const vote = Buffer.from(bytes as Uint8Array)
      const tail = vote.subarray(18, vote.length - 64).toString('hex')
      const place = `${vote.readBigUInt64BE(2)}/${vote.readBigUInt64BE(10)}`
      return [[`${vote[1]}/${place}/${vote[0]}`, tail] as const]
    })
  }
}
