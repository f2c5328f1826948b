import type { Cancel, Clock } from '@brume/ports'
import type { Kernel, Snapshot } from '@brume/runtime/kernel'
import { openSockets, type Sockets } from './sockets.ts'

/** Version of Stately's protocol that these messages are of. Source: @statelyai/inspect. */
const PROTOCOL = '0.4.0'
/** How often new actors are looked for, while somebody looks. */
const LOOK_EVERY_MS = 250
/** More on one screen say nothing to anybody. */
const ACTORS_MAX = 500

export interface Inspector {
  /** Of 127.0.0.1. */
  readonly port: number
  close(): Promise<void>
}

export interface InspectorOptions {
  readonly kernel: Pick<Kernel, 'actors' | 'follow' | 'snapshot'>
  readonly clock: Clock
  /** JSON of the machine that a kind runs. */
  readonly definitionOf: (kind: string) => string | undefined
}

/**
 * Tells what actors there are and what they become, as Stately's inspector reads it (`@xstate.actor`,
 * `@xstate.snapshot`), by WebSocket on the loopback interface. Events between two states are not told.
 *
 * @param port - 0: any
 * @throws PeerError USAGE where the port cannot be opened
 */
export async function openInspector(port: number, options: InspectorOptions): Promise<Inspector> {
  const feed = new Feed(options)
  const sockets = await openSockets(port, (send) => feed.greet(send))
  feed.start(sockets)
  return {
    port: sockets.port,
    close: async () => {
      feed.stop()
      await sockets.close()
    }
  }
}

class Feed {
  readonly #options: InspectorOptions
  readonly #actors = new Map<string, { told: object; readonly leave: Cancel }>()
  #sockets: Pick<Sockets, 'send' | 'size'> = { size: 0, send: () => undefined }
  #timer: Cancel = () => undefined
  #count = 0

  constructor(options: InspectorOptions) {
    this.#options = options
  }

  start(sockets: Sockets): void {
    this.#sockets = sockets
    this.#look()
  }

  stop(): void {
    this.#timer()
    for (const { leave } of this.#actors.values()) leave()
    this.#actors.clear()
  }

  /** Somebody has come: all that is known, as it is now. */
  greet(send: (message: object) => void): void {
    for (const { told } of this.#actors.values()) send(told)
  }

  #look(): void {
    const { kernel, clock } = this.#options
    this.#timer = clock.after(LOOK_EVERY_MS, () => this.#look())
    if (this.#sockets.size === 0) return
    const living = new Set<string>()
    for (const { path, kind, incarnation } of kernel.actors().slice(0, ACTORS_MAX)) {
      const session = `${path}#${incarnation}`
      living.add(session)
      if (!this.#actors.has(session)) this.#enter(session, path, kind)
    }
    for (const [session, { leave }] of this.#actors) {
      if (living.has(session)) continue
      leave()
      this.#actors.delete(session)
    }
  }

  #enter(session: string, path: string, kind: string): void {
    const { kernel, definitionOf } = this.#options
    const base = { name: path, definition: definitionOf(kind), parentId: parentOf(path) }
    const actor = { told: {}, leave: kernel.follow(path, (snapshot) => changed(snapshot)) }
    const tell = (snapshot: Snapshot): void => {
      actor.told = { ...this.#message('@xstate.actor', session, path), ...base, snapshot: plain(snapshot) }
    }
    const changed = (snapshot: Snapshot): void => {
      tell(snapshot)
      const event = { type: 'unknown' }
      this.#sockets.send({ ...this.#message('@xstate.snapshot', session, path), event, snapshot: plain(snapshot) })
    }
    this.#actors.set(session, actor)
    kernel.snapshot(path).then(
      (snapshot) => {
        tell(snapshot)
        this.#sockets.send(actor.told)
      },
      () => undefined
    )
  }

  #message(type: string, session: string, path: string): object {
    this.#count += 1
    const createdAt = String(Math.floor(this.#options.clock.wall()))
    const rootId = path.split('/')[0]
    return { type, sessionId: session, rootId, createdAt, id: String(this.#count), _version: PROTOCOL }
  }
}

const parentOf = (path: string): string | undefined =>
  path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : undefined

const plain = ({ status, value, context, tags, output }: Snapshot): object => ({ status, value, context, tags, output })
