import { setTimeout as sleep } from 'node:timers/promises'
import { TestnetError } from '../errors.ts'
import { type Carriage, LinkNetwork } from '../links/network.ts'
import type { Shape } from '../links/profiles.ts'
import { type ControlRequest, type ControlServer, controlSocketPath, serveControl } from './control.ts'
import { endProcesses } from './end-processes.ts'
import { EventLine } from './event-line.ts'
import { type Guard, startGuard } from './guard.ts'
import type { Behaviour, PeerConfig, Placed } from './messages.ts'
import { peerConfig } from './peer-config.ts'
import { PeerSlot } from './peer-slot.ts'
import { ProcessBook } from './process-book.ts'
import type { ProcessId } from './process-table.ts'
import type { RunFolder, RunManifest } from './run-folder.ts'
import { selectPeers } from './selectors.ts'
import { assembleState, type TestnetState } from './state.ts'
import { Watch } from './watch.ts'
import { Workload, type WorkloadObserver } from './workload.ts'

/** More Node processes starting at once than this only wait for each other's CPU (testing.md 3.2). */
const STARTING_MAX = 5
/** With `--discovery list`: so many peers start first, and their addresses are everyone's way in. */
const CONTACTS = 3
/** Between two looks at the state as a whole. */
const WATCH_MS = 500
const DEADLINE_POLL_MS = 50
/** Load starts when the peers have met, or so long after the last has started: a mesh in the making is load enough. */
const MESH_WAIT_MS = 15_000

export interface TestnetOptions {
  readonly folder: RunFolder
  /** Submissions a second to the whole group, once its members have met; 0: none before `load`. */
  readonly ratePerS: number
  readonly observer?: WorkloadObserver
  /** How each direction between two peers is, by `<from> <to>`; with it, all connections go through a proxy. */
  readonly links?: ReadonlyMap<string, Shape>
  /** Peers by name that clients never ask: they do not keep their word. */
  readonly avoided?: ReadonlySet<string>
  /** Default `local`: everything on the loopback interface. */
  readonly profile?: PeerConfig['profile']
  /** The command that runs peer `index` (from 0), in place of running it directly. */
  readonly prefix?: (index: number) => readonly string[]
  /** A command the guard runs when the run is over, however it ended. */
  readonly guardAfter?: readonly string[]
}

/** A run: its peers' processes, their guard, the control socket, and what is known of it all. */
export class Testnet {
  readonly events: EventLine
  readonly #folder: RunFolder
  readonly #manifest: RunManifest
  readonly #options: TestnetOptions
  readonly #slots: readonly PeerSlot[]
  readonly #workload: Workload
  readonly #watch: Watch
  readonly #book: ProcessBook
  readonly #beganMs = performance.now()
  readonly #downAsked = Promise.withResolvers<void>()
  #guard: Guard | undefined
  #network: LinkNetwork | undefined
  #proxyPort: number | undefined
  #control: ControlServer | undefined
  #watchTimer: NodeJS.Timeout | undefined
  #meshedMs: number | undefined
  #meshWait: NodeJS.Timeout | undefined
  #stopping: Promise<void> | undefined
  readonly #behaviours = new Map<string, Behaviour | null>()
  readonly #accused = new Set<string>()

