import { readFile } from 'node:fs/promises'
import { fromHex, toHex } from '@brume/codec'
import { type Identity, identityFromSeed } from '@brume/crypto'
import { hasCode, PeerError } from '../errors.ts'
import { diskError, writeAtomically } from './files.ts'

/** Who this peer is, as identity.json holds it. Losing the file is losing the identity. */
export interface IdentityRecord {
  readonly identity: Identity
  /** Hex of the machine it was made on; undefined where machines have no name. */
  readonly host: string | undefined
  /**
   * Epoch of birth, which every record of this identity repeats: told from here, it survives the loss of
   * journal and store. Undefined in files made by other programs.
   */
  readonly bornEpoch: number | undefined
  /** Once true, a missing journal means lost promises, not a fresh start. */
  readonly journalBorn: boolean
}

/** An identity file has 300 bytes; anything far above is not one. */
const FILE_CHARACTERS_MAX = 4_096
const HEX_32_BYTES = /^[0-9a-f]{64}$/

/** The identity in this file, or undefined when there is none. Throws `BRUME_PEER_IDENTITY`. */
export async function readIdentity(path: string): Promise<IdentityRecord | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw diskError(path, error)
  })
  return text === undefined ? undefined : parse(path, text)
}

function parse(path: string, text: string): IdentityRecord {
  const { version, seed, peer, host, bornEpoch, journalBorn } = fields(path, text)
  if (version !== 1) throw damaged(path, 'its version is not 1')
  if (typeof seed !== 'string' || !HEX_32_BYTES.test(seed)) throw damaged(path, 'its seed is not 64 hex digits')
  if (typeof journalBorn !== 'boolean') throw damaged(path, 'its journalBorn is not true or false')
  if (host !== null && (typeof host !== 'string' || !HEX_32_BYTES.test(host)))
    throw damaged(path, 'its host is neither null nor 64 hex digits')
  if (bornEpoch !== undefined && !isEpoch(bornEpoch)) throw damaged(path, 'its bornEpoch is not an epoch number')
  const identity = identityFromSeed(fromHex(seed))
  // The peer id is there to be read by people, and to notice a flipped digit of the seed.
  if (peer !== identity.peerId) throw damaged(path, 'its seed and its peer id do not belong together')
  return { identity, host: host ?? undefined, bornEpoch, journalBorn }
}

const isEpoch = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32

function fields(path: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = text.length <= FILE_CHARACTERS_MAX ? JSON.parse(text) : undefined
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {
    // Answered below, like every other file that is no JSON object.
  }
  throw damaged(path, 'it is not a JSON object')
}

const damaged = (path: string, why: string): PeerError =>
  new PeerError(
    'BRUME_PEER_IDENTITY',
    `${path} is damaged: ${why}; restore it from a copy, or give an empty --data-dir to start as a new peer`
  )

/** Writes the identity for the owner's eyes only. Throws `BRUME_PEER_DISK_FULL` or `BRUME_PEER_DATA_DIR`. */
export async function writeIdentity(path: string, record: IdentityRecord): Promise<void> {
  const content = {
    version: 1,
    peer: record.identity.peerId,
    seed: toHex(record.identity.seed),
    host: record.host ?? null,
    bornEpoch: record.bornEpoch,
    journalBorn: record.journalBorn
  }
  await writeAtomically(path, `${JSON.stringify(content, undefined, 2)}\n`, 0o600)
}
