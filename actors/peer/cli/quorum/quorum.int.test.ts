import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BrumeProcess, ownNetwork } from '../testing.ts'

const NAMES = ['a', 'b', 'c', 'd']
/** Four processes on two busy cores meet, load what they need, and open a group. */
const DEADLINE_MS = 240_000

let folder: string
let cache: string
const started: BrumeProcess[] = []

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'brume-quorum-cache-'))
  folder = await mkdtemp(join(tmpdir(), 'brume-quorum-'))
})

afterAll(async () => {
  for (const process of started.splice(0)) {
    if (process.child.exitCode === null && process.child.signalCode === null) await process.kill('SIGKILL')
  }
  for (const path of [folder, cache]) await rm(path, { recursive: true, force: true })
})

function brume(args: readonly string[]): BrumeProcess {
  const run = new BrumeProcess(args, { NODE_COMPILE_CACHE: cache, TMPDIR: folder })
  started.push(run)
  return run
}

/** Runs one `brume quorum` command against the peer of this name; resolves with its exit status and object. */
async function quorum(name: string, ...args: string[]): Promise<{ status: unknown; said: Record<string, unknown> }> {
  const run = brume(['--json', '--data-dir', join(folder, name), 'quorum', ...args])
  const status = await run.exited
  return { status, said: JSON.parse(run.out || '{}') }
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + DEADLINE_MS / 2
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`not in time: ${what}`)
  }
}

const file = (name: string): string => join(folder, name)

it(
  'four peers found a group, agree on a value, and prove it to nobody in particular',
  async () => {
    const network = ownNetwork()
    const up = (name: string) =>
      brume([
        'up',
        '--json',
        '--profile',
        'local',
        '--network',
        network,
        '--data-dir',
        file(name),
        '--site',
        `site-${name}`
      ])
    const peers = NAMES.map(up)
    await Promise.all(peers.map((peer) => peer.event(({ state }) => state === 'running', DEADLINE_MS / 2)))
    const first = peers[0]
    await first?.event(({ event, connected }) => event === 'peer.joined' && connected === 3, DEADLINE_MS / 2)

    const manifest = file('group.cbor')
    const created = await quorum('a', 'create', '--name', 'notes', '--diversity', 'site:2', '--out', manifest)
    expect(created).toMatchObject({ status: 0, said: { weight: { total: 400, faults: 133, quorum: 267 } } })
    expect(created.said.members).toHaveLength(4)
    expect(created.said.risks).toContainEqual({
      attribute: 'site',
      domain: 'site-a',
      weight: 100,
      maySilent: true,
      mayLie: true
    })
    const group = String(created.said.group).slice(0, 12)

    for (const name of NAMES) expect((await quorum(name, 'join', manifest)).status).toBe(0)
    expect((await quorum('a', 'join', manifest)).said).toMatchObject({ error: { code: 'BRUME_QUORUM_OPEN' } })
    await until('all vote', async () => {
      const { said } = await quorum('a', 'status', group)
      return (said.groups as { state: string }[]).every(({ state }) => state === 'voting')
    })

    const proof = file('proof.bundle')
    await until(
      'a value is set',
      async () => (await quorum('a', 'submit', group, 'greeting', 'hello', '--bundle', proof)).status === 0
    )
    const found = await quorum('b', 'read', group, 'greeting')
    expect(found.said).toMatchObject({
      values: [{ path: 'kv/greeting', value: Buffer.from('hello').toString('base64') }]
    })
    const certified = file('value.bundle')
    const shown = await quorum('c', 'read', group, 'greeting', '--level', 'certified', '--bundle', certified)
    expect(shown.status).toBe(0)
    expect((await quorum('d', 'read', group, 'nothing')).said).toMatchObject({ values: [] })

    const trust = ['--trust', manifest]
    expect(await quorum('nowhere', 'verify', certified, ...trust, '--require', 'site:2')).toMatchObject({
      status: 0,
      said: { leaf: { path: 'kv/greeting', value: Buffer.from('hello').toString('base64') } }
    })
    const refused = { status: 1, said: { error: { code: 'BRUME_QUORUM_BUNDLE' } } }
    expect(await quorum('nowhere', 'verify', proof, ...trust, '--require', 'operator:2')).toMatchObject(refused)
    const bytes = new Uint8Array(await readFile(proof))
    await writeFile(file('forged.bundle'), bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1))
    expect(await quorum('nowhere', 'verify', file('forged.bundle'), ...trust)).toMatchObject(refused)

    expect(await peers[3]?.kill('SIGTERM')).toBe(0)
    const again = up('d')
    await again.event(({ event, state }) => event === 'group.state' && state === 'voting', DEADLINE_MS / 2)
  },
  DEADLINE_MS
)
