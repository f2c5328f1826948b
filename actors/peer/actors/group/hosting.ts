import type { Group, Program, QuorumClient } from '@brume/actors/quorum'
import { createReplica, Dispatch } from '@brume/actors/replica'
import { CodecError, equal, fromHex, toHex } from '@brume/codec'
import { counter, type Registry } from '@brume/observe'
import type { Cancel, Clock, Log, Net, PeerId, Store } from '@brume/ports'
import {
  decodeHostingRequest,
  encodeHostingAnswer,
  HOSTING_PROTOCOL,
  type HostingAnswer,
  type HostingRequest
} from '@brume/protocols/hosting'
import { decodeManifest, groupIdOf, type Manifest } from '@brume/protocols/quorum'
import { type Bundle, checkMigration, decodeTerms } from '@brume/runtime/replica'
import type { ProgramContext } from '../../groups.ts'
import type { Hosted } from '../../hosted.ts'
import type { Executors } from '../executors.ts'
import { type Beginning, readBeginning, trialOf } from './beginning.ts'
import { refusal } from './refusals.ts'
import type { GroupSends } from './sends.ts'

/** A logic of this peer's that groups may replicate. */
export interface Replicable {
  readonly name: string
  /** Bundled when it is needed for the first time. */
  readonly bundle: () => Promise<Bundle>
  /** May this peer have it replicated here? */
  readonly consents: (peer: PeerId) => boolean
}

export interface HostingOptions {
  readonly net: Pick<Net, 'self' | 'serve'>
  readonly hosted: Hosted
  /** What actors begin with, by group: an input, or the proof of a state. */
  readonly store: Store
  /** The whole state of a replicated actor, proven. */
  readonly stateOf: (groupId: Uint8Array) => Promise<Uint8Array>
  readonly log: Log
  readonly registry: Registry
  readonly replicables: () => Iterable<Replicable>
  readonly executor: Executors['create']
  readonly client: (manifest: Uint8Array) => QuorumClient
  readonly sends: GroupSends
  readonly clock: Clock
}

/** The groups of replicated actors that this peer takes part in. Code never arrives: only what is registered is run. */
export class Hosting {
  readonly #options: HostingOptions
  readonly #unserve: Cancel
  readonly #dispatches: Dispatch[] = []
  readonly #taken = new Map<string, Promise<void>>()

