import type { Store } from '@brume/ports'

const SESSION_MAX = 0xffff_ffff

/** Numbers of this peer's sessions with groups: each is on disk before it is used, and none is used twice. */
export class SessionNumbers {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async next(groupId: Uint8Array): Promise<number> {
    const before = await this.#store.get(groupId)
    const number = before === undefined ? 1 : Buffer.from(before).readUInt32BE() + 1
    if (number > SESSION_MAX) throw new RangeError('all sessions of this key with the group are used up')
    const value = Buffer.alloc(4)
    value.writeUInt32BE(number)
    await this.#store.batch([{ type: 'put', key: groupId, value: new Uint8Array(value) }], { sync: true })
    return number
  }
}
