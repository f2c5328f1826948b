import { equal } from '@brume/codec'
import type { Cancel, Clock } from '@brume/ports'
import { encodeProof, verifyProof } from '@brume/protocols/actors/proof'
import { RuntimeError } from '@brume/runtime'
import type { Down, HistoryEntry, Refusal, Snapshot } from '@brume/runtime/kernel'
import {
  type Answer,
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
import type { SendOptions, Sent } from './commands.ts'
import type { GroupAccess } from './directory.ts'
import { fromQuorum, refusal } from './refusals.ts'

const ASK_TIMEOUT_MS = 5_000
const WAIT_TIMEOUT_MS = 30_000
/** Of a replicated actor: its state never starts afresh. */
const INCARNATION = 1
/** Keys whose commands are remembered, so that a repeated one is processed once. */
const KEYS_MAX = 1_024

export interface GroupRefOptions {
  readonly address: string
  readonly clock: Clock
  /** The group, looked for when it is needed. */
  readonly group: () => Promise<GroupAccess>
}

type Certified = Snapshot & { readonly proof: Uint8Array }

/** A replicated actor, as any peer has it. It trusts no member: what it says was shown. */
export class GroupRef {
  readonly address: string
  readonly #clock: Clock
  readonly #group: () => Promise<GroupAccess>
  readonly #keyed = new Map<string, Promise<Sent>>()

  constructor({ address, clock, group }: GroupRefOptions) {
    this.address = address
    this.#clock = clock
    this.#group = group
  }

  tell(event: Event, { ttlMs }: { readonly ttlMs?: number } = {}): 'accepted' | Refusal {
    void this.#send(event, ttlMs === undefined ? {} : { ttlMs }).catch(() => undefined)
    return 'accepted'
  }

  async submit(event: Event, { key, ttlMs, signal }: SubmitOptions = {}): Promise<{ readonly seq: number }> {
    const sent = await this.#send(event, { ...(ttlMs === undefined ? {} : { ttlMs }), ...(signal && { signal }) }, key)
    const { height } = await sent.final.catch(rethrown)
    return { seq: height }
  }

  async ask(event: Event, { key, timeoutMs = ASK_TIMEOUT_MS, signal }: AskOptions = {}): Promise<Json> {
    const answered = async (): Promise<Json> => {
      const sent = await this.#send(event, { ttlMs: timeoutMs, ...(signal && { signal }) }, key)
      const { answer } = await sent.attested.catch(rethrown)
      return replyOf(decodeAnswer(readLeaf(answer).bytes), this.address)
    }
    return this.#within(timeoutMs, answered())
  }

  async snapshot({ read = 'local' }: { readonly read?: ReadLevel } = {}): Promise<Snapshot> {
    if (read === 'certified') return this.#certified(0)
    const { client } = await this.#group()
    const { height, leaves } = await client.read(SNAPSHOT_PATHS, read).catch(rethrown)
    if (leaves === null) throw refusal('noactor', `${this.address} has not begun yet`)
    const items = new Items(leaves.map(readLeaf).map(({ path, bytes }) => [path, bytes]))
    return this.#snapshotOf(snapshotOf(items), height)
  }

  async proof(height = 0): Promise<Uint8Array> {
    return (await this.#certified(height)).proof
  }

  /** What it resolves with is certified. */
  async waitFor(until: unknown, { timeoutMs = WAIT_TIMEOUT_MS } = {}): Promise<Snapshot> {
    const { promise, resolve, reject } = Promise.withResolvers<Snapshot>()
    const look = async (local: Snapshot): Promise<void> => {
      if (!isReached(until, local)) return
      const certified = await this.#certified(local.seq)
      if (isReached(until, certified)) resolve(certified)
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
    const look = async ({ seq, status }: Snapshot): Promise<void> => {
      if (status !== 'done') return
      const { address, incarnation, output } = await this.#certified(seq)
      stop()
      down({ address, incarnation, reason: 'done', ...(output === undefined ? {} : { output }) })
    }
    const stop = this.#changes(look, () => undefined)
    return stop
  }

  /** Looks at a member's state now, and after each block from then on. */
  #changes(look: (snapshot: Snapshot) => Promise<void>, failed: (error: unknown) => void): Cancel {
    let isOver = false
    const run = async (): Promise<void> => {
      const { client } = await this.#group()
      let snapshot = await this.snapshot()
      await look(snapshot)
      for await (const { header } of client.watch(snapshot.seq + 1)) {
        if (isOver) return
        if (header.height <= snapshot.seq) continue
        snapshot = await this.snapshot()
        if (!isOver) await look(snapshot)
      }
    }
    run().catch((error: unknown) => isOver || failed(error))
    return () => {
      isOver = true
    }
  }

  on(): Cancel {
    throw placedOnly('on')
  }

  history(): AsyncIterable<HistoryEntry> {
    throw placedOnly('history')
  }

  async snapshotAt(): Promise<Snapshot> {
    throw placedOnly('snapshotAt')
  }

  /** Takes no more events: only for an admin of the group. */
  async stop(): Promise<void> {
    const { commands } = await this.#group()
    const { answer } = await commands.send(encodeCommand({ kind: 'freeze' })).attested.catch(rethrown)
    replyOf(decodeAnswer(readLeaf(answer).bytes), this.address)
  }

  /** Resolves when the group has executed a first block. */
  async begin(): Promise<void> {
    const { commands } = await this.#group()
    await commands.send(encodeCommand({ kind: 'noop' })).attested.catch(rethrown)
  }

  async #send(event: Event, options: SendOptions, key?: Uint8Array): Promise<Sent> {
    const name = key === undefined ? undefined : Buffer.from(key).toString('hex')
    const before = name === undefined ? undefined : this.#keyed.get(name)
    if (before !== undefined) return before
    const body = encodeCommand({ kind: 'event', event })
    const sent = this.#group().then((group) => {
      const { final, attested } = group.commands.send(body, options)
      final.then(
        ({ height }) => {
          group.atLeast = Math.max(group.atLeast, height)
        },
        () => undefined
      )
      return { final, attested }
    })
    if (name !== undefined) this.#remember(name, sent)
    return sent
  }

  #remember(name: string, sent: Promise<Sent>): void {
    this.#keyed.set(name, sent)
    for (const oldest of this.#keyed.keys()) if (this.#keyed.size > KEYS_MAX) this.#keyed.delete(oldest)
  }

  async #certified(atLeast: number): Promise<Certified> {
    const group = await this.#group()
    const from = Math.max(atLeast, group.atLeast)
    const { leaves, bundle, places } = await group.client
      .read(SNAPSHOT_PATHS, 'certified', { atLeast: from })
      .catch(rethrown)
    if (leaves === null || bundle === null || places === null) {
      throw refusal('noactor', `${this.address} has no state that was attested yet`)
    }
    const proof = encodeProof(group.manifest, bundle, places.slice(1))
    const { snapshot, height } = verifyProof(proof, this.address)
    if (snapshot === null || !equal(places[0]?.leaf ?? proof, leaves[0] ?? proof)) {
      throw refusal('rejected', 'the members showed something else than the state')
    }
    return { ...this.#snapshotOf(snapshot, height), proof }
  }

  #snapshotOf({ status, value, context, output, frozen }: ReplicaSnapshot, height: number): Snapshot {
    const [result] = output
    return {
      ...{ address: `${this.address}#${INCARNATION}`, incarnation: INCARNATION, seq: height, status, value, context },
      cell: frozen ? 'stopped' : status === 'active' ? 'active' : status === 'done' ? 'done' : 'failed',
      tags: [],
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
function replyOf({ outcome, value }: Answer, address: string): Json {
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
