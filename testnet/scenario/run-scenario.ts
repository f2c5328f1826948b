import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { TestnetError } from '../errors.ts'
import { shapesOf } from '../links/rules.ts'
import type { GroupTerms } from '../runner/group-manifest.ts'
import { prepareRun } from '../runner/prepare.ts'
import { isRunning } from '../runner/process-table.ts'
import type { RunFolder } from '../runner/run-folder.ts'
import type { PeerRow, TestnetEvent } from '../runner/state.ts'
import { Testnet } from '../runner/testnet.ts'
import { type Judged, prepareChecks } from './checks/index.ts'
import { Faults } from './faults.ts'
import { acknowledged, History } from './history.ts'
import { LoadMeter } from './load-meter.ts'
import { type Manifest, readManifest } from './manifest.ts'
import type { Accusation, Change, Outcome } from './outcome.ts'
import type { Play } from './play.ts'
import { writeReport } from './report.ts'

/** Sixteen peers on two busy cores. */
const SETTLE_DEADLINE_MS = 120_000
/** What clients wait for when the load has ended; a halted group does not answer. */
const QUIET_DEADLINE_MS = 20_000
const POLL_MS = 100

export interface ScenarioOptions {
  readonly directory: string
  /** Hears of the run as soon as it exists, before anything is started. */
  readonly began: (testnet: Testnet, folder: RunFolder) => void
  /** Ends the run early, as failed. */
  readonly aborted: AbortSignal
}

export interface ScenarioResult {
  readonly folder: RunFolder
  readonly seed: string
  readonly outcome: Outcome
  readonly verdicts: readonly Judged[]
}

/** A quorum group of peers, its liars, faults and clients. */
export function quorumPlay(value: unknown, cycles: number | undefined): Play {
  const manifest = withCycles(readManifest(value), cycles)
  return {
    ...manifest,
    play: async ({ directory, aborted, began }) => {
      const result = await runScenario(manifest, { directory, aborted, began: (run) => began(run.events, run) })
      return { verdicts: result.verdicts, report: writeReport(result) }
    }
  }
}

function withCycles(manifest: Manifest, cycles: number | undefined): Manifest {
  if (cycles === undefined) return manifest
  return { ...manifest, perturb: manifest.perturb.map((what) => (what.count > 1 ? { ...what, count: cycles } : what)) }
}

/** Runs one scenario from its first process to its last, and judges what it left. Rejects with `TestnetError`. */
export async function runScenario(manifest: Manifest, options: ScenarioOptions): Promise<ScenarioResult> {
  const checks = prepareChecks(manifest)
  const scenario = new Scenario(manifest, options)
  const outcome = await scenario.run(options.aborted)
  const verdicts: Judged[] = []
  for (const check of checks) verdicts.push(await check(outcome))
  return { folder: scenario.folder, seed: scenario.seed, outcome, verdicts }
}

class Scenario {
  readonly folder: RunFolder
  readonly seed: string
  readonly #manifest: Manifest
  readonly #honest: ReadonlySet<string>
  readonly #startedAtMs = Date.now()
  readonly #testnet: Testnet
  readonly #history: History
  readonly #accusations: Accusation[] = []
  readonly #changes: Change[] = []
  readonly #faults: Faults
  readonly #meter: LoadMeter

