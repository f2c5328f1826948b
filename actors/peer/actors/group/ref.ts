import { equal } from '@brume/codec'
import type { Cancel, Clock } from '@brume/ports'
import { addressOf } from '@brume/protocols/actors/proof'
import { RuntimeError } from '@brume/runtime'
import { parseAddress } from '@brume/runtime/address'
import type { Down, HistoryEntry, Refusal, Snapshot } from '@brume/runtime/kernel'
import {
  type Answer,
  type Command,
  decodeAnswer,
  type Event,
  encodeCommand,
  Items,
  type Json,
  type ReplicaSnapshot,
  readLeaf,
  SNAPSHOT_PATHS,
  snapshotOf
} from '@brume/runtime/replica'
import { PeerError } from '../../errors.ts'
import type { AskOptions, ReadLevel, SubmitOptions } from '../types.ts'
import { isReached } from '../until.ts'
import { type Carried, carry } from './carrying.ts'
import { readCertified } from './certified.ts'
import type { SendOptions } from './commands.ts'
import type { GroupAccess } from './directory.ts'
import { followBlocks, readEmitted } from './following.ts'
import { fromQuorum, refusal } from './refusals.ts'

const ASK_TIMEOUT_MS = 5_000
const WAIT_TIMEOUT_MS = 30_000
/** Of a replicated actor: its state never starts afresh. */
const INCARNATION = 1
/** Members are asked in turn for what one of them said, until each could catch up with it. */
const SHOWN_TRIES = 20
const SHOWN_AGAIN_MS = 250
/** Keys whose commands are remembered, so that a repeated one is processed once. */
const KEYS_MAX = 1_024

export interface GroupRefOptions {
  readonly address: string
  readonly clock: Clock
  /** The group that it is in now, looked for when it is needed. */
  readonly group: () => Promise<GroupAccess>
}

type Certified = Snapshot & { readonly proof: Uint8Array }

interface Underway {
  /** The height. */
  readonly final: Promise<number>
  readonly carried: Promise<Carried>
}

const ignored = (): void => {}

/** A replicated actor, as any peer has it. It trusts no member: what it says was shown. */
export class GroupRef {
  readonly address: string
  readonly #clock: Clock
  readonly #group: () => Promise<GroupAccess>
  readonly #groupId: Uint8Array
  readonly #keyed = new Map<string, Underway>()

  constructor({ address, clock, group }: GroupRefOptions) {
    this.address = address
    this.#clock = clock
    this.#group = group
    this.#groupId = parseAddress(address).group ?? new Uint8Array()
  }

  tell(event: Event, { ttlMs }: { readonly ttlMs?: number } = {}): 'accepted' | Refusal {
    this.#send(event, ttlMs === undefined ? {} : { ttlMs })
    return 'accepted'
  }

