import { createHash } from 'node:crypto'
import { memoryStore, NodeClock, SimClock, SimDisk, SimRandom, seedFromHex } from '@brume/testkit'
import { describe, expect, it } from 'vitest'
import { type OpenedJournal, openJournal } from '../index.ts'
import { SEGMENT_BYTES_MIN } from './layout.ts'

const RUNS = 30
const OWNER = new Uint8Array(32).fill(7)

/** A peer whose power is cut at random moments: its disk and clock outlive it. */
class Machine {
  readonly clock = new SimClock()
  readonly random: SimRandom
  disk: SimDisk
  /** The running process's own: its timers die with it. */
  process: NodeClock
  readonly store = memoryStore()
  /** What was confirmed, by sequence. */
  readonly confirmed = new Map<number, string>()
  isBorn = false

  constructor(seed: string) {
    this.random = new SimRandom(seedFromHex(seed), 'workload')
    const disk = this.random.stream('disk')
    this.process = new NodeClock(this.clock)
    this.disk = new SimDisk({ clock: this.clock, random: disk, syncMs: () => 0.2 + disk.below(20) })
  }

  async run<T>(promise: Promise<T>): Promise<T> {
    let isOver = false
    void promise.then(
      () => {
        isOver = true
      },
      () => {
        isOver = true
      }
    )
    expect(await this.clock.until(() => isOver)).toBe(true)
    return promise
  }

  open(): Promise<OpenedJournal> {
    const { process: clock, disk, store } = this
    const endOfTurn = (run: () => void): void => void clock.after(0, run)
    const options = { directory: '/journal', owner: OWNER, segmentBytes: SEGMENT_BYTES_MIN }
    return this.run(openJournal({ ...options, clock, disk, store, endOfTurn, expected: this.isBorn }))
  }

  /** Appends at random moments, and cuts the power at another. */
  async live(journal: OpenedJournal): Promise<void> {
    let isCut = false
    const cutMs = this.random.below(3_000)
    for (let at = 0; at < cutMs; at += 1 + this.random.below(60)) {
      this.clock.after(at, () => {
        if (!isCut) this.append(journal, () => isCut)
      })
    }
    await this.clock.pass(cutMs)
    isCut = true
    this.cutPower()
  }

  cutPower(): void {
    this.process.stop()
    this.process = new NodeClock(this.clock)
    this.disk = this.disk.crash()
  }

  append(journal: OpenedJournal, isCut: () => boolean): void {
    for (let count = this.random.below(6); count >= 0; count -= 1) {
      const payload = this.random.bytes(1 + this.random.below(2_000))
      const sequence = journal.append(2, payload, (error) => {
        if (error === undefined && !isCut()) this.confirmed.set(sequence, Buffer.from(payload).toString('hex'))
      })
    }
  }
}

function expectAllConfirmed(journal: OpenedJournal, confirmed: ReadonlyMap<number, string>, seed: string): void {
  const found = new Map([...journal.replay()].map(({ sequence, payload }) => [sequence, payload]))
  for (const [sequence, payload] of confirmed) {
    expect(Buffer.from(found.get(sequence) ?? []).toString('hex'), `record ${sequence}, seed ${seed}`).toBe(payload)
  }
}

describe('power loss', () => {
  it('loses nothing confirmed and finds nothing damaged, whenever the power is cut', async () => {
    const verdicts = new Set<string>()
    for (let run = 0; run < RUNS; run += 1) {
      const seed = run.toString(16).padStart(32, '0')
      const machine = new Machine(seed)
      for (let life = 0; life < 3; life += 1) {
        const journal = await machine.open()
        machine.isBorn = true
        verdicts.add(journal.verdict)
        expect(['clean', 'torn'], `seed ${seed}, life ${life}`).toContain(journal.verdict)
        expectAllConfirmed(journal, machine.confirmed, seed)
        await machine.live(journal)
      }
    }
    // Without both the runs would have shown nothing.
    expect(verdicts).toEqual(new Set(['clean', 'torn']))
  }, 120_000)

  it('runs the same from the same seed', async () => {
    const digests: string[] = []
    for (let run = 0; run < 2; run += 1) {
      const machine = new Machine('0123456789abcdef0123456789abcdef')
      const digest = createHash('sha256')
      for (let life = 0; life < 2; life += 1) {
        const journal = await machine.open()
        machine.isBorn = true
        await machine.live(journal)
        for (const name of await machine.disk.list('/journal')) {
          if (name.endsWith('.bj')) digest.update(await machine.disk.read(`/journal/${name}`))
        }
      }
      digests.push(digest.digest('hex'))
    }
    expect(digests[0]).toBe(digests[1])
  })

  it('in the middle of replacing a damaged journal never makes it look clean', async () => {
    for (let run = 0; run < 30; run += 1) {
      const seed = (1_000 + run).toString(16).padStart(32, '0')
      const machine = new Machine(seed)
      const first = await machine.open()
      machine.isBorn = run % 2 === 0
      machine.append(first, () => false)
      await machine.run(first.close())
      const [name = ''] = await machine.disk
        .list('/journal')
        .then((names) => names.filter((file) => file.endsWith('.bj')))
      machine.disk.damage(`/journal/${name}`, (bytes) => bytes.fill(1, 60, 70))
      const opening = openJournal({
        directory: '/journal',
        owner: OWNER,
        store: run % 3 === 0 ? memoryStore() : machine.store,
        disk: machine.disk,
        clock: machine.process,
        expected: machine.isBorn,
        segmentBytes: SEGMENT_BYTES_MIN
      })
      opening.catch(() => undefined)
      await machine.clock.pass(machine.random.below(100))
      machine.cutPower()
      const again = await machine.open()
      expect(['damaged', 'lost'], `seed ${seed}`).toContain(again.verdict)
      await machine.run(again.close())
    }
  }, 60_000)
})