  constructor(manifest: Manifest, { directory, began }: ScenarioOptions) {
    this.#manifest = manifest
    this.seed = manifest.seed === '' ? randomBytes(16).toString('hex') : manifest.seed
    const { groups, program, discovery, caps, pace } = manifest
    const terms: GroupTerms = { ...pace, caps }
    this.folder = prepareRun({ directory, peers: groups, program, discovery, votes: true, terms })
    this.#honest = honestPeers(this.folder, manifest)
    const { peers } = this.folder.manifest()
    const avoided = new Set(peers.flatMap(({ name }) => (this.#honest.has(name) ? [] : name)))
    this.#history = new History(() => this.#testnet.state().elapsedMs)
    const links = needsProxy(manifest) ? { links: shapesOf(manifest.links, peers) } : {}
    this.#testnet = new Testnet({ folder: this.folder, ratePerS: 0, observer: this.#history, avoided, ...links })
    this.#testnet.events.listen((event) => this.#hear(event))
    this.#meter = new LoadMeter(this.#testnet)
    this.#faults = new Faults({
      testnet: this.#testnet,
      folder: this.folder,
      honest: this.#honest,
      random: seededRandom(this.seed)
    })
    began(this.#testnet, this.folder)
  }

  async run(aborted: AbortSignal): Promise<Outcome> {
    const testnet = this.#testnet
    try {
      await testnet.start()
      await this.#settle()
      this.#meter.start()
      await this.#load(aborted)
      await this.#quieten(aborted)
      const { peers } = testnet.state()
      const inbound = await testnet.inbound()
      const processes = this.folder.processes()
      await testnet.stop('the scenario is over')
      const left = processes.filter((process) => process.name !== 'runner' && isRunning(process))
      return this.#outcome(
        peers,
        inbound,
        left.map(({ name }) => name)
      )
    } finally {
      this.#meter.stop()
      await testnet.stop('the scenario ends early')
    }
  }

  /** All connected to each other, and all that keep to the rules taking part. */
  async #settle(): Promise<void> {
    const testnet = this.#testnet
    const failed = testnet.state().peers.find(({ state }) => state === 'failed')
    if (failed !== undefined) {
      const log = this.folder.logPath(failed.name)
      throw new TestnetError('BRUME_TESTNET_PEER_FAILED', `${failed.name} ended by itself at its start; see ${log}`)
    }
    this.#behaveAt(0)
    await testnet.until(
      'every peer connected to every other',
      SETTLE_DEADLINE_MS,
      ({ meshedMs }) => meshedMs !== undefined
    )
    await testnet.until('every honest peer taking part in the group', SETTLE_DEADLINE_MS, ({ peers }) =>
      peers.every(({ name, sample }) => !this.#honest.has(name) || sample?.group?.state === 'voting')
    )
  }

  /** The load and the faults in it; ends when the time is over and the last fault is. */
  async #load(aborted: AbortSignal): Promise<void> {
    const timers = [...this.#scheduleBehaviours(), ...this.#scheduleLoad()]
    try {
      const faults = this.#manifest.perturb.map((what) => this.#faults.run(what, aborted))
      await Promise.all([sleep(this.#manifest.durationS * 1_000, undefined, { signal: aborted }), ...faults])
    } finally {
      for (const timer of timers) clearTimeout(timer)
      this.#testnet.load(0)
    }
  }

  #scheduleBehaviours(): readonly NodeJS.Timeout[] {
    const moments = this.#manifest.groups.flatMap(({ byzantine }) => [byzantine?.fromS ?? 0, byzantine?.untilS ?? 0])
    const later = [...new Set(moments)].filter((atS) => atS > 0 && atS < this.#manifest.durationS)
    return later.map((atS) => setTimeout(() => this.#behaveAt(atS), atS * 1_000))
  }

  /** Tells each group what is its part from this second on. */
  #behaveAt(atS: number): void {
    for (const { name: group, byzantine } of this.#manifest.groups) {
      if (byzantine === null || (byzantine.fromS !== atS && byzantine.untilS !== atS)) continue
      const { behaviour, clients, delayMs } = byzantine
      const on = byzantine.fromS === atS
      for (const { name } of this.folder.manifest().peers.filter((peer) => peer.group === group)) {
        this.#testnet.behave(name, on ? { behaviour, clients, delayMs } : null)
        this.#testnet.events.emit('peer.behaves', name, { behaviour: on ? behaviour : '' })
      }
    }
  }

  #scheduleLoad(): readonly NodeJS.Timeout[] {
    return this.#manifest.workload.flatMap(({ atS, forS, ratePerS, clients }) => {
      const begin = (): void => {
        this.#testnet.events.emit('load.begins', undefined, { ratePerS })
        this.#testnet.load(ratePerS, clients)
      }
      const timers = [setTimeout(begin, atS * 1_000)]
      if (forS > 0) timers.push(setTimeout(() => this.#testnet.load(0), (atS + forS) * 1_000))
      return timers
    })
  }

  /** Waits until nobody waits any more and all are level; what does not come is for the checks to name. */
  async #quieten(aborted: AbortSignal): Promise<void> {
    const untilMs = performance.now() + QUIET_DEADLINE_MS
    while (performance.now() < untilMs && !this.#isQuiet()) await sleep(POLL_MS, undefined, { signal: aborted })
    const history = this.#history.all()
    const unknown = history.filter(({ outcome }) => outcome === 'unknown').length
    this.#testnet.events.emit('load.ends', undefined, { acknowledged: acknowledged(history).length, unknown })
  }

  #isQuiet(): boolean {
    const { peers } = this.#testnet.state()
    const groups = peers.flatMap(({ name, sample }) => (this.#honest.has(name) ? (sample?.group ?? []) : []))
    const level = new Set(groups.flatMap(({ height, executed }) => [height, executed])).size <= 1
    return this.#testnet.outstanding === 0 && level && groups.every(({ pool }) => pool === 0)
  }

  #hear({ atMs, event, peer, detail }: TestnetEvent): void {
    if (peer === undefined || detail === undefined) return
    const { member, view, state, reason = '' } = detail
    if (event === 'peer.accuses') this.#accusations.push({ by: peer, member: String(member), view: Number(view) })
    if (event === 'group.state') this.#changes.push({ atMs, peer, state: String(state), reason: String(reason) })
  }

  #outcome(peers: readonly PeerRow[], inbound: Outcome['inbound'], processesLeft: readonly string[]): Outcome {
    return {
      manifest: this.#manifest,
      folder: this.folder,
      honest: this.#honest,
      history: this.#history.all(),
      faults: this.#faults.done(),
      accusations: this.#accusations,
      changes: this.#changes,
      peers,
      startedAtMs: this.#startedAtMs,
      processesLeft,
      inbound,
      overloaded: this.#meter.overloaded()
    }
  }
}

function needsProxy({ links, perturb }: Manifest): boolean {
  return links.length > 0 || perturb.some(({ action }) => action === 'disconnect' || action === 'partition')
}

function honestPeers(folder: RunFolder, { groups }: Manifest): ReadonlySet<string> {
  const lying = new Set(groups.flatMap(({ name, byzantine }) => (byzantine === null ? [] : name)))
  const { peers } = folder.manifest()
  return new Set(peers.flatMap(({ name, group }) => (lying.has(group) ? [] : name)))
}

/** Numbers in [0, 1), the same for the same seed. */
function seededRandom(seed: string): () => number {
  let drawn = 0
  return () => {
    const digest = createHash('sha256').update(`brume/testnet-faults/1 ${seed} ${drawn++}`).digest()
    return digest.readUInt32BE(0) / 2 ** 32
  }
}
