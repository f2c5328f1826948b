import { createQuorum, type Group, type LeafProgram, type QuorumClient } from '@brume/actors/quorum'
import { deriveSeed, type Identity, identityFromSeed, sha256 } from '@brume/crypto'
import { createLog, createRegistry } from '@brume/observe'
import type { Store } from '@brume/ports'
import { ATTEST_DOMAIN } from '@brume/protocols/actors/proof'
import { DEFAULT_PACE, encodeCall, encodeManifest, groupIdOf, type Pace } from '@brume/protocols/quorum'
import { createSystem } from '@brume/runtime'
import {
  type Answer,
  type Bundle,
  type Command,
  decodeAnswer,
  encodeCommand,
  encodeTerms,
  inlineExecutor,
  inputDigest,
  type Json,
  RUNTIME,
  readLeaf
} from '@brume/runtime/replica'
import { memoryJournal, memoryStore, SimClock, SimNet, SimRandom } from '@brume/testkit'
import { createReplica, Dispatch, type ReplicaOptions, type Sending } from '../index.ts'

const A_WHILE_MS = 60_000

/** A fixed identity by number. */
export const person = (number: number): Identity => identityFromSeed(sha256(Uint8Array.of(number)))

export interface WorldOptions {
  readonly bundle: Bundle
  readonly members?: number
  readonly input?: Json
  readonly admins?: readonly Identity[]
  readonly pace?: Partial<Pace>
  /** Members that hand on nothing. */
  readonly mute?: readonly number[]
  /** The executor of a member, where it is not an honest one. */
  readonly executor?: (index: number) => ReplicaOptions['executor'] | undefined
}

interface Member {
  readonly group: Group
  readonly program: LeafProgram
}

/** A group that replicates one machine over a simulated network, and a client on a peer of its own. */
export class World {
  readonly clock = new SimClock()
  readonly net: SimNet
  readonly manifest: Uint8Array
  readonly members: Member[] = []
  /** By any member. */
  readonly sent: Sending[] = []
  readonly client: QuorumClient
  readonly #options: WorldOptions
  #sequence = 0
  /** Commands of other clients than its own: each has a session. */
  #others = 0

  private constructor(options: WorldOptions) {
    this.#options = options
    this.net = new SimNet({ clock: this.clock, random: new SimRandom(SEED, 'net'), pipe: { delayMs: 2 } })
    this.manifest = manifestOf(options)
    this.client = this.#peer(CLIENT, memoryStore()).client(this.manifest, { domain: ATTEST_DOMAIN })
  }

  static async of(options: WorldOptions): Promise<World> {
    const world = new World(options)
    for (let index = 0; index < (options.members ?? 4); index++) world.members.push(await world.#launch(index))
    await world.until(() => world.members.every(({ group }) => group.status().state === 'voting'))
    return world
  }

  async until(done: () => boolean): Promise<void> {
    if (!(await this.clock.until(done, A_WHILE_MS))) throw new Error(`not within ${A_WHILE_MS} ms of virtual time`)
  }

  /** Steps virtual time until it is settled. */
  async done<T>(promise: Promise<T>): Promise<T> {
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    promise.then(over, over)
    await this.until(() => isOver)
    return promise
  }

  /** A signed command of the client's next place in its session. */
  call(command: Command, identity: Identity = CLIENT): Uint8Array {
    const isOwn = identity === CLIENT
    if (isOwn) this.#sequence += 1
    else this.#others += 1
    const [session, sequence] = isOwn ? [1, this.#sequence] : [1_000 + this.#others, 1]
    const expiresMs = Math.floor(this.clock.wall()) + 120_000
    const body = encodeCommand(command)
    return encodeCall({ groupId: groupIdOf(this.manifest), session, sequence, expiresMs, body }, identity)
  }

  /** What became of a command, attested. */
  async order(
    command: Command,
    identity?: Identity
  ): Promise<Answer & { readonly height: number; readonly bundle: Uint8Array }> {
    const { answer, height, bundle } = await this.done(this.client.submit(this.call(command, identity)).attested)
    return { ...decodeAnswer(readLeaf(answer).bytes), height, bundle }
  }

  event(
    type: string,
    fields: { readonly [field: string]: Json } = {}
  ): Promise<Answer & { readonly height: number; readonly bundle: Uint8Array }> {
    return this.order({ kind: 'event', event: { type, ...fields } })
  }

  async #launch(index: number): Promise<Member> {
    const { bundle, input = null, executor } = this.#options
    const store = memoryStore()
    let dispatch: Dispatch | null = null
    const program = createReplica({
      bundle,
      input,
      executor: executor?.(index) ?? inlineExecutor,
      store: store.sub('replica/'),
      attested: (block, sends) => dispatch?.attested(block, sends)
    })
    const quorum = this.#peer(person(index), store)
    const group = quorum.open(this.manifest, program)
    await group.start()
    dispatch = new Dispatch({
      clock: this.clock,
      manifest: this.manifest,
      self: person(index).peerId,
      group,
      client: quorum.client(this.manifest, { domain: ATTEST_DOMAIN }),
      store: store.sub('outbox/'),
      deliver: async (sending) => {
        if (this.#options.mute?.includes(index) !== true) this.sent.push(sending)
      },
      failed: (_, error) => {
        throw error
      }
    })
    return { group, program }
  }

  #peer(identity: Identity, store: Store) {
    const { clock } = this
    const log = createLog({ level: 'silent' })
    const random = new SimRandom(SEED, identity.peerId)
    const net = this.net.start(identity.peerId)
    const kernel = createSystem({ clock, random, log, self: identity.peerId })
    const journal = memoryJournal({ clock })
    const parts = { identity, net, journal, store, clock, log, kernel, registry: createRegistry() }
    return createQuorum({ ...parts, keepConnected: () => () => {} })
  }
}

const SEED = new Uint8Array(16).fill(9)
const CLIENT = person(200)

function manifestOf({ bundle, members = 4, input = null, admins = [], pace }: WorldOptions): Uint8Array {
  return encodeManifest({
    name: 'demo',
    nonce: new Uint8Array(32),
    pace: { ...DEFAULT_PACE, minViewMs: 0, ...pace },
    members: Array.from({ length: members }, (_, index) => memberOf(person(index))),
    program: encodeTerms({
      logicId: bundle.logicId,
      runtime: RUNTIME,
      inputDigest: inputDigest(input),
      admins: admins.map(({ publicKey }) => publicKey),
      origin: null
    })
  })
}

export function memberOf({ peerId, publicKey, seed }: Identity) {
  const vrfKey = identityFromSeed(deriveSeed(seed, 'brume/vrf/1')).publicKey
  return { peer: peerId, key: publicKey, vrfKey, weight: 1, operator: '', site: '', hardware: '' }
}