  constructor(options: HostingOptions) {
    this.#options = options
    this.#unserve = options.net.serve(HOSTING_PROTOCOL, async (from, body) => {
      return encodeHostingAnswer(await this.#answer(from, decodeHostingRequest(body)))
    })
  }

  close(): void {
    this.#unserve()
    for (const dispatch of this.#dispatches) dispatch.stop()
  }

  manifestOf(groupId: Uint8Array): Uint8Array | undefined {
    return this.#options.hosted.manifestOf(toHex(groupId))
  }

  /**
   * Takes part in a group, now and at every start at which its logic is registered.
   *
   * @param from - who asks for it; this peer itself needs no consent
   * @throws RuntimeError REJECTED, FORBIDDEN; CodecError, ManifestError, ReplicaError, QuorumError
   */
  take(from: PeerId, manifest: Uint8Array, input: Uint8Array | null): Promise<void> {
    const id = toHex(groupIdOf(manifest))
    const taken = this.#taken.get(id) ?? this.#take(from, manifest, input)
    this.#taken.set(id, taken)
    // Another time it may do better.
    taken.catch(() => this.#taken.delete(id))
    return taken
  }

  async #take(from: PeerId, manifest: Uint8Array, input: Uint8Array | null): Promise<void> {
    const groupId = groupIdOf(manifest)
    if (this.manifestOf(groupId) !== undefined) return
    const { program } = decodeManifest(manifest)
    const found = await this.#replicableOf(program)
    if (found === undefined) throw refusal('rejected', 'the logic is not registered here')
    if (from !== this.#options.net.self && !found.consents(from)) {
      throw refusal('forbidden', `${found.name} is not replicated for others here`)
    }
    const { origin } = decodeTerms(program)
    const value = origin === null ? (input ?? new Uint8Array()) : await this.#options.stateOf(origin.groupId)
    const beginning = readBeginning(manifest, value)
    const bundle = await found.bundle()
    const { executor } = this.#options
    if (beginning.legacy !== null && origin !== null) {
      const trial = trialOf(beginning.legacy, origin.version)
      await checkMigration(() => executor(bundle, trial))
    }
    await this.#options.store.batch([{ type: 'put', key: groupId, value }], { sync: true })
    const replica = this.#replicaOf(bundle, beginning)
    replica.began(manifest, await this.#options.hosted.join(manifest, replica.make))
  }

  /** Opens the groups kept from before whose logic is this one. */
  async resume(replicable: Replicable): Promise<void> {
    const { hosted, store, log } = this.#options
    for (const { id, manifest } of hosted.pending()) {
      try {
        const { logicId } = decodeTerms(decodeManifest(manifest).program)
        const bundle = await replicable.bundle()
        const input = await store.get(fromHex(id))
        if (!equal(logicId, bundle.logicId) || input === undefined) continue
        const replica = this.#replicaOf(bundle, readBeginning(manifest, input))
        replica.began(manifest, await hosted.open(id, replica.make))
      } catch (error) {
        log.error({ group: id, error }, 'a replicated actor cannot be opened and is left out')
      }
    }
  }

  /** The program of a group that is not there yet, and what it sends once it is. */
  #replicaOf(bundle: Bundle, { input, legacy }: Beginning) {
    const { executor } = this.#options
    // Blocks that are executed anew at a start are attested before the group is open.
    const begun = Promise.withResolvers<Dispatch>()
    let outbox: Store | undefined
    return {
      make: ({ store }: ProgramContext): Program => {
        outbox = store.sub('outbox/')
        return createReplica({
          ...{ bundle, input, store, executor, ...(legacy && { legacy }) },
          attested: (block, sent) => void begun.promise.then((dispatch) => dispatch.attested(block, sent))
        })
      },
      began: (manifest: Uint8Array, group: Group): void => {
        if (outbox === undefined) return
        const dispatch = this.#dispatchOf(manifest, group, outbox)
        this.#dispatches.push(dispatch)
        begun.resolve(dispatch)
        dispatch.resume().catch((error: unknown) => {
          this.#options.log.error({ group: group.id, error }, 'what a replicated actor had to send is not read again')
        })
      }
    }
  }

  #dispatchOf(manifest: Uint8Array, group: Group, store: Store): Dispatch {
    const { net, clock, log, registry, sends, client } = this.#options
    const help = 'What replicated actors sent and this peer could not deliver'
    const undelivered = counter(registry, 'brume_runtime_undelivered_total', help)
    return new Dispatch({
      ...{ clock, manifest, group, store, self: net.self, client: client(manifest) },
      deliver: (sending) => sends.deliver(sending),
      failed: ({ to, seq }, error) => {
        undelivered.inc()
        log.warn({ group: group.id, to, seq, error }, 'what a replicated actor has sent was not delivered from here')
      }
    })
  }

  async #replicableOf(program: Manifest['program']): Promise<Replicable | undefined> {
    const { logicId } = decodeTerms(program)
    for (const one of this.#options.replicables()) {
      const bundle = await one.bundle().catch(() => undefined)
      if (bundle !== undefined && equal(bundle.logicId, logicId)) return one
    }
    return undefined
  }

  async #answer(from: PeerId, request: HostingRequest): Promise<HostingAnswer> {
    if (request.type === 'manifest') return { type: 'manifest', manifest: this.manifestOf(request.groupId) ?? null }
    try {
      if (request.type === 'send') await this.#options.sends.take(from, request.proof)
      else await this.take(from, request.manifest, request.input)
      return { type: 'done' }
    } catch (error) {
      this.#options.log.info({ from, error }, 'another peer was refused')
      return { type: 'refused', ...described(error) }
    }
  }
}

/** Is this the group of a replicated actor? @throws ManifestError */
export function isActorManifest(manifest: Uint8Array): boolean {
  const { program } = decodeManifest(manifest)
  try {
    decodeTerms(program)
    return true
  } catch (error) {
    if (error instanceof CodecError) return false
    throw error
  }
}

function described(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: 'BRUME_PEER_INTERNAL', message: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'BRUME_PEER_INTERNAL'
  return { code, message: error.message }
}
