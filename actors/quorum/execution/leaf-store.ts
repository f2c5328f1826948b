import { asArray, asBytes, asUint, decode, encode, Writer } from '@brume/codec'
import { PAGE_LEAVES, pageCount } from '@brume/crypto'
import type { Store } from '@brume/ports'
import { LEAF_BYTES_MAX } from '@brume/protocols/quorum'
import { LeafState } from './leaf-state.ts'

const PAGE_BYTES_MAX = 2_097_152
const KEY_STATE = Uint8Array.of(0x73)
const pageKey = (height: number, page: number) => new Writer(17).u8(0x70).u64(height).u64(page).finish()

/** Writes a whole state, then forgets the one before: a crash in between leaves one of the two. */
export async function saveState(store: Store, height: number, state: LeafState): Promise<void> {
  for (let page = 0; page < pageCount(state.size); page++) {
    const value = encode([...state.pageLeaves(page)])
    await store.batch([{ type: 'put', key: pageKey(height, page), value }])
  }
  const head = encode([height, state.size, state.stateRoot])
  await store.batch([{ type: 'put', key: KEY_STATE, value: head }], { sync: true })
  for await (const [key] of store.entries({ from: pageKey(0, 0), to: pageKey(height, 0) })) {
    await store.batch([{ type: 'del', key }])
  }
}

/** The last state that was written whole; null where there is none. @throws CodecError, StoreError */
export async function loadState(store: Store): Promise<{ readonly height: number; readonly state: LeafState } | null> {
  const head = await store.get(KEY_STATE)
  if (head === undefined) return null
  const [height, leaves, stateRoot] = asArray(decode(head, { bytesMax: 64 }), 'state', 3)
  const to = {
    height: asUint(height, 'height'),
    leaves: asUint(leaves, 'leaves'),
    stateRoot: asBytes(stateRoot, 'stateRoot', 32)
  }
  const restoration = LeafState.restoration(to)
  let page = 0
  const range = { from: pageKey(to.height, 0), to: pageKey(to.height + 1, 0) }
  for await (const [, value] of store.entries(range)) {
    const list = asArray(decode(value, { bytesMax: PAGE_BYTES_MAX }), 'page', { min: 0, max: PAGE_LEAVES })
    const data = list.map((leaf) => asBytes(leaf, 'leaf', { min: 0, max: LEAF_BYTES_MAX }))
    if (!restoration.take(page, { leaves: data, path: [] })) return null
    page += 1
  }
  const state = restoration.finish()
  return state === null ? null : { height: to.height, state }
}
