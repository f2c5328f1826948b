import { CodecError, decode } from '@brume/codec'
import { LEAF_BYTES_MAX } from '@brume/protocols/quorum'

/** Every leaf is a CBOR array that begins with its path: a leaf without one answers nothing. */
export function pathOf(leaf: Uint8Array): string | undefined {
  try {
    const fields = decode(leaf, { bytesMax: LEAF_BYTES_MAX })
    const path = Array.isArray(fields) ? fields[0] : undefined
    return typeof path === 'string' ? path : undefined
  } catch (error) {
    if (error instanceof CodecError) return undefined
    throw error
  }
}

/** Is it a leaf of what was asked for? A final `*` stands for all with that prefix. */
export function isLeafOf(asked: string, leaf: Uint8Array): boolean {
  const path = pathOf(leaf)
  if (path === undefined) return false
  return asked.endsWith('*') ? path.startsWith(asked.slice(0, -1)) : path === asked
}

/** Are these leaves all of what was asked for, and is there one for each path? */
export function answers(asked: readonly string[], leaves: readonly Uint8Array[]): boolean {
  return (
    leaves.every((leaf) => asked.some((path) => isLeafOf(path, leaf))) &&
    asked.every((path) => leaves.some((leaf) => isLeafOf(path, leaf)))
  )
}
