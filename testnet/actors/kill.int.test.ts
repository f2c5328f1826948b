import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SimRandom, seedFromHex } from '@brume/testkit'
import { afterEach, expect, test, vi } from 'vitest'
import type { Answer, Order } from './pair-main.ts'

/** Each costs the start of a peer; `BRUME_ACTOR_KILLS=200` for a long run. */
const KILLS = Number(process.env.BRUME_ACTOR_KILLS ?? 6)
const EVENTS_PER_LIFE = 5
const WAIT = { timeout: 90_000, interval: 10 }
const network = `test-${randomBytes(8).toString('hex')}`

const folders: string[] = []
const living = new Set<ChildProcess>()

afterEach(async () => {
  for (const child of living) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** One data directory, and the process that has it now. */
class Place {
  readonly #folder: string
  readonly #to: string
  #child: ChildProcess | undefined
  #heard: Answer[] = []

  constructor(folder: string, to: string) {
    this.#folder = folder
    this.#to = to
  }

  get heard(): readonly Answer[] {
    return this.#heard
  }

  async start(): Promise<NonNullable<Answer['up']>> {
    const child = fork(new URL('./pair-main.ts', import.meta.url), [this.#folder, network, this.#to])
    living.add(child)
    this.#child = child
    this.#heard = []
    child.on('message', (answer) => this.#heard.push(answer as Answer))
    return (await this.until(({ up }) => up !== undefined)).up as NonNullable<Answer['up']>
  }

  say(order: Order): void {
    this.#child?.send(order)
  }

  /** @throws where it does not say so in time */
  until(is: (answer: Answer) => boolean): Promise<Answer> {
    return vi.waitFor(() => {
      const found = this.#heard.findLast(is)
      if (found === undefined) throw new Error('not yet')
      return found
    }, WAIT)
  }

  async list(): Promise<readonly number[]> {
    this.#heard = this.#heard.filter(({ list }) => list === undefined)
    this.say({ read: 'list' })
    return (await this.until(({ list }) => list !== undefined)).list ?? []
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const over = once(child, 'exit')
    child.kill('SIGKILL')
    await over
    living.delete(child)
  }
}

async function place(to: string): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'brume-pair-'))
  folders.push(folder)
  return new Place(folder, to)
}

test(
  'two peers with a durable pair of actors, one after the other killed with kill -9: every event once, in order',
  async () => {
    const random = new SimRandom(seedFromHex('000102030405060708090a0b0c0d0e0f'), 'pair')
    const sink = await place('')
    let addresses = (await sink.start()).addresses
    const source = await place(`brume://${(await sink.until(({ up }) => up !== undefined)).up?.id}/scribe`)
    await source.start()
    let next = 0
    for (let kill = 0; kill <= KILLS; kill++) {
      source.say({ dial: addresses })
      await source.until(({ dialed }) => dialed === true)
      for (let n = 0; n < EVENTS_PER_LIFE; n++) source.say({ go: next + n })
      if (kill === KILLS) break
      // Anywhere from before the first batch to behind the last acknowledgement.
      await new Promise((resolve) => setTimeout(resolve, random.float() * 40))
      const victim = kill % 2 === 0 ? source : sink
      const heard = source.heard
      await victim.kill()
      while (heard.some(({ gone }) => gone === next)) next += 1
      const { addresses: reborn } = await victim.start()
      if (victim === sink) addresses = reborn
    }
    const last = next + EVENTS_PER_LIFE - 1
    await source.until(({ gone }) => gone === last)
    const said = await source.list()
    expect(said.toSorted((a, b) => a - b)).toEqual(Array.from({ length: said.length }, (_, k) => k))
    expect(said.length).toBeGreaterThan(last)
    await vi.waitFor(async () => expect(await sink.list()).toEqual(said), WAIT)
    await source.kill()
    await sink.kill()
  },
  120_000 + KILLS * 45_000
)
