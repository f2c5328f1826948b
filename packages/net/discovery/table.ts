import { asArray, asText, asUint, decode, encode, utf8 } from '@brume/codec'
import type { Clock, Log, PeerId, Store } from '@brume/ports'
import { ADDRESS_CHARACTERS_MAX } from '../addresses/policy.ts'

/** One peer as this node met it last. */
export interface KnownPeer {
  readonly peer: PeerId
  readonly address: string
  /** Wall clock, milliseconds: it outlives the process. */
  readonly lastSeenMs: number
}

/** Read back at start, the most recent first: enough to find any network again. */
const TABLE_READ_MAX = 256
const TABLE_ENTRIES_MAX = 4_096
const ENTRY_BYTES_MAX = 512
const FORGOTTEN_MS = 30 * 86_400_000

/** The peers this node has reached, kept in its own store: libp2p's peer store stays in memory. */
export class PeerTable {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Log

  constructor(store: Store, clock: Clock, log: Log) {
    this.#store = store.sub('net/peers/')
    this.#clock = clock
    this.#log = log
  }

  /** Most recently seen first. Entries that cannot be read, are too old or too many go. */
  async read(): Promise<readonly KnownPeer[]> {
    const kept: KnownPeer[] = []
    const gone: Uint8Array[] = []
    for await (const [key, value] of this.#store.entries()) {
      const known = readEntry(key, value)
      if (known === undefined || this.#clock.wall() - known.lastSeenMs > FORGOTTEN_MS) gone.push(key)
      else kept.push(known)
    }
    kept.sort((a, b) => b.lastSeenMs - a.lastSeenMs)
    gone.push(...kept.slice(TABLE_ENTRIES_MAX).map(({ peer }) => utf8(peer)))
    if (gone.length > 0) await this.#store.batch(gone.map((key) => ({ type: 'del', key })))
    return kept.slice(0, TABLE_READ_MAX)
  }

  /** Best effort: a node that cannot write its table finds its peers by other ways. */
  reached(peer: PeerId, address: string): void {
    const value = encode([address, Math.max(0, Math.floor(this.#clock.wall()))])
    void this.#store
      .batch([{ type: 'put', key: utf8(peer), value }])
      .catch((cause: unknown) => this.#log.warn({ cause }, 'the peer table could not be written'))
  }
}

function readEntry(key: Uint8Array, value: Uint8Array): KnownPeer | undefined {
  try {
    const fields = asArray(decode(value, { bytesMax: ENTRY_BYTES_MAX }), 'peer table entry', 2)
    return {
      peer: Buffer.from(key).toString('utf8'),
      address: asText(fields[0] ?? null, 'address', ADDRESS_CHARACTERS_MAX),
      lastSeenMs: asUint(fields[1] ?? null, 'lastSeenMs')
    }
  } catch {
    return undefined
  }
}
