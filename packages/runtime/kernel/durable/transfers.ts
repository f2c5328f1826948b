import type { Store } from '@brume/ports'
import type { GroupCommit } from './group-commit.ts'
import {
  allOf,
  allOfActor,
  arrivalKey,
  formerKey,
  formersKey,
  ID_BYTES,
  movedKey,
  PREFIX,
  readIdKey,
  replyKey,
  watermarkKey
} from './keys.ts'
import type { Belongings, Former, Known, StoredActor, StoredArrival, StoredMove, Transfers } from './port.ts'
import type { Recorder } from './recorder.ts'
import { pathOf, type Residents } from './residents.ts'
import {
  decodeArrival,
  decodeFormer,
  decodeFormers,
  decodeMove,
  encodeArrival,
  encodeFormer,
  encodeFormers,
  encodeMove
} from './values.ts'

export interface TransfersOptions {
  readonly store: Store
  readonly commit: GroupCommit
  readonly residents: Residents
  readonly recorder: Recorder
  readonly nowMs: () => number
}

/** What is on disk of actors that leave for another peer or come from one. */
export class StoreTransfers implements Transfers {
  readonly #options: TransfersOptions

  constructor(options: TransfersOptions) {
    this.#options = options
  }

  moved(path: string): StoredMove | undefined {
    const { commit, residents, nowMs } = this.#options
    const bytes = commit.read(movedKey(residents.idOf(path)))
    const move = bytes === undefined ? undefined : decodeMove(bytes)
    return move !== undefined && isKept(move, nowMs()) ? move : undefined
  }

  putMoved(path: string, move: StoredMove): void {
    const { commit, residents } = this.#options
    commit.open.put(movedKey(residents.idOf(path)), () => encodeMove(move))
  }

  async *untold(): AsyncGenerator<StoredMove> {
    for await (const [, value] of this.#options.store.entries(allOf(PREFIX.moved))) {
      const move = decodeMove(value)
      if (!move.isTold) yield move
    }
  }

  remove(path: string): void {
    this.#options.recorder.remove(this.#options.commit.open, path)
  }

  async belongings(path: string, as: readonly string[]): Promise<Belongings> {
    const { store, commit, residents } = this.#options
    await commit.settled()
    const marks: [string, Uint8Array, Uint8Array][] = []
    for (const name of as) {
      for await (const [key, value] of store.entries(allOfActor(PREFIX.watermark, residents.idOf(name)))) {
        marks.push([name, lastOf(key), value.slice()])
      }
    }
    const replies: [Uint8Array, Uint8Array][] = []
    for await (const [key, value] of store.entries(allOfActor(PREFIX.reply, residents.idOf(path)))) {
      replies.push([lastOf(key), value.slice()])
    }
    return { marks, replies }
  }

  put(actor: StoredActor, { marks, replies }: Belongings): void {
    const { commit, residents, recorder } = this.#options
    const path = pathOf(actor.address)
    recorder.adopt(commit.open, actor)
    commit.open.delete(movedKey(residents.idOf(path)))
    for (const [as, sender, mark] of marks) commit.open.put(watermarkKey(residents.idOf(as), sender), () => mark)
    for (const [key, reply] of replies) commit.open.put(replyKey(residents.idOf(path), key), () => reply)
  }

  former(address: string): Former | undefined {
    const bytes = this.#options.commit.read(formerKey(this.#options.residents.idOf(address)))
    return bytes === undefined ? undefined : decodeFormer(bytes)
  }

  formers(path: string): readonly Known[] {
    const bytes = this.#options.commit.read(formersKey(this.#options.residents.idOf(path)))
    return bytes === undefined ? [] : decodeFormers(bytes)
  }

  putFormers(path: string, formers: readonly Known[], here: number): void {
    const { commit, residents } = this.#options
    commit.open.put(formersKey(residents.idOf(path)), () => encodeFormers(formers))
    for (const [address, incarnation] of formers) {
      commit.open.put(formerKey(residents.idOf(address)), () => encodeFormer({ path, incarnation, here }))
    }
  }

  arrival(token: Uint8Array): StoredArrival | undefined {
    const bytes = this.#options.commit.read(arrivalKey(token))
    return bytes === undefined ? undefined : decodeArrival(bytes)
  }

  putArrival(token: Uint8Array, arrival: StoredArrival | null): void {
    const { open } = this.#options.commit
    if (arrival === null) open.delete(arrivalKey(token))
    else open.put(arrivalKey(token), () => encodeArrival(arrival))
  }

  async *arrivals(): AsyncGenerator<readonly [Uint8Array, StoredArrival]> {
    for await (const [key, value] of this.#options.store.entries(allOf(PREFIX.arrival))) {
      yield [readIdKey(key).id.slice(), decodeArrival(value)]
    }
  }
}

/** Until the other peer is known to have it, whoever asks must be told: the only other copy waits for the answer. */
export const isKept = ({ expiresMs, isTold }: StoredMove, nowMs: number): boolean => !isTold || expiresMs >= nowMs

const lastOf = (key: Uint8Array): Uint8Array => key.slice(key.length - ID_BYTES)