  async submit(event: Event, { key, ttlMs, signal }: SubmitOptions = {}): Promise<{ readonly seq: number }> {
    const options = { ...(ttlMs === undefined ? {} : { ttlMs }), ...(signal && { signal }) }
    return { seq: await this.#send(event, options, key).final }
  }

  async ask(event: Event, { key, timeoutMs = ASK_TIMEOUT_MS, signal }: AskOptions = {}): Promise<Json> {
    const { carried } = this.#send(event, { ttlMs: timeoutMs, ...(signal && { signal }) }, key)
    const replied = carried.then(({ answer }) => replyOf(answer, this.address))
    return this.#within(timeoutMs, replied)
  }

  async snapshot({ read = 'local' }: { readonly read?: ReadLevel } = {}): Promise<Snapshot> {
    if (read === 'certified') return this.#certified(0)
    for (;;) {
      const group = await this.#group()
      const { height, leaves } = await group.client.read(SNAPSHOT_PATHS, read).catch(rethrown)
      if (leaves === null) throw refusal('noactor', `${this.address} has not begun yet`)
      const found = snapshotOf(new Items(leaves.map(readLeaf).map(({ path, bytes }) => [path, bytes])))
      // One member says where it went on: whoever follows must have that shown.
      if (found.successor !== null) await this.#shown(() => group.successor !== null)
      if (group.successor === null) return this.#snapshotOf(group, found, height)
    }
  }

  async proof(height = 0): Promise<Uint8Array> {
    return (await this.#certified(height)).proof
  }

  /** What it resolves with is certified. */
  async waitFor(until: unknown, { timeoutMs = WAIT_TIMEOUT_MS } = {}): Promise<Snapshot> {
    const { promise, resolve, reject } = Promise.withResolvers<Snapshot>()
    const look = async (local: Snapshot): Promise<void> => {
      if (!isReached(until, local)) return
      const certified = await this.#shown((snapshot) => isReached(until, snapshot))
      if (certified !== null) resolve(certified)
    }
    const stop = this.#changes(look, reject)
    return this.#within(timeoutMs, promise).finally(stop)
  }

  /** As one member says it, after each block. */
  follow(changed: (snapshot: Snapshot) => void): Cancel {
    return this.#changes(
      async (snapshot) => changed(snapshot),
      () => undefined
    )
  }

  /** Told when its machine is done, by a proof. */
  watch(down: (down: Down) => void): Cancel {
    const look = async (local: Snapshot): Promise<void> => {
      const certified = local.status === 'done' ? await this.#shown(({ status }) => status === 'done') : null
      if (certified === null) return
      const { address, incarnation, output } = certified
      stop()
      down({ address, incarnation, reason: 'done', ...(output === undefined ? {} : { output }) })
    }
    const stop = this.#changes(look, () => undefined)
    return stop
  }

  /** What it emits from now on. Whether it has emitted something one member says; what it was is shown. */
  on(type: string, emitted: (event: Event) => void): Cancel {
    let isAtWork = false
    const pass = async (group: GroupAccess, height: number): Promise<number> => {
      const events = height === 0 ? [] : await readEmitted(group, height)
      for (const event of events) if (type === '*' || event.type === type) emitted(event)
      const { seq } = await this.snapshot()
      // Of a group that it has moved to all blocks count.
      const from = isAtWork ? height : seq
      isAtWork ||= group.successor === null
      return from
    }
    return followBlocks({ group: () => this.#group(), pass }, ignored)
  }

  /** Looks at a member's state now, and after each block from then on. */
  #changes(look: (snapshot: Snapshot) => Promise<void>, failed: (error: unknown) => void): Cancel {
    const pass = async (): Promise<number> => {
      const snapshot = await this.snapshot()
      await look(snapshot)
      return snapshot.seq
    }
    return followBlocks({ group: () => this.#group(), pass }, failed)
  }

  history(): AsyncIterable<HistoryEntry> {
    throw placedOnly('history')
  }

  async snapshotAt(): Promise<Snapshot> {
    throw placedOnly('snapshotAt')
  }

  /** Takes no more events: only for an admin of the group. */
  async stop(): Promise<void> {
    await this.order({ kind: 'freeze', successor: null })
  }

  async move(): Promise<never> {
    throw placedOnly('move')
  }

  /** Resolves when the group has executed a first block. */
  async begin(): Promise<void> {
    await this.order({ kind: 'noop' })
  }

  /** Has the group that the actor is in now carry something out that is no event. */
  async order(command: Command): Promise<void> {
    const { commands } = await this.#group()
    const { answer } = await commands.send(encodeCommand(command)).attested.catch(rethrown)
    replyOf(decodeAnswer(readLeaf(answer).bytes), this.address)
  }

  #send(event: Event, options: SendOptions, key?: Uint8Array): Underway {
    const name = key === undefined ? undefined : Buffer.from(key).toString('hex')
    const before = name === undefined ? undefined : this.#keyed.get(name)
    if (before !== undefined) return before
    const underway = this.#carried(encodeCommand({ kind: 'event', event }), options)
    if (name !== undefined) this.#remember(name, underway)
    return underway
  }

  /** Final as soon as its block is, where the group is known to take events; else once it is known to have taken this one. */
  #carried(body: Uint8Array, options: SendOptions): Underway {
    const { promise: final, resolve, reject } = Promise.withResolvers<number>()
    const group = () => this.#group()
    const carried = carry(body, { clock: this.#clock, group, optionsFor: async () => options }, (of, height) => {
      if (of.isTaking) resolve(height)
    })
    carried.then(({ height }) => resolve(height), reject)
    final.catch(ignored)
    return { final, carried }
  }

  #remember(name: string, underway: Underway): void {
    this.#keyed.set(name, underway)
    for (const oldest of this.#keyed.keys()) if (this.#keyed.size > KEYS_MAX) this.#keyed.delete(oldest)
  }

  /** What one member said, shown: who is asked may be behind that one. Null where nobody shows it. */
  async #shown(isSo: (snapshot: Certified) => boolean): Promise<Certified | null> {
    for (let tries = 0; tries < SHOWN_TRIES; tries++) {
      const certified = await this.#certified(0)
      if (isSo(certified)) return certified
      await new Promise<void>((go) => this.#clock.after(SHOWN_AGAIN_MS, go))
    }
    return null
  }

  /** @param atLeast - a height of the group that it is in now */
  async #certified(atLeast: number): Promise<Certified> {
    for (let least = atLeast; ; least = 0) {
      const group = await this.#group()
      const from = Math.max(least, group.atLeast)
      const { snapshot, height, proof } = await readCertified(group, this.#addressIn(group), from)
      group.atLeast = Math.max(group.atLeast, height)
      if (snapshot.successor === null) return { ...this.#snapshotOf(group, snapshot, height), proof }
      group.successor = snapshot.successor
    }
  }

  #addressIn({ groupId, manifest }: GroupAccess): string {
    return equal(groupId, this.#groupId) ? this.address : addressOf(manifest)
  }

  #snapshotOf(group: GroupAccess, found: ReplicaSnapshot, height: number): Snapshot {
    const { status, value, context, output, frozen, tags } = found
    const [result] = output
    return {
      ...{ address: `${this.#addressIn(group)}#${INCARNATION}`, incarnation: INCARNATION, seq: height },
      ...{ status, value, context, tags },
      cell: frozen ? 'stopped' : status === 'active' ? 'active' : status === 'done' ? 'done' : 'failed',
      ...(result === undefined ? {} : { output: result })
    }
  }

  async #within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const cancel = this.#clock.after(timeoutMs, () =>
      reject(new RuntimeError('BRUME_RUNTIME_TIMEOUT', `${this.address} did not come to it within ${timeoutMs} ms`))
    )
    return Promise.race([promise, late]).finally(cancel)
  }
}

/** What the machine replied. @throws RuntimeError for what became of it otherwise; all of it attested */
function replyOf(answer: Answer | null, address: string): Json {
  if (answer === null) throw refusal('unreachable', `${address}: it is final, and nobody has shown what became of it`)
  const { outcome, value } = answer
  if (outcome === 'ok') return value
  const why = `${address}: ${JSON.stringify(value)}`
  if (outcome === 'refused') throw refusal('invalid', why)
  if (outcome === 'unhandled') throw refusal('rejected', `${why}: no transition takes this event in this state`)
  if (outcome === 'moved') throw refusal('stopped', `${why}: it takes no more events`)
  throw refusal('failed', `${why}: the machine failed at it (${outcome})`)
}

function rethrown(error: unknown): never {
  throw fromQuorum(error)
}

function placedOnly(what: string): PeerError {
  return new PeerError('BRUME_PEER_USAGE', `${what} is for actors of one peer; a group's history is its log`)
}
