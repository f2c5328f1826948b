import { type Block, type LeafOutcome, LeafProgram, type LeafState } from '@brume/actors/quorum'
import { asArray, asUint, decode, encode } from '@brume/codec'
import type { Identity } from '@brume/crypto'
import type { Store } from '@brume/ports'
import { decodeCall, encodeCall } from '@brume/protocols/quorum'

/** Much less than a command may be: the counter's own is a word and a number. */
const BODY_BYTES_MAX = 1_024

export interface CounterState {
  readonly value: number
  readonly height: number
  /** Additions that took effect. */
  readonly count: number
}

/** A number that a group agrees on, in the leaves `value` and `count`; each addition is answered with its sum. */
export class Counter extends LeafProgram {
  /** @param store - where checkpoints survive a restart; without it others restore a restarted member */
  constructor(store?: Store) {
    const accepts = (body: Uint8Array) => readBody(body) >= 0
    super({ domain: 'brume/counter-attest/1', accepts, execute, ...(store === undefined ? {} : { store }) })
  }

  get state(): CounterState {
    return { value: numberAt(this.leaves, 'value'), height: this.height, count: numberAt(this.leaves, 'count') }
  }
}

function execute(state: LeafState, { commands }: Block): LeafOutcome {
  let value = numberAt(state, 'value')
  const answers = commands.map(({ id, bytes }) => {
    value += readBody(decodeCall(bytes).body)
    return [id, encode(value)] as const
  })
  const count = numberAt(state, 'count') + commands.length
  return {
    changes: [
      ['value', encode(value)],
      ['count', encode(count)]
    ],
    answers
  }
}

function numberAt(state: LeafState, path: string): number {
  const value = state.get(path)
  return value === undefined ? 0 : asUint(decode(value, { bytesMax: 16 }), path)
}

/** `['add', amount, padding]`, canonical CBOR. */
function readBody(body: Uint8Array): number {
  const [, amount] = asArray(decode(body, { bytesMax: BODY_BYTES_MAX }), 'counter command', 3)
  return asUint(amount, 'amount', 1_000_000)
}

/** One client of a counter: its commands, each the next of its session. */
export class CounterClient {
  readonly #identity: Identity
  readonly #groupId: Uint8Array
  readonly #session: number
  #sequence = 0

  constructor(identity: Identity, groupId: Uint8Array, session: number) {
    this.#identity = identity
    this.#groupId = groupId
    this.#session = session
  }

  /**
   * A signed command.
   *
   * @param expiresMs - group time, at most 300 s ahead
   * @param paddingBytes - to make it as long as wanted
   */
  add(amount: number, expiresMs: number, paddingBytes = 0): Uint8Array {
    this.#sequence += 1
    const body = encode(['add', amount, new Uint8Array(paddingBytes)])
    const call = { groupId: this.#groupId, session: this.#session, sequence: this.#sequence, expiresMs, body }
    return encodeCall(call, this.#identity)
  }
}
