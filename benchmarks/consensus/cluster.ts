import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { monotonicMs } from '../harness/clock.ts'
import { onInterrupt } from '../harness/interrupt.ts'
import { MemberProcess } from './member-process.ts'
import type { BareSlice, ClosedSlice, OpenSlice, Slice, SliceReport, Variant } from './plan.ts'

/** More Node processes starting at once than this only wait for each other. */
const STARTING_MAX = 4
/** For the message to reach every member before the slice begins. */
const LEAD_MS = 150

type WithoutStart<T> = T extends unknown ? Omit<T, 'startMs'> : never

/** The processes of one benchmark, connected all to all. */
export class Cluster {
  readonly #members: readonly MemberProcess[]
  readonly #directory: string
  readonly #forgetInterrupt: () => void

  private constructor(members: readonly MemberProcess[], directory: string) {
    this.#members = members
    this.#directory = directory
    this.#forgetInterrupt = onInterrupt(() => this.#end())
  }

  /**
   * Starts the members; resolves when all groups vote. Everything is ended again if one fails.
   *
   * @param folder - where their data goes: on the disk whose syncs are to be measured
   * @param logs - where their standard error goes
   */
  static async start(members: number, variants: readonly Variant[], folder: string, logs: string): Promise<Cluster> {
    const directory = await mkdtemp(join(folder, 'members-'))
    const cache = join(folder, 'compiled')
    const processes = Array.from({ length: members }, (_, i) => new MemberProcess(join(logs, `member-${i}.log`), cache))
    const cluster = new Cluster(processes, directory)
    try {
      await cluster.#open(variants)
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
    const reports = this.#members.map(async (member, index) => {
      // One profile is enough, and it slows its process down.
      const profilePath = 'profilePath' in slice && index > 0 ? { profilePath: undefined } : {}
      const message = { type: 'slice', slice: { ...slice, ...profilePath, startMs } as Slice } as const
      return (await member.ask(message, 'sliced')).report
    })
    return Promise.all(reports)
  }

  /** Ends every process and removes what they wrote. */
  async stop(): Promise<void> {
    await this.#end()
    this.#forgetInterrupt()
    await rm(this.#directory, { recursive: true, force: true })
  }

  #end(): Promise<unknown> {
    return Promise.all(this.#members.map((member) => member.end()))
  }

  async #open(variants: readonly Variant[]): Promise<void> {
    const nonce = new Uint8Array(randomBytes(32))
    const contacts = await inTurns(this.#members, async (member, index) => {
      const directory = join(this.#directory, String(index))
      await mkdir(directory, { mode: 0o700 })
      const config = { index, members: this.#members.length, nonce, directory, variants }
      return (await member.ask({ type: 'open', config }, 'opened')).contact
    })
    await Promise.all(this.#members.map((member) => member.ask({ type: 'meet', contacts }, 'met')))
  }
}

async function inTurns<T, R>(
  things: readonly T[],
  work: (thing: T, index: number) => Promise<R>
): Promise<readonly R[]> {
  const results: R[] = []
  const waiting = things.entries()
  const next = async (): Promise<void> => {
    for (const [index, thing] of waiting) results[index] = await work(thing, index)
  }
  await Promise.all(Array.from({ length: STARTING_MAX }, next))
  return results
}
