import { registerHooks } from 'node:module'

/** One place in the production source, said otherwise while this process loads it. */
export interface Patch {
  /** From the root of the repository. */
  readonly file: string
  /** Stands there exactly once. */
  readonly find: string
  readonly put: string
}

/**
 * What makes a process of many peers deterministic and quick: signatures are not checked on other threads, whose
 * turn nobody foretells, and one that all peers check is checked once.
 */
export const SIMULATED: readonly Patch[] = [
  {
    file: 'packages/crypto/signature.ts',
    find: 'export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {',
    put: `const sha256 = (bytes) => process.getBuiltinModule('node:crypto').hash('sha256', bytes, 'buffer')
const checked = new Map<string, boolean>()
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const short = message.length < 256 ? message : sha256(message)
  const name = Buffer.concat([publicKey, signature, short]).toString('latin1')
  const known = checked.get(name)
  if (known !== undefined) return known
  if (checked.size > 32_768) checked.clear()
  const holds = verifyAnew(publicKey, message, signature)
  checked.set(name, holds)
  return holds
}
function verifyAnew(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {`
  },
  {
    file: 'packages/crypto/signature.ts',
    find: 'export function verifyAsync(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {',
    put: `export function verifyAsync(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (checked.size >= 0) return Promise.resolve(verify(publicKey, message, signature))`
  }
]

/** Has modules that are loaded from now on say what these patches put. Throws where one does not fit. */
export function applyPatches(patches: readonly Patch[]): void {
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      const fitting = patches.filter(({ file }) => url.endsWith(`/${file}`))
      if (fitting.length === 0) return loaded
      return { ...loaded, source: fitting.reduce(applied, Buffer.from(loaded.source as Uint8Array).toString()) }
    }
  })
}

/** @throws RangeError where the text does not stand there once */
export function applied(source: string, { file, find, put }: Patch): string {
  const parts = source.split(find)
  if (parts.length !== 2) throw new RangeError(`'${find}' stands ${parts.length - 1} times in ${file}`)
  return parts.join(put)
}
