import { encodeKv, kvPath } from '../../programs/kv.ts'
import type { Output } from '../output.ts'
import { writeBytes } from './files.ts'
import { ask } from './running.ts'
import { leafOf } from './verify.ts'

interface Place {
  readonly dataDir: string | undefined
  readonly group: string
  readonly key: string
  /** Where the proof goes. */
  readonly bundle?: string
}

interface Carried {
  readonly id: string
  readonly height: number
  readonly view: number
  readonly answer: string
  readonly bundle: string
}

export async function submit(options: Place & { readonly value: string | undefined }, output: Output): Promise<void> {
  const { dataDir, group, key, value } = options
  const body = encodeKv({ key, value: value === undefined ? null : new Uint8Array(Buffer.from(value)) })
  const args = { group, body: Buffer.from(body).toString('base64') }
  const carried = (await ask(dataDir, 'quorum.submit', args)) as Carried
  await keep(options.bundle, carried.bundle)
  output.tell(carried)
  output.say(`${value === undefined ? 'removed' : 'set'} ${key} at height ${carried.height}, command ${carried.id}`)
}

interface Found {
  readonly height: number
  readonly leaves: readonly string[] | null
  readonly bundle: string | null
}

export async function read(options: Place & { readonly level: string }, output: Output): Promise<void> {
  const { dataDir, group, key, level } = options
  const found = (await ask(dataDir, 'quorum.read', { group, level, paths: [kvPath(key)] })) as Found
  if (found.bundle !== null) await keep(options.bundle, found.bundle)
  const values = (found.leaves ?? []).map((leaf) => leafOf(new Uint8Array(Buffer.from(leaf, 'base64'))))
  output.tell({ height: found.height, values })
  if (values.length === 0) output.say(`${key} is not there, at height ${found.height}`)
  for (const { path, value } of values) output.say(`${path.slice(kvPath('').length)} = ${Buffer.from(value, 'base64')}`)
}

async function keep(path: string | undefined, bundle: string): Promise<void> {
  if (path !== undefined) await writeBytes(path, new Uint8Array(Buffer.from(bundle, 'base64')))
}
