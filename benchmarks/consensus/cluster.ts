import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { monotonicMs, sleepUntil } from '../harness/clock.ts'
import { onInterrupt } from '../harness/interrupt.ts'
import type { Profile } from './distances.ts'
import { MemberProcess } from './member-process.ts'
import type { BareSlice, ClosedSlice, OpenSlice, RecoveryReport, Slice, SliceReport, Stand, Variant } from './plan.ts'

/** More processes starting, or members connecting, at once than this only wait for each other, and handshakes end after 5 s. */
const STARTING_MAX = 4
/** For the message to reach every member before the slice begins. */
const LEAD_MS = 150
/** So much before the command the leader dies, or it might still propose it. */
const KILLED_AHEAD_MS = 5

type WithoutStart<T> = T extends unknown ? Omit<T, 'startMs'> : never

/** One member, and the process it lives in. */
interface Housed {
  readonly index: number
  readonly house: MemberProcess
}

/** The members of one benchmark, connected all to all. */
export class Cluster {
  readonly #houses: readonly MemberProcess[]
  readonly #members: readonly Housed[]
  readonly #directory: string
  readonly #forgetInterrupt: () => void
  readonly #killedMs = new Map<number, number>()

  private constructor(houses: readonly MemberProcess[], members: number, directory: string) {
    this.#houses = houses
    this.#members = houses.flatMap((house, h) => {
      const own = Array.from({ length: members }, (_, index) => index).filter((index) => index % houses.length === h)
      return own.map((index) => ({ index, house }))
    })
    this.#directory = directory
    this.#forgetInterrupt = onInterrupt(() => this.#end())
  }

  /**
   * Starts the members; resolves when all groups vote. Everything is ended again if one fails.
   *
   * @param houses - processes the members live in, by turns
   * @param folder - where their data goes: on the disk whose syncs are to be measured
   * @param logs - where their standard error goes
   * @param profile - how far they are from each other
   */
  static async start(
    members: number,
    houses: number,
    variants: readonly Variant[],
    folder: string,
    logs: string,
    profile: Profile = 'loopback'
  ): Promise<Cluster> {
    const directory = await mkdtemp(join(folder, 'members-'))
    const cache = join(folder, 'compiled')
    const processes = Array.from({ length: houses }, (_, i) => new MemberProcess(join(logs, `member-${i}.log`), cache))
    const cluster = new Cluster(processes, members, directory)
    try {
      await cluster.#open(variants, profile)
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  /** Has all members do one thing at the same time; resolves with what each saw, by index. */
  run(slice: WithoutStart<BareSlice>): Promise<readonly Extract<SliceReport, { kind: 'bare' }>[]>
  run(slice: WithoutStart<OpenSlice | ClosedSlice>): Promise<readonly Extract<SliceReport, { kind: 'quorum' }>[]>
  async run(slice: WithoutStart<Slice>): Promise<readonly SliceReport[]> {
    const startMs = monotonicMs() + LEAD_MS
    const reports = this.#members.map(async ({ index, house }) => {
      // One profile is enough, and it slows its process down.
      const profilePath = 'profilePath' in slice && index > 0 ? { profilePath: undefined } : {}
      const message = { type: 'slice', slice: { ...slice, ...profilePath, startMs } as Slice } as const
      return (await house.ask(index, message, 'sliced')).report
    })
    return Promise.all(reports)
  }

  /** Where a group stands, as the first living member sees it. */
  async where(variant: string): Promise<Stand> {
    const [first] = this.#living
    if (first === undefined) throw new RangeError('no member')
    return (await first.house.ask(first.index, { type: 'where', variant }, 'stands')).stand
  }

  /**
   * Kills one member, in a process of its own, unless that is done, while another submits a command; what the others
   * saw: from the submission, and from the kill.
   */
  async recover(variant: string, killed: number, durationMs: number): Promise<readonly RecoveryReport[]> {
    const others = this.#living.filter(({ index }) => index !== killed)
    const startMs = monotonicMs() + LEAD_MS
    const slice = { kind: 'recovery', variant, startMs, durationMs, killed, submitter: others[0]?.index ?? 0 } as const
    const reports = others.map(async ({ index, house }) => {
      const { report } = await house.ask(index, { type: 'slice', slice }, 'sliced')
      if (report.kind !== 'recovery') throw new RangeError(`a report of ${report.kind}`)
      return report
    })
    await sleepUntil(startMs - KILLED_AHEAD_MS)
    const killedMs = this.#kill(killed)
    return (await Promise.all(reports)).map(({ kind, finalMs, downMs }) => ({
      kind,
      finalMs: finalMs === null ? null : finalMs - startMs,
      downMs: downMs === null ? null : downMs - killedMs
    }))
  }

  get #living(): readonly Housed[] {
    return this.#members.filter(({ index }) => !this.#killedMs.has(index))
  }

  /** Returns when that was. */
  #kill(member: number): number {
    const before = this.#killedMs.get(member)
    if (before !== undefined) return before
    const nowMs = monotonicMs()
    this.#killedMs.set(member, nowMs)
    this.#members.find(({ index }) => index === member)?.house.kill()
    return nowMs
  }

  /** Ends every process and removes what they wrote. */
  async stop(): Promise<void> {
    await this.#end()
    this.#forgetInterrupt()
    await rm(this.#directory, { recursive: true, force: true })
  }

  #end(): Promise<unknown> {
    return Promise.all(this.#houses.map((house) => house.end()))
  }

  async #open(variants: readonly Variant[], profile: Profile): Promise<void> {
    const nonce = new Uint8Array(randomBytes(32))
    const contacts = await inTurns(this.#members, async ({ index, house }) => {
      const directory = join(this.#directory, String(index))
      await mkdir(directory, { mode: 0o700 })
      const housemates = this.#members.filter((other) => other.house === house).length
      const config = { index, members: this.#members.length, housemates, nonce, directory, variants, profile }
      return (await house.ask(index, { type: 'open', config }, 'opened')).contact
    })
    await inTurns(this.#members, ({ index, house }) => house.ask(index, { type: 'connect', contacts }, 'connected'))
    await Promise.all(this.#members.map(({ index, house }) => house.ask(index, { type: 'meet' }, 'met')))
  }
}

async function inTurns<T, R>(things: readonly T[], work: (thing: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  const waiting = things.entries()
  const next = async (): Promise<void> => {
    for (const [index, thing] of waiting) results[index] = await work(thing)
  }
  await Promise.all(Array.from({ length: STARTING_MAX }, next))
  return results
}
