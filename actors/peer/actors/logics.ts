import { fileURLToPath } from 'node:url'
import { toHex } from '@brume/codec'
import type { Clock, PeerId } from '@brume/ports'
import type { Kernel, Kind } from '@brume/runtime/kernel'
import { type Bundle, checkLogic, type Json, type Samples } from '@brume/runtime/replica'
import { type EventSchema, eventCheck, schemaCheck } from '@brume/runtime/schema'
import { xstate5 } from '@brume/runtime/xstate5'
import { PeerError } from '../errors.ts'
import type { Replicable } from './group/hosting.ts'
import type { Logic, Machine, RegisterOptions } from './types.ts'

/** What a module of a machine exports besides it. */
type MachineModule = { readonly default?: unknown } & Pick<RegisterOptions, 'schema' | 'migrate'>

/** A registered machine, as this peer keeps it. */
export interface Registered extends Replicable {
  readonly kind: Kind
  /** JSON of the machine, for those who draw it. */
  readonly definition: () => string
}

/** The machines this peer runs: who is not here is run for nobody. */
export class Logics {
  readonly #kernel: Pick<Kernel, 'register'>
  readonly #clock: Clock
  /** By name, the last that was registered; and all versions. */
  readonly #registered = new Map<string, Registered>()
  readonly #versions = new Map<string, Registered>()

  constructor(kernel: Pick<Kernel, 'register'>, clock: Clock) {
    this.#kernel = kernel
    this.#clock = clock
  }

  all(): Iterable<Registered> {
    return this.#versions.values()
  }

  /** May that peer have machines of this name run here? Of one that is not registered nobody has said. */
  consents(name: string, peer: PeerId): boolean {
    return this.#registered.get(name)?.consents(peer) ?? true
  }

  definitionOf(name: string): string | undefined {
    return this.#registered.get(name)?.definition()
  }

  /** @throws PeerError USAGE */
  find({ name, version }: Pick<Logic, 'name' | 'version'>): Registered {
    const found = this.#versions.get(`${name}/${version}`)
    if (found !== undefined) return found
    throw new PeerError('BRUME_PEER_USAGE', `no logic ${name} is registered here; call register first`)
  }

  /** @throws RuntimeError LOGIC, SCHEMA; ReplicaError BUNDLE, NONDETERMINISTIC where there are samples */
  async register<M extends Machine>(
    source: Machine | URL | string,
    options: RegisterOptions<M>
  ): Promise<{ readonly logic: Logic<M>; readonly registered: Registered }> {
    const url = isUrl(source) ? new URL(source) : null
    const { machine, ...exported } = url === null ? { machine: source } : await load(url)
    const said = { ...exported, ...options }
    const bundle = bundleOf(url, options, this.#clock)
    const { id } = options.samples === undefined ? {} : { id: (await bundle()).logicId }
    const kind = kindOf(machine as Machine, said, id)
    this.#kernel.register(kind)
    const { name, version } = kind
    const consents = consentOf(options.hosts)
    const definition = (): string => JSON.stringify((machine as Machine).definition)
    const registered = { name, kind, bundle, consents, definition }
    this.#registered.set(name, registered)
    this.#versions.set(`${name}/${version}`, registered)
    return { logic: { name, version, id: toHex(kind.logic.id) }, registered }
  }
}

const isUrl = (source: Machine | URL | string): source is URL | string => typeof source === 'string' || 'href' in source

async function load(url: URL): Promise<{ machine: unknown } & Pick<RegisterOptions, 'schema' | 'migrate'>> {
  const { default: machine, schema, migrate }: MachineModule = await import(url.href)
  if (machine === undefined) {
    throw new PeerError('BRUME_PEER_USAGE', `${fileURLToPath(url)} has no default export; export the machine so`)
  }
  return { machine, ...(schema && { schema }), ...(migrate && { migrate }) }
}

function kindOf(machine: Machine, options: RegisterOptions, id?: Uint8Array): Kind {
  const { name, version, schema, input, migrate, upgrade, children, effects } = options
  return {
    ...{ name, version, logic: xstate5(machine, id === undefined ? {} : { id }) },
    ...(schema && { event: eventCheck(schema as EventSchema) }),
    ...(input && { input: schemaCheck(input) }),
    ...(migrate && { migrate }),
    ...(upgrade && { upgrade }),
    ...(children && { children }),
    ...(effects && { effects })
  }
}

/** Bundled and tried at the first need: who never replicates it pays nothing. */
function bundleOf(url: URL | null, options: RegisterOptions, clock: Clock): () => Promise<Bundle> {
  return async () => {
    if (url === null) throw unbundled(options.name)
    const input = (options.sampleInput as Json | undefined) ?? null
    const samples = (options.samples ?? {}) as Samples
    const key = JSON.stringify([url.href, input, samples])
    const bundle = BUNDLES.get(key) ?? checkLogic(url, { clock, input, samples }).then((checked) => checked.bundle)
    BUNDLES.set(key, bundle)
    // Perhaps it was mended.
    bundle.catch(() => BUNDLES.delete(key))
    return bundle
  }
}

/** Of this process, in which a module is loaded once as well: peers in one process need not try it each. */
const BUNDLES = new Map<string, Promise<Bundle>>()

function unbundled(name: string): PeerError {
  return new PeerError(
    'BRUME_PEER_USAGE',
    `${name} was registered as an object; a machine that is replicated is registered by its URL, for all members must run the same bytes`
  )
}

function consentOf(hosts: RegisterOptions['hosts'] = 'any'): (peer: PeerId) => boolean {
  if (hosts === 'any') return () => true
  return (peer) => hosts !== 'none' && hosts.includes(peer)
}
