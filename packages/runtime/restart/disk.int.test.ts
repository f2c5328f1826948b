import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SimRandom, seedFromHex } from '@brume/testkit'
import { afterEach, expect, test, vi } from 'vitest'

/** Each costs the start of a process. */
const KILLS = 12
const EVENTS_PER_LIFE = 4
const WAIT = { timeout: 60_000, interval: 5 }

interface Said {
  readonly isUp?: true
  readonly acknowledged?: number
  readonly mailed?: readonly [id: string, k: number]
  readonly read?: string
  readonly lists?: { readonly [list: string]: readonly number[] }
}

const folders: string[] = []
const living = new Set<ChildProcess>()

afterEach(async () => {
  for (const child of living) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

class Life {
  readonly child: ChildProcess
  readonly said: Said[] = []

  constructor(folder: string) {
    this.child = fork(new URL('./testing/disk-main.ts', import.meta.url), [folder])
    living.add(this.child)
    this.child.on('message', (message) => this.said.push(message as Said))
  }

  up(): Promise<void> {
    return this.until(({ isUp }) => isUp === true)
  }

  /** @throws where it does not say so in time */
  until(is: (said: Said) => boolean): Promise<void> {
    return vi.waitFor(() => expect(this.said.some(is)).toBe(true), WAIT)
  }

  hasAcknowledged(k: number): boolean {
    return this.said.some(({ acknowledged }) => acknowledged === k)
  }

  async read(path: string): Promise<NonNullable<Said['lists']>> {
    const before = this.said.length
    this.child.send({ read: path })
    await vi.waitFor(() => expect(this.said.slice(before).some(({ read }) => read === path)).toBe(true), WAIT)
    return this.said.slice(before).find(({ read }) => read === path)?.lists ?? {}
  }

  async kill(): Promise<void> {
    const over = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await over
    living.delete(this.child)
  }
}

const range = (n: number): number[] => Array.from({ length: n }, (_, k) => k)
const sorted = (list: readonly number[] | undefined): number[] => (list ?? []).toSorted((a, b) => a - b)

test('processes killed with kill -9 on a real disk lose nothing they acknowledged, and do nothing twice', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'brume-actors-'))
  folders.push(folder)
  const random = new SimRandom(seedFromHex('000102030405060708090a0b0c0d0e0f'), 'kills')
  const mails: (readonly [id: string, k: number])[] = []
  let next = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const life = new Life(join(folder, 'store'))
    await life.up()
    const first = next
    for (let n = 0; n <= EVENTS_PER_LIFE; n++) life.child.send({ go: first + n })
    // Anywhere from before the first batch to behind the last.
    await new Promise((resolve) => setTimeout(resolve, random.float() * 25))
    await life.kill()
    while (life.hasAcknowledged(next)) next += 1
    for (const { mailed } of life.said) if (mailed !== undefined) mails.push(mailed)
  }
  const last = new Life(join(folder, 'store'))
  await last.up()
  const events = next + EVENTS_PER_LIFE
  for (let k = next; k < events; k++) last.child.send({ go: k })
  await last.until(({ acknowledged }) => acknowledged === events - 1)
  await checkLists(last, mails)
}, 240_000)

async function checkLists(life: Life, earlier: readonly (readonly [string, number])[]): Promise<void> {
  let source = await life.read('source')
  // Those beyond the last were taken by a process that did not live to say so.
  const all = range(source.went?.length ?? 0)
  const isOver = async () => {
    source = await life.read('source')
    for (const list of ['rang', 'looked', 'ponged']) expect(source[list] ?? []).toHaveLength(all.length)
  }
  await vi.waitFor(isOver, WAIT)
  expect(sorted(source.went)).toEqual(all)
  expect(sorted(source.rang)).toEqual(all)
  expect(sorted(source.looked)).toEqual(all)
  expect(source.ponged).toEqual(source.went)
  expect((await life.read('sink')).added).toEqual(source.went)
  expect((await life.read('mirror')).added).toEqual(source.went)
  const mails = [...earlier, ...life.said.flatMap(({ mailed }) => (mailed === undefined ? [] : [mailed]))]
  const ids = new Map(mails.map(([id, k]) => [k, id]))
  expect(sorted([...ids.keys()])).toEqual(all)
  for (const [id, k] of mails) expect(ids.get(k)).toBe(id)
  await life.kill()
}
