import { asArray, asUint, concat, decode, encode, fromHex, utf8, Writer } from '@brume/codec'
import type { Store, StoreOperation } from '@brume/ports'
import { bodyOf } from '@brume/protocols/quorum'
import { readable } from './damage.ts'
import type { AppliedBlock } from './ledger-entries.ts'

/** For so long a client may ask what became of a command, group time. */
const KEPT_MS = 86_400_000

/** Blocks whose commands are forgotten with each batch that is written: more than are in it, so that it catches up. */
const FORGOTTEN_MAX = 64

/** So often what is over is looked for, group time: the look costs as much as writing a block does. */
const LOOK_EVERY_MS = 1_000

const ID_BYTES = 32
const KEY_SPAN = utf8('indexed')
const idKey = (id: Uint8Array) => concat(Uint8Array.of(0x69), id)
const timeKey = (timeMs: number, height: number) => new Writer(17).u8(0x6a).u64(timeMs).u64(height).finish()

/** From when on every final command is indexed, and up to which height. */
interface Span {
  readonly fromMs: number
  readonly height: number
}

/** Where commands took effect, by id, for a day. */
export class CommandIndex {
  readonly #store: Store
  #span: Span | null = null
  #lookAtMs = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Group time from which no command is missing, ms; 0 from the first block on. */
  get knownFromMs(): number {
    return this.#span?.fromMs ?? 0
  }

  async load(): Promise<void> {
    const bytes = await readable(this.#store.get(KEY_SPAN))
    if (bytes === undefined) return
    const [fromMs, height] = asArray(decode(bytes, { bytesMax: 32 }), 'span', 2)
    this.#span = { fromMs: asUint(fromMs, 'fromMs'), height: asUint(height, 'height') }
  }

  /** The height at which a command took effect. @param id - lower-case hex */
  async height(id: string): Promise<number | undefined> {
    const bytes = await this.#store.get(idKey(fromHex(id)))
    return bytes === undefined ? undefined : asUint(decode(bytes, { bytesMax: 16 }), 'height')
  }

  /** What is to be written along with final blocks. */
  async operations(blocks: readonly AppliedBlock[]): Promise<readonly StoreOperation[]> {
    const [first, last] = [blocks[0], blocks.at(-1)]
    if (first === undefined || last === undefined) return []
    this.#span = this.#reach(first.proposal, last.proposal)
    const { fromMs, height } = this.#span
    const forgotten = await this.#forgotten(last.proposal.timeMs)
    return [...forgotten, ...blocks.flatMap(entriesOf), { type: 'put', key: KEY_SPAN, value: encode([fromMs, height]) }]
  }

  /** Blocks that were skipped over leave a hole: what was before it proves nothing any more. */
  #reach(first: AppliedBlock['proposal'], last: AppliedBlock['proposal']): Span {
    const follows = first.height === (this.#span?.height ?? 0) + 1
    return { fromMs: follows ? this.knownFromMs : first.timeMs, height: last.height }
  }

  async #forgotten(nowMs: number): Promise<readonly StoreOperation[]> {
    if (nowMs < Math.max(KEPT_MS, this.#lookAtMs)) return []
    let found = 0
    const operations: StoreOperation[] = []
    const range = { from: timeKey(0, 0), to: timeKey(nowMs - KEPT_MS, 0), limit: FORGOTTEN_MAX }
    for await (const [key, ids] of this.#store.entries(range)) {
      found += 1
      operations.push({ type: 'del', key })
      for (let at = 0; at < ids.length; at += ID_BYTES) {
        operations.push({ type: 'del', key: idKey(ids.subarray(at, at + ID_BYTES)) })
      }
    }
    // Where more is left it goes with the next batch.
    if (found < FORGOTTEN_MAX) this.#lookAtMs = nowMs + LOOK_EVERY_MS
    return operations
  }
}

/** Where the commands of a block took effect. */
export function entriesOf({ proposal, effective }: AppliedBlock): readonly StoreOperation[] {
  const { commands } = bodyOf(proposal)
  const ids = effective.flatMap((index) => commands[index]?.id ?? []).map(fromHex)
  if (ids.length === 0) return []
  const height = encode(proposal.height)
  const puts = ids.map((id): StoreOperation => ({ type: 'put', key: idKey(id), value: height }))
  return [...puts, { type: 'put', key: timeKey(proposal.timeMs, proposal.height), value: concat(...ids) }]
}
