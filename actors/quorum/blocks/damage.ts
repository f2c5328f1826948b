/** Damage found by a read is a thing that is missing; a disk that fails is not. */
export async function readable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}

/** Is it what a store, or a decoder of what it gave, says of bytes that are not those that were written? */
export function isDamage(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code === 'BRUME_STORE_DAMAGED' || code === 'BRUME_QUORUM_STORE' || code.startsWith('BRUME_CODEC_')
}
