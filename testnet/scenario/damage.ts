import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TestnetError } from '../errors.ts'
import type { DAMAGES } from './manifest.ts'

/** What survives a wipe: who the peer is, and which groups it is in. */
const KEPT = ['identity.json', 'groups', 'config.json']
/** Bytes that are flipped, evenly spread over what was written. */
const FLIPS = 3
const JOURNAL_HEADER_BYTES = 96

/** Empties a stopped peer's data folder, but for its identity and its groups. */
export function wipe(dataDir: string): void {
  for (const name of readdirSync(dataDir)) {
    if (!KEPT.includes(name)) rmSync(join(dataDir, name), { recursive: true, force: true })
  }
}

/** Damages a stopped peer's files as a dying disk would; answers what was done, for people. */
export function damage(dataDir: string, where: (typeof DAMAGES)[number]): string {
  const path = fileOf(dataDir, where)
  const bytes = readFileSync(path)
  const used = usedBytes(bytes)
  const at = where === 'journal-tail' ? [used - 1] : spread(where === 'journal' ? JOURNAL_HEADER_BYTES : 0, used)
  for (const position of at) bytes[position] = (bytes[position] ?? 0) ^ 0xff
  writeFileSync(path, bytes)
  return `flipped byte ${at.join(', ')} of ${path.slice(dataDir.length + 1)}`
}

/** The file and so much of it as holds data: a journal segment is zeros from there on. */
function fileOf(dataDir: string, where: (typeof DAMAGES)[number]): string {
  const journal = where.startsWith('journal')
  const folder = journal ? join(dataDir, 'journal', 'quorum') : join(dataDir, 'store')
  const ending = journal ? '.bj' : where === 'store-log' ? '.log' : '.ldb'
  const paths = readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
  const written = paths
    .sort()
    .filter((path) => statSync(path).size > 0 && usedBytes(readFileSync(path)) > JOURNAL_HEADER_BYTES)
  const found = written.at(-1)
  if (found !== undefined) return found
  throw new TestnetError('BRUME_TESTNET_ARGUMENT', `there is no ${ending} file with data in ${folder} to damage`)
}

function usedBytes(bytes: Uint8Array): number {
  return bytes.findLastIndex((byte) => byte !== 0) + 1
}

function spread(from: number, to: number): readonly number[] {
  const step = Math.floor((to - from) / (FLIPS + 1))
  return Array.from({ length: FLIPS }, (_, index) => from + step * (index + 1))
}