  constructor(options: TestnetOptions) {
    this.#options = options
    this.#folder = options.folder
    this.#manifest = options.folder.manifest()
    this.events = new EventLine(() => this.#elapsedMs())
    this.#watch = new Watch(this.events)
    this.#book = new ProcessBook(options.folder)
    this.#slots = this.#makeSlots()
    const avoided = options.avoided ?? new Set()
    const asked = {
      running: () => this.#running().flatMap(({ name }) => (avoided.has(name) ? [] : name)),
      submit: (peer: string, id: number, client: string) => this.#slot(peer).send({ type: 'submit', id, client })
    }
    this.#workload = new Workload(asked, options.observer)
  }

  /** Resolves when somebody asked for the end through the control socket. */
  get downAsked(): Promise<void> {
    return this.#downAsked.promise
  }

  /** Resolves when every peer is ready, or has failed; which ones did is in the state. */
  async start(): Promise<void> {
    const { runId, discovery, peers } = this.#manifest
    const socketPath = controlSocketPath(runId)
    this.#guard = startGuard(this.#folder.pidsPath, socketPath, this.#options.guardAfter)
    if (this.#options.links !== undefined) this.#network = new LinkNetwork(this.#options.links)
    this.#book.add('runner', process.pid)
    this.#book.add('guard', this.#guard.pid)
    this.#book.add('proxy', this.#network?.pid)
    this.#book.write(this.#slots)
    this.#proxyPort = await this.#network?.port()
    this.#control = await serveControl(socketPath, (request) => this.#answer(request))
    this.events.emit('run.started', undefined, { runId, discovery, peers: peers.length, path: this.#folder.path })
    this.#watchTimer = setInterval(() => this.#look(), WATCH_MS)
    const first = discovery === 'list' ? CONTACTS : 0
    await this.#startSlots(this.#slots.slice(0, first))
    await this.#startSlots(this.#slots.slice(first))
    if (this.#stopping !== undefined) return
    if (this.#meshedMs === undefined) this.#meshWait = setTimeout(() => this.#beginLoad(), MESH_WAIT_MS)
  }

  /** From now on so many submissions a second by so many clients; 0 ends the load. */
  load(ratePerS: number, clients = 1): void {
    if (this.#stopping === undefined && this.#manifest.group !== null) this.#workload.run(ratePerS, clients)
  }

  /** Submissions that were not answered yet. */
  get outstanding(): number {
    return this.#workload.outstanding
  }

  #beginLoad(): void {
    clearTimeout(this.#meshWait)
    if (this.#options.ratePerS > 0) this.load(this.#options.ratePerS)
  }

  state(): TestnetState {
    const { runId, discovery, group } = this.#manifest
    return assembleState({
      runId,
      discovery,
      program: group?.program,
      elapsedMs: this.#elapsedMs(),
      meshedMs: this.#meshedMs,
      workload: this.#workload,
      peers: this.#slots.map((slot) => slot.row()),
      events: this.events.newest()
    })
  }

  /** SIGKILL; they stay dead until `restart`. `random:<k>` takes from those alive. Answers whom it met. */
  async kill(selectors: readonly string[]): Promise<readonly string[]> {
    const alive = (slot: PeerSlot): boolean => slot.process !== undefined
    const slots = this.#select(selectors, alive).filter(alive)
    await Promise.all(slots.map((slot) => slot.kill()))
    return slots.map((slot) => slot.name)
  }

  /** Starts dead peers on their old data; a living one is ended cleanly first. `all`: the dead ones. */
  async restart(selectors: readonly string[]): Promise<readonly string[]> {
    const slots = this.#select(selectors, (slot) => slot.process === undefined)
    await this.#end(slots)
    await this.#startSlots(slots)
    return slots.map((slot) => slot.name)
  }

  /** SIGTERM, and the end awaited; they stay down until `restart`. Rejects with `BRUME_TESTNET_CLEANUP`. */
  async end(selectors: readonly string[]): Promise<readonly string[]> {
    const slots = this.#select(selectors, (slot) => slot.process !== undefined)
    const left = await this.#end(slots)
    if (left.length > 0) throw new TestnetError('BRUME_TESTNET_CLEANUP', `${selectors.join(' ')} does not end`)
    return slots.map((slot) => slot.name)
  }

  /** Tells a peer how to break the rules, now and after each restart; null: not at all. */
  behave(name: string, behaviour: Behaviour | null): void {
    this.#behaviours.set(name, behaviour)
    this.#slot(name).send({ type: 'behave', behaviour })
  }

  /** Parts these peers from all others: their connections are cut and refused, or left open and dead; null heals. */
  part(names: readonly string[], how: 'cut' | 'block' | null): void {
    const others = this.#slots.map(({ name }) => name).filter((name) => !names.includes(name))
    this.#network?.setFault([names, others], how)
  }

  /** Connections that were seen to come in at peers, and those of them that had not come through the proxy. */
  async inbound(): Promise<Carriage | null> {
    return (await this.#network?.judge(this.#slots.flatMap((slot) => [...slot.inboundPorts]))) ?? null
  }

  /** Every sync of the peer's journal takes so much longer, until told otherwise or until it is restarted. */
  slowDisk(name: string, syncMs: number): void {
    this.#slot(name).send({ type: 'disk', syncMs })
  }

  /** SIGSTOP. */
  pause(selectors: readonly string[]): readonly string[] {
    const isRunning = (slot: PeerSlot): boolean => slot.state === 'running'
    const slots = this.#select(selectors, isRunning).filter(isRunning)
    for (const slot of slots) slot.pause()
    return slots.map((slot) => slot.name)
  }

  /** SIGCONT. */
  resume(selectors: readonly string[]): readonly string[] {
    const isPaused = (slot: PeerSlot): boolean => slot.state === 'paused'
    const slots = this.#select(selectors, isPaused).filter(isPaused)
    for (const slot of slots) slot.resume()
    return slots.map((slot) => slot.name)
  }

  /** Resolves once `condition` holds; rejects with `BRUME_TESTNET_DEADLINE`, naming `what` was awaited. */
  async until(what: string, deadlineMs: number, condition: (state: TestnetState) => boolean): Promise<TestnetState> {
    const from = performance.now()
    for (;;) {
      const state = this.state()
      if (condition(state)) return state
      if (performance.now() - from > deadlineMs) {
        throw new TestnetError(
          'BRUME_TESTNET_DEADLINE',
          `${what}: not within ${deadlineMs} ms; see ${this.#folder.path}`
        )
      }
      await sleep(DEADLINE_POLL_MS)
    }
  }

  /** Ends everything; calling it again waits for the same end. Rejects with `BRUME_TESTNET_CLEANUP` if a process is left. */
  stop(reason: string): Promise<void> {
    this.#stopping ??= this.#stop(reason)
    return this.#stopping
  }

  async #stop(reason: string): Promise<void> {
    const fromMs = performance.now()
    this.events.emit('run.stopping', undefined, { reason })
    this.#workload.run(0)
    clearTimeout(this.#meshWait)
    clearInterval(this.#watchTimer)
    const processes = this.#slots.filter((slot) => slot.process !== undefined).length
    const left = [...(await this.#end(this.#slots)), ...((await this.#network?.end()) ?? [])]
    await this.#control?.close()
    await this.#guard?.release()
    this.#folder.writeProcesses([])
    if (left.length > 0) {
      const pids = left.map(({ pid }) => pid).join(' ')
      throw new TestnetError('BRUME_TESTNET_CLEANUP', `processes ${pids} of run ${this.#manifest.runId} do not end`)
    }
    this.events.emit('run.stopped', undefined, { processes, tookMs: Math.round(performance.now() - fromMs) })
  }

  async #end(slots: readonly PeerSlot[]): Promise<readonly ProcessId[]> {
    const processes = slots.flatMap((slot) => slot.process ?? [])
    for (const slot of slots) slot.expectEnd()
    const left = await endProcesses(processes)
    if (left.length === 0) await Promise.all(slots.map((slot) => slot.ended()))
    return left
  }

  async #startSlots(slots: readonly PeerSlot[]): Promise<void> {
    const waiting = [...slots]
    const startNext = async (): Promise<void> => {
      for (let slot = waiting.shift(); slot !== undefined; slot = waiting.shift()) {
        if (this.#stopping !== undefined) return
        await slot.start(this.#configOf(slot))
      }
    }
    await Promise.all(Array.from({ length: STARTING_MAX }, startNext))
  }

  #configOf(slot: PeerSlot): PeerConfig {
    return peerConfig(this.#folder, slot.name, {
      profile: this.#options.profile ?? 'local',
      contacts: this.#contacts(slot),
      proxyPort: this.#proxyPort,
      behaviour: this.#behaviours.get(slot.name) ?? null
    })
  }

  /** Current addresses of a few running peers: after a restart its port is another. */
  #contacts(of: PeerSlot): readonly string[] {
    const others = this.#running().filter((slot) => slot !== of)
    return others.slice(0, CONTACTS).flatMap((slot) => slot.addresses.slice(0, 1))
  }

  #makeSlots(): readonly PeerSlot[] {
    const { peers } = this.#manifest
    const names = new Map(peers.map(({ peerId, name }) => [peerId, name]))
    const events = {
      emit: this.events.emit.bind(this.events),
      processesChanged: () => this.#processesChanged(),
      addressesChanged: () => this.#tellPorts(),
      membersChanged: () => this.#lookAtMesh(),
      accused: (peer: string, member: string, view: number) => {
        // A member that lies once lies in every view; the first proof that each peer finds is news.
        if (this.#accused.has(`${peer} ${member}`)) return
        this.#accused.add(`${peer} ${member}`)
        this.events.emit('peer.accuses', peer, { member: names.get(member) ?? member, view })
      },
      outcome: (_peer: string, id: number, placed: Placed | undefined, error: string | undefined) =>
        this.#workload.settle(id, placed, error)
    }
    return peers.map(({ name, peerId }, index) => {
      const prefix = this.#options.prefix?.(index) ?? []
      return new PeerSlot({ name, peerId, prefix, logPath: this.#folder.logPath(name) }, names, events)
    })
  }

  #processesChanged(): void {
    this.#book.write(this.#slots)
    for (const slot of this.#slots) if (slot.process === undefined) this.#workload.forget(slot.name)
  }

  #tellPorts(): void {
    const listening = this.#slots.flatMap(({ name, port }) => (port === undefined ? [] : [[port, name] as const]))
    this.#network?.setPeers(new Map(listening))
  }

  #lookAtMesh(): void {
    const complete = this.#slots.every(
      (slot) => slot.state === 'running' && slot.connectedMembers >= this.#slots.length - 1
    )
    if (!complete || this.#meshedMs !== undefined) return
    this.#meshedMs = this.#elapsedMs()
    this.#beginLoad()
    this.#look()
  }

  #look(): void {
    this.#watch.look(this.state())
  }

  async #answer(request: ControlRequest): Promise<unknown> {
    if (request.do === 'status') return this.state()
    if (request.do === 'down') return this.#downAsked.resolve()
    return this[request.do](request.peers)
  }

  #select(selectors: readonly string[], eligible: (slot: PeerSlot) => boolean): readonly PeerSlot[] {
    const open = this.#slots.filter(eligible).map((slot) => slot.name)
    return selectPeers(selectors, this.#manifest.peers, open).map((name) => this.#slot(name))
  }

  #slot(name: string): PeerSlot {
    const found = this.#slots.find((slot) => slot.name === name)
    if (found === undefined) throw new TestnetError('BRUME_TESTNET_UNKNOWN_PEER', `no peer '${name}' in this run`)
    return found
  }

  #running(): readonly PeerSlot[] {
    return this.#slots.filter((slot) => slot.state === 'running')
  }

  #elapsedMs(): number {
    return performance.now() - this.#beganMs
  }
}
