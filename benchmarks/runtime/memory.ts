import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Row, row } from './result.ts'

const MAIN = fileURLToPath(new URL('memory-main.ts', import.meta.url))
/** With fewer, one weighs what the engine's heap grew by while they were spawned: 316 B of each are in use. */
const PACKED = 1_000_000
const RESIDENT = 50_000
/** actors.md 13: a million in a GB. */
const PACKED_BYTES_BAR = 1_000

/** What a counter weighs in memory, in a process of its own: resident, and packed while it rests. */
export async function benchMemory(): Promise<readonly Row[]> {
  const resident = await weigh('resident', RESIDENT)
  const packed = await weigh('packed', PACKED)
  return [
    { ...row(`resident counter, ${Math.round(resident)} B of RSS`, null), bytesEach: resident },
    {
      ...row(`passive volatile counter, ${Math.round(packed)} B of RSS`, null),
      bytesEach: packed,
      bar: `<= ${PACKED_BYTES_BAR} B`,
      verdict: packed <= PACKED_BYTES_BAR ? 'pass' : 'fail'
    }
  ]
}

async function weigh(kind: 'resident' | 'packed', count: number): Promise<number> {
  const args = ['--expose-gc', MAIN, kind, String(count)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return (JSON.parse(stdout) as { readonly bytesEach: number }).bytesEach
}
